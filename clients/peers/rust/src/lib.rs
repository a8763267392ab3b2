//! The pages that `scripts/bench --clients` measures in axum, with the sessions of tower-sessions and of jrs-client.

#![forbid(unsafe_code)]

pub mod pages;
pub mod redis_rs_store;

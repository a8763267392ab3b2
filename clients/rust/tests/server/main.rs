//! The crate on real servers: `redis-server`, or the one of `JRS_TEST_SERVER`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod actix_sessions;
mod axum_app;
mod axum_cookies;
mod axum_edges;
mod axum_races;
mod axum_sessions;
mod cluster;
mod commands;
mod debug_output;
mod errors;
mod outages;
mod pages;
mod support;

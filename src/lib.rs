//! JRS: JSON Web Token sessions inside Redis.
//!
//! A module of the server: it signs and verifies tokens, and keeps each session as a plain string key with a TTL. What
//! it offers is [its commands](commands) and [its settings](settings); the server enters through `redis::load`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod commands;
mod error;
mod metrics;
mod module;
mod realm;
mod redis;
pub mod session;
mod settings;
mod state;
mod store;
mod threads;
pub mod token;

// Unit tests run without a server, and so without its allocator.
#[cfg(all(feature = "redis-allocator", not(test)))]
#[global_allocator]
static ALLOCATOR: redis_module::alloc::RedisAlloc = redis_module::alloc::RedisAlloc;

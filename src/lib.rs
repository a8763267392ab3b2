//! JRS: sessions behind JSON Web Tokens, inside Redis and Valkey.
//!
//! JRS is a module of the server. It adds the `JRS.*` commands: the server signs and verifies tokens, and keeps the data
//! of each session as a plain string key with a TTL. ARCHITECTURE.md has more detail.
//!
//! # Layers
//!
//! ```text
//!        clients                    the server: load, CONFIG, INFO, events
//!           │                                    │
//! ┌─────────▼────────────────────────────────────▼───────────────────────┐
//! │ redis      the server's C API as safe types; the only unsafe code    │
//! └─────────┬────────────────────────────────────┬───────────────────────┘
//!           │ Command::run                       │ Module::load, on_event
//! ┌─────────▼────────────────────────┐ ┌─────────▼───────────────────────┐
//! │ commands   one file per command  ◄─┤ module   load, settings, INFO   │
//! └─────────┬────────────────────────┘ └─────────┬───────────────────────┘
//! ┌─────────▼────────────────────────────────────▼───────────────────────┐
//! │ state      what is active: settings, realms, keys; reload            │
//! ├──────────────────────────────────────────────────────────────────────┤
//! │ store      a session in the keyspace: every write; the owner index   │
//! ├──────────────────────────────────────────────────────────────────────┤
//! │ realm      keys, policy and keyspace of one tenant                   │
//! ├──────────────────────────────────────────────────────────────────────┤
//! │ error      the errors of commands and their sentences                │
//! ├──────────────────────────────────────────────────────────────────────┤
//! │ metrics    the counters of INFO                                      │
//! ├──────────────────────────────────────────────────────────────────────┤
//! │ settings   the table of all settings; the realms file         (pure) │
//! ├──────────────────────────────────────────────────────────────────────┤
//! │ token      JWT: keys, signing, verification, cache            (pure) │
//! ├──────────────────────────────────────────────────────────────────────┤
//! │ session    id, owner, lifetime, data                          (pure) │
//! ├──────────────────────────────────────────────────────────────────────┤
//! │ threads    the worker pool, and how locks are taken                  │
//! └──────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A layer uses the layers below it, never those above. [`redis`] is at the top because the server calls it first. It uses
//! no other layer: it calls them through traits, such as [`Command`](redis::Command) and [`Module`](redis::Module).
//! [`commands`], [`module`], [`state`], [`store`] and [`error`] use its types. A pure layer knows no server, clock or file;
//! the caller passes the time and random bytes. ARCHITECTURE.md lists the exceptions.
//!
//! # How a command runs
//!
//! 1. The server calls the command's entry point in `redis/command/register.rs`. It wraps the arguments in a
//!    [`Call`](redis::Call) and catches panics.
//! 2. `read` finds the token among the arguments and redacts it, so that SLOWLOG and MONITOR do not show it.
//! 3. `prepare` looks into the cache of verified tokens. It verifies and caches a token with a fast signature (HMAC).
//! 4. `compute` verifies a slow signature (RSA, ECDSA, EdDSA), on a thread of the pool in [`threads`] while the client is
//!    blocked. It also signs new tokens, at once if that is fast.
//! 5. `finish` runs on the server's main thread: it checks time, permissions and the state of the server, then acts through
//!    [`store`] and replies.
//! 6. An error becomes one reply. Its sentence is in [`error`] or, for the arguments of one command, in that command's
//!    file. A failed command has changed nothing, with two exceptions: JRS.DESTROYALL may have destroyed
//!    some sessions, and REUSED the session of a stolen token.
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

/// Memory of the module is memory of the server. Unit tests run without a server, so without its allocator.
#[cfg(all(feature = "redis-allocator", not(test)))]
#[global_allocator]
static ALLOCATOR: redis_module::alloc::RedisAlloc = redis_module::alloc::RedisAlloc;

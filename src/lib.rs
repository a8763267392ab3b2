//! JRS: JSON Web Token sessions inside Redis.
//!
//! A module of the server: it signs and verifies tokens, and keeps each session as a plain string key with a TTL. What
//! it offers is [its commands](commands) and [its settings](settings); the server enters through `redis::load`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod commands;
mod counters;
mod error;
mod info;
mod key_source;
mod lock;
mod realm;
mod realm_index;
mod realms_file;
mod redis;
pub mod session;
mod settings;
mod state;
mod store;
mod threads;
pub mod token;

use std::ffi::{CStr, c_int};

use redis::{Ctx, Event, Level, log};

// Unit tests run without a server, and so without its allocator.
#[cfg(all(feature = "redis-allocator", not(test)))]
#[global_allocator]
static ALLOCATOR: redis_module::alloc::RedisAlloc = redis_module::alloc::RedisAlloc;

#[derive(Debug)]
struct Jrs;

impl Jrs {
    /// The name that MODULE LIST shows and that settings begin with.
    const NAME: &'static CStr = c"jrs";
    /// The version that MODULE LIST shows.
    const VERSION: c_int = 100;

    /// Registers everything. An error is logged and the server refuses the module.
    fn load(ctx: Ctx<'_>, arguments: &[&str]) -> Result<(), String> {
        redis::check_commands(ctx)?;
        let defaults = settings::defaults(arguments)?;
        state::begin(&defaults)?;
        redis::register_settings::<state::Configuration>(ctx, defaults)?;
        redis::register_all(ctx, commands::ALL)?;
        redis::register_info::<info::Report>(ctx);
        state::load(ctx)?;
        // Last: Redis 7.0 keeps the subscriptions of a module that it then does not load, and would call code that is
        // gone. Nothing after this can fail.
        redis::declare_features(ctx);
        store::begin(ctx);
        redis::listen::<Self>(ctx);
        log(Level::Notice, concat!("version ", env!("CARGO_PKG_VERSION"), " is ready"));
        Ok(())
    }

    /// Whether MODULE UNLOAD may take the module out of the server; an error says why not.
    fn may_unload() -> Result<(), String> {
        if state::allows_unload() {
            return Ok(());
        }
        Err("a server can crash when a module is taken out under its clients. To upgrade, restart the server with the new \
             module, or fail over to a replica that has it. CONFIG SET jrs.allow-unload yes allows MODULE UNLOAD all the \
             same"
            .to_owned())
    }
}

impl redis::EventListener for Jrs {
    fn told(event: Event<'_>) {
        match event {
            Event::BecameReplica => state::became_replica(),
            Event::ShutsDown => threads::stop(),
            Event::Ticked(ctx) => store::complete(ctx),
            _ => store::follow(event),
        }
    }
}

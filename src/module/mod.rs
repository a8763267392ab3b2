//! What the server calls beside commands: load and unload, settings, INFO, events.

mod info;
mod settings;

use std::ffi::{CStr, c_int};

use crate::{
    commands,
    redis::{self, Ctx, Event, Level, log},
    state, store, threads,
};

#[derive(Debug)]
pub struct Jrs;

impl Jrs {
    /// The name that MODULE LIST shows and that settings begin with.
    pub const NAME: &'static CStr = c"jrs";
    /// The version that MODULE LIST shows.
    pub const VERSION: c_int = 100;

    /// Registers everything. An error is logged and the server refuses the module.
    pub fn load(ctx: Ctx<'_>, arguments: &[&str]) -> Result<(), String> {
        redis::check_commands(ctx)?;
        let defaults = crate::settings::defaults(arguments)?;
        state::begin(&defaults)?;
        redis::register_settings::<settings::Configuration>(ctx, defaults)?;
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
    pub fn may_unload() -> Result<(), String> {
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

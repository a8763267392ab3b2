//! What the server calls apart from commands: load, unload, settings, INFO, events.

mod info;
mod load_error;
mod settings;

use std::{
    ffi::{CStr, c_int},
    panic::Location,
};

use crate::{
    commands,
    error::Error,
    redis::{self, Ctx, Event, Level, LoadError, Module, Refused, log},
    state, store, threads, token,
};

redis::entry_points!(Jrs);

/// The module, as the server calls it.
#[derive(Debug)]
struct Jrs;

impl Module for Jrs {
    fn name(&self) -> &'static CStr {
        c"jrs"
    }

    fn version(&self) -> c_int {
        // 1.2.3 as 10203, which MODULE LIST shows.
        let numbers = env!("CARGO_PKG_VERSION").split('.').filter_map(|number| number.parse::<c_int>().ok());
        numbers.fold(0, |version, number| version * 100 + number)
    }

    fn load(&self, ctx: Ctx<'_>, arguments: &[&str]) -> Result<(), LoadError> {
        redis::check_commands(ctx)?;
        let defaults = crate::settings::defaults(arguments)?;
        state::set_defaults(&defaults)?;
        redis::register_parameters::<settings::Configuration>(ctx, settings::parameters(defaults))?;
        if !redis::add_acl_category(ctx) {
            log(Level::Notice, "cannot create the ACL category @jrs");
        }
        redis::register_all(ctx, commands::to_register(state::get_requires_write()), commands::ROUTING_NOTE)?;
        redis::register_info::<info::Report>(ctx);
        state::load(ctx)?;
        // Last, and nothing after it can fail: Redis 7.0 keeps the event subscriptions of a module whose load fails,
        // and would call its unmapped code.
        redis::declare_features(ctx);
        store::begin_index(ctx);
        redis::listen(ctx);
        log(Level::Notice, concat!("version ", env!("CARGO_PKG_VERSION"), " is ready"));
        Ok(())
    }

    fn load_error_text(&self, error: LoadError) -> String {
        load_error::text(error)
    }

    fn panic_text(&self, place: Option<&Location<'_>>) -> String {
        let place = place.map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        format!("caught a panic{place}: this is a bug in jrs, please report it")
    }

    fn may_unload(&self) -> Result<(), String> {
        if state::allows_unload() {
            return Ok(());
        }
        Err("MODULE UNLOAD is refused: unloading a module while clients use it can crash the server. To upgrade, restart \
             the server with the new module, or fail over to a replica that has it. To unload it anyway: CONFIG SET \
             jrs.allow-unload yes"
            .to_owned())
    }

    fn unload(&self) {
        state::unload();
    }

    fn on_event(&self, event: Event<'_>) {
        match event {
            Event::BecameReplica => state::became_replica(),
            Event::ShuttingDown => threads::stop(),
            Event::Cron(ctx) => {
                store::complete_index_scan(ctx);
                state::reload_if_changed();
                state::drop_old_keys(state::now(ctx));
            }
            _ => store::on_server_event(event),
        }
    }

    fn error_text(&self, refused: Refused) -> String {
        Error::from(refused).reply()
    }

    fn is_secret(&self, argument: &[u8]) -> bool {
        token::could_be_token(argument)
    }
}

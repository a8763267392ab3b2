//! The trait through which this folder calls the module that is built on it.

use std::{
    ffi::{CStr, c_int},
    panic::Location,
    sync::OnceLock,
};

use crate::redis::{
    Event,
    ffi::{
        context::Ctx,
        refused::{LoadError, Refused},
    },
};

/// What the server's calls need from the module, apart from commands and settings.
pub trait Module: Sync {
    /// The name in MODULE LIST, and the prefix of the settings.
    fn name(&self) -> &'static CStr;

    /// The version in MODULE LIST.
    fn version(&self) -> c_int;

    /// Registers everything. On an error, which is logged, the server refuses the module.
    fn load(&self, ctx: Ctx<'_>, arguments: &[&str]) -> Result<(), LoadError>;

    /// The log line for a failed load.
    fn load_error_text(&self, error: LoadError) -> String;

    /// The log line for a panic that was caught.
    fn panic_text(&self, place: Option<&Location<'_>>) -> String;

    /// Whether MODULE UNLOAD is allowed. An error is the log line that says why not.
    fn may_unload(&self) -> Result<(), String>;

    /// Frees everything and joins all threads, because the server unmaps the code next.
    fn unload(&self);

    /// Handles an event. It must not call the server during an event that changes the keyspace.
    fn on_event(&self, event: Event<'_>);

    /// The error text for a client: first word, space, sentence.
    fn error_text(&self, refused: Refused) -> String;

    /// Whether an argument must be kept out of SLOWLOG and MONITOR.
    fn is_secret(&self, argument: &[u8]) -> bool;
}

static MODULE: OnceLock<&'static dyn Module> = OnceLock::new();

/// Sets the module that receives the server's calls.
pub(in crate::redis) fn set_module(module: &'static dyn Module) {
    MODULE.get_or_init(|| module);
}

/// The module. `None` before the load.
pub(in crate::redis) fn module() -> Option<&'static dyn Module> {
    MODULE.get().copied()
}

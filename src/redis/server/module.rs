//! The module that is built on this folder, as the folder sees it.

use std::{
    ffi::{CStr, c_int},
    sync::OnceLock,
};

use crate::redis::{
    Event,
    ffi::{context::Ctx, refused::Refused},
};

/// What the server's calls need of the module beside its commands and settings.
pub trait Module: Sync {
    /// The name that MODULE LIST shows, and that settings begin with.
    fn name(&self) -> &'static CStr;

    /// The version that MODULE LIST shows.
    fn version(&self) -> c_int;

    /// Registers everything. An error is logged, and the server refuses the module.
    fn load(&self, ctx: Ctx<'_>, arguments: &[&str]) -> Result<(), String>;

    /// Whether MODULE UNLOAD may take the module out of the server; an error says why not.
    fn may_unload(&self) -> Result<(), String>;

    /// Frees everything, and ends all threads: the code is about to be unmapped.
    fn unload(&self);

    /// Something happens on the server. While the server changes its keyspace, this must not call it.
    fn on_event(&self, event: Event<'_>);

    /// What a client reads in its error: first word, space, sentence.
    fn error_text(&self, refused: Refused) -> String;

    /// Whether an argument must be kept out of SLOWLOG and MONITOR.
    fn is_secret(&self, argument: &[u8]) -> bool;
}

static MODULE: OnceLock<&'static dyn Module> = OnceLock::new();

/// Makes a module the one that the server's calls go to.
pub(in crate::redis) fn set_module(module: &'static dyn Module) {
    MODULE.get_or_init(|| module);
}

/// The module; none before it is loaded.
pub(in crate::redis) fn module() -> Option<&'static dyn Module> {
    MODULE.get().copied()
}

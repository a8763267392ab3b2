//! The load and unload functions that the server calls.

use std::ffi::c_int;

use redis_module::raw;

use crate::redis::server::module_trait::{Module, set_module};
use crate::redis::{
    ffi::{
        api::{self, ERR, OK},
        context::Ctx,
        guard::{guard, log_panics, stop_logging_panics},
        log::{Level, log},
        refused::LoadError,
        string::Args,
    },
    server::{config, event},
};

/// Defines the two functions that the server looks up in the module's file.
macro_rules! entry_points {
    ($module:expr) => {
        /// Callback of the server: loads the module.
        ///
        /// # Safety
        /// Only the server may call this, with the context and the arguments of the load.
        // SAFETY: the name is the one that servers look for, and nothing else in the process calls it.
        #[expect(unsafe_code, reason = "the name is the server's")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn RedisModule_OnLoad(
            ctx: *mut redis_module::raw::RedisModuleCtx,
            argv: *mut *mut redis_module::raw::RedisModuleString,
            argc: std::ffi::c_int,
        ) -> std::ffi::c_int {
            // SAFETY: the caller guarantees it.
            unsafe { $crate::redis::on_load(&$module, ctx, argv, argc) }
        }

        /// Callback of the server: unloads the module.
        // SAFETY: the name is the one that servers look for, and nothing else in the process calls it.
        #[expect(unsafe_code, reason = "the name is the server's")]
        #[unsafe(no_mangle)]
        pub extern "C" fn RedisModule_OnUnload(_: *mut redis_module::raw::RedisModuleCtx) -> std::ffi::c_int {
            $crate::redis::on_unload(&$module)
        }
    };
}
pub(crate) use entry_points;

/// Loads a module.
///
/// # Safety
/// The server passed these arguments to the load function, which is running.
pub unsafe fn on_load(
    module: &'static dyn Module,
    ctx: *mut raw::RedisModuleCtx,
    argv: *mut *mut raw::RedisModuleString,
    argc: c_int,
) -> c_int {
    let api_version = raw::REDISMODULE_APIVER_1.cast_signed();
    // SAFETY: the context is the server's, the name ends in NUL. Nothing may allocate before this, because it fetches
    // the allocator, too.
    let initialised =
        unsafe { raw::Export_RedisModule_Init(ctx, module.name().as_ptr(), module.version(), api_version) };
    if initialised != OK {
        return ERR;
    }
    if let Some(name) = api::missing() {
        // SAFETY: the pointer was written by RedisModule_Init on this thread.
        let can_log = unsafe { raw::RedisModule_Log }.is_some();
        if can_log {
            log(Level::Warning, &module.load_error_text(LoadError::FunctionMissing(name)));
        }
        return ERR;
    }
    log_panics(|place| module.panic_text(place));
    set_module(module);
    let loaded = guard(|| {
        // SAFETY: the context is the server's and outlives this call.
        let ctx = unsafe { Ctx::new(ctx) };
        // SAFETY: the server passes argc strings that outlive this call.
        let arguments = unsafe { Args::new(argv, usize::try_from(argc).unwrap_or(0)) };
        let texts = (0..arguments.len()).filter_map(|at| arguments.get(at)).map(|text| str::from_utf8(text.bytes()));
        let arguments: Vec<_> = texts.collect::<Result<_, _>>().map_err(|_| LoadError::ArgumentNotUtf8)?;
        module.load(ctx, &arguments)
    });
    match loaded {
        Some(Ok(())) => return OK,
        Some(Err(error)) => log(Level::Warning, &module.load_error_text(error)),
        None => {}
    }
    unload(module);
    ERR
}

/// Unloads a module.
pub fn on_unload(module: &'static dyn Module) -> c_int {
    // The server also calls this when it rejects the module after the load function.
    if event::is_loaded()
        && let Some(Err(line)) = guard(|| module.may_unload())
    {
        log(Level::Warning, &line);
        return ERR;
    }
    unload(module);
    OK
}

fn unload(module: &dyn Module) {
    guard(|| module.unload());
    config::free_last_text();
    stop_logging_panics();
}

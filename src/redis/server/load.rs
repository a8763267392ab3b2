//! The callbacks of the server that load the module and unload it.

use std::ffi::c_int;

use redis_module::raw;

use crate::redis::{
    ffi::{
        api::{self, ERR, OK},
        context::Ctx,
        guard::{guard, log_panics, stop_logging_panics},
        log::{Level, log},
        string::Args,
    },
    server::{config, event},
};
use crate::{module::Jrs, state};

/// Callback of the server: loads the module.
///
/// # Safety
/// To be called by the server, with the context and the arguments of the load.
// SAFETY: the name is the one that servers look for, and nothing else in the process calls it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn RedisModule_OnLoad(
    ctx: *mut raw::RedisModuleCtx,
    argv: *mut *mut raw::RedisModuleString,
    argc: c_int,
) -> c_int {
    let api_version = raw::REDISMODULE_APIVER_1.cast_signed();
    // SAFETY: the context is the server's, the name ends in NUL. Nothing may allocate before this: the allocator is one
    // of the functions that it fetches.
    let initialised = unsafe { raw::Export_RedisModule_Init(ctx, Jrs::NAME.as_ptr(), Jrs::VERSION, api_version) };
    if initialised != OK {
        return ERR;
    }
    if let Some(name) = api::missing() {
        // SAFETY: the pointer was written by RedisModule_Init on this thread.
        let can_log = unsafe { raw::RedisModule_Log }.is_some();
        if can_log {
            let text = format!("not loaded: this server lacks the module function {name}; 7.0.15 or later has it");
            log(Level::Warning, &text);
        }
        return ERR;
    }
    log_panics();
    let loaded = guard(|| {
        // SAFETY: the context is the server's and outlives this call.
        let ctx = unsafe { Ctx::new(ctx) };
        // SAFETY: the server passes argc strings that outlive this call.
        let arguments = unsafe { Args::new(argv, usize::try_from(argc).unwrap_or(0)) };
        let texts = (0..arguments.len()).filter_map(|at| arguments.get(at)).map(|text| str::from_utf8(text.bytes()));
        let arguments: Vec<_> =
            texts.collect::<Result<_, _>>().map_err(|_| "an argument of the module is not UTF-8")?;
        Jrs::load(ctx, &arguments)
    });
    match loaded {
        Some(Ok(())) => return OK,
        Some(Err(problem)) => log(Level::Warning, &format!("not loaded: {problem}")),
        None => {}
    }
    let _ = unload();
    ERR
}

/// Callback of the server: unloads the module.
// SAFETY: the name is the one that servers look for, and nothing else in the process calls it.
#[unsafe(no_mangle)]
pub extern "C" fn RedisModule_OnUnload(_: *mut raw::RedisModuleCtx) -> c_int {
    // Also called where the server does not take in a module after all.
    if event::is_loaded()
        && let Some(Err(problem)) = guard(Jrs::may_unload)
    {
        log(Level::Warning, &format!("MODULE UNLOAD is refused: {problem}"));
        return ERR;
    }
    unload()
}

fn unload() -> c_int {
    guard(state::unload);
    config::forget_shown();
    stop_logging_panics();
    OK
}

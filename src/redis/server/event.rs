//! Events of the server.

use std::{
    ffi::{c_int, c_void},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use redis_module::raw;

use crate::redis::server::module::module;
use crate::redis::{
    ffi::{api::api, context::Ctx, guard::guard},
    keyspace::keyspace_events::{begin_async_load, has_hidden_databases},
};

/// What the server tells.
#[derive(Clone, Copy, Debug)]
pub enum Event<'e> {
    /// It replicates another server from now on.
    BecameReplica,
    /// It shuts down, and has not saved its data yet.
    ShuttingDown,
    /// A tick of its clock, a few times a second.
    Cron(Ctx<'e>),
    /// A database was emptied; all of them for `None`.
    Flushed(Option<c_int>),
    /// Two databases were swapped.
    Swapped(c_int, c_int),
    /// It begins to load a data set while it serves the old one.
    AsyncLoadStarted,
    /// That data set takes the place of the old one if this is true; else it is given up.
    AsyncLoadEnded(bool),
    /// It has loaded a data set, or a part of it.
    Loaded,
    /// Something was missed: the server told less than all, or there is a defect.
    Missed,
}

/// Whether the server has taken the module in.
static IS_LOADED: AtomicBool = AtomicBool::new(false);
/// How often databases have changed places, with each other or with what was loaded beside them.
static SWAPDB_EPOCH: AtomicU64 = AtomicU64::new(0);

/// Tells the module of the server's events. All servers that load the module have those that are used here; one without would not
/// tell of it.
///
/// Notes when the server has taken the module in: until then it may still throw it out again, because of a setting in
/// `MODULE LOADEX` that does not exist for example, and the module cannot refuse. It does that before it does anything
/// else, so a tick of its clock or a command is a sign that it did not. It tells no module that it was taken in.
pub fn listen(ctx: Ctx<'_>) {
    IS_LOADED.store(false, Ordering::Relaxed);
    for id in [
        raw::REDISMODULE_EVENT_REPLICATION_ROLE_CHANGED,
        raw::REDISMODULE_EVENT_SHUTDOWN,
        raw::REDISMODULE_EVENT_CRON_LOOP,
        raw::REDISMODULE_EVENT_FLUSHDB,
        raw::REDISMODULE_EVENT_SWAPDB,
        raw::REDISMODULE_EVENT_REPL_ASYNC_LOAD,
        raw::REDISMODULE_EVENT_LOADING,
    ] {
        let event = raw::RedisModuleEvent { id, dataver: 1 };
        // SAFETY: the event is one of the header's constants; the context is that of the load; the callback has the announced
        // shape.
        unsafe { api(raw::RedisModule_SubscribeToServerEvent)(ctx.as_ptr(), event, Some(on_event)) };
    }
}

/// Callback of the server: something happened.
extern "C" fn on_event(ctx: *mut raw::RedisModuleCtx, event: raw::RedisModuleEvent, step: u64, info: *mut c_void) {
    // SAFETY: context and information are the server's for this event, and outlive this call.
    let event = unsafe { read(ctx, event.id, step, info) };
    if event.is_some_and(|event| guard(|| dispatch(event)).is_none()) {
        guard(|| dispatch(Event::Missed));
    }
    // SAFETY: as above.
    if matches!(event, Some(Event::AsyncLoadEnded(true))) && has_hidden_databases(unsafe { Ctx::new(ctx) }) {
        guard(|| dispatch(Event::Flushed(None)));
        guard(|| dispatch(Event::Missed));
    }
}

fn dispatch(event: Event<'_>) {
    if let Some(module) = module() {
        module.on_event(event);
    }
}

/// # Safety
/// These are what the server passed to the running callback, and they outlive `'e`.
unsafe fn read<'e>(ctx: *mut raw::RedisModuleCtx, id: u64, step: u64, info: *const c_void) -> Option<Event<'e>> {
    Some(match (id, step) {
        (raw::REDISMODULE_EVENT_REPLICATION_ROLE_CHANGED, raw::REDISMODULE_EVENT_REPLROLECHANGED_NOW_REPLICA) => {
            Event::BecameReplica
        }
        (raw::REDISMODULE_EVENT_SHUTDOWN, _) => Event::ShuttingDown,
        (raw::REDISMODULE_EVENT_CRON_LOOP, _) => {
            mark_loaded();
            // SAFETY: says the caller.
            Event::Cron(unsafe { Ctx::new(ctx) })
        }
        (raw::REDISMODULE_EVENT_FLUSHDB, raw::REDISMODULE_SUBEVENT_FLUSHDB_END) => {
            // SAFETY: this event comes with this structure.
            let database = unsafe { info.cast::<raw::RedisModuleFlushInfo>().as_ref() }.map_or(-1, |info| info.dbnum);
            Event::Flushed((database >= 0).then_some(database))
        }
        (raw::REDISMODULE_EVENT_SWAPDB, _) => {
            SWAPDB_EPOCH.fetch_add(1, Ordering::Relaxed);
            // SAFETY: this event comes with this structure.
            let info = unsafe { info.cast::<raw::RedisModuleSwapDbInfo>().as_ref() }?;
            Event::Swapped(info.dbnum_first, info.dbnum_second)
        }
        (raw::REDISMODULE_EVENT_REPL_ASYNC_LOAD, raw::REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_STARTED) => {
            begin_async_load();
            Event::AsyncLoadStarted
        }
        (raw::REDISMODULE_EVENT_REPL_ASYNC_LOAD, raw::REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_COMPLETED) => {
            SWAPDB_EPOCH.fetch_add(1, Ordering::Relaxed);
            Event::AsyncLoadEnded(true)
        }
        (raw::REDISMODULE_EVENT_REPL_ASYNC_LOAD, _) => Event::AsyncLoadEnded(false),
        (
            raw::REDISMODULE_EVENT_LOADING,
            raw::REDISMODULE_SUBEVENT_LOADING_ENDED | raw::REDISMODULE_SUBEVENT_LOADING_FAILED,
        ) => Event::Loaded,
        _ => return None,
    })
}

/// The server calls the module: it has taken it in.
#[inline]
pub(in crate::redis) fn mark_loaded() {
    IS_LOADED.store(true, Ordering::Relaxed);
}

/// Whether the server has taken the module in.
pub(in crate::redis) fn is_loaded() -> bool {
    IS_LOADED.load(Ordering::Relaxed)
}

/// A count that changes when databases change places (`SWAPDB`), or with what a replica has loaded beside them
/// (`repl-diskless-load swapdb`).
pub(in crate::redis) fn swapdb_epoch() -> u64 {
    SWAPDB_EPOCH.load(Ordering::Relaxed)
}

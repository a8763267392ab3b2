//! Events of the server.

use std::{
    ffi::{c_int, c_void},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use redis_module::raw;

use crate::redis::server::{
    latency::{on_config_change, read_threshold},
    module_trait::module,
};
use crate::redis::{
    ffi::{api::api, context::Ctx, guard::guard},
    keyspace::keyspace_events::{begin_async_load, has_hidden_databases},
};

/// An event of the server.
#[derive(Clone, Copy, Debug)]
pub enum Event<'e> {
    /// The server became a replica.
    BecameReplica,
    /// The server shuts down and has not saved its data yet.
    ShuttingDown,
    /// The server's timer, several times a second.
    Cron(Ctx<'e>),
    /// A database was flushed; all databases for `None`.
    Flushed(Option<c_int>),
    /// Two databases were swapped.
    Swapped(c_int, c_int),
    /// A replica starts to load a new data set while it serves the old one (`repl-diskless-load swapdb`).
    AsyncLoadStarted,
    /// The asynchronous load ended. True: the new data set replaces the old one. False: it is discarded.
    AsyncLoadEnded(bool),
    /// The server has loaded a data set, or part of it.
    Loaded,
    /// An event was missed, because the server did not send it or its handler panicked.
    Missed,
}

/// Whether the load is complete: the server can no longer reject the module.
static IS_LOADED: AtomicBool = AtomicBool::new(false);
/// The number of swaps: SWAPDB and asynchronous loads.
static SWAPDB_EPOCH: AtomicU64 = AtomicU64::new(0);

/// Subscribes to the events. Every supported server has these events.
///
/// Also finds out when the load is complete. After the load function has returned, the server can still reject the
/// module, for example because of an unknown setting in `MODULE LOADEX`. It does so before anything else, so the first
/// timer event or command shows that the load is complete. There is no event for it.
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
        raw::REDISMODULE_EVENT_CONFIG,
    ] {
        let event = raw::RedisModuleEvent { id, dataver: 1 };
        // SAFETY: the event is one of the header's constants; the context is that of the load; the callback has the
        // declared type.
        unsafe { api(raw::RedisModule_SubscribeToServerEvent)(ctx.as_ptr(), event, Some(on_event)) };
    }
    read_threshold(ctx);
}

/// Callback of the server for all events.
extern "C" fn on_event(ctx: *mut raw::RedisModuleCtx, event: raw::RedisModuleEvent, step: u64, info: *mut c_void) {
    // SAFETY: context and information belong to this event and outlive this call.
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
/// The server passed these arguments to the running callback, and they outlive `'e`.
unsafe fn read<'e>(ctx: *mut raw::RedisModuleCtx, id: u64, step: u64, info: *const c_void) -> Option<Event<'e>> {
    Some(match (id, step) {
        (raw::REDISMODULE_EVENT_REPLICATION_ROLE_CHANGED, raw::REDISMODULE_EVENT_REPLROLECHANGED_NOW_REPLICA) => {
            Event::BecameReplica
        }
        (raw::REDISMODULE_EVENT_SHUTDOWN, _) => Event::ShuttingDown,
        (raw::REDISMODULE_EVENT_CRON_LOOP, _) => {
            mark_loaded();
            // SAFETY: the caller guarantees it.
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
        (raw::REDISMODULE_EVENT_CONFIG, _) => {
            // SAFETY: the caller guarantees it.
            guard(|| unsafe { on_config_change(Ctx::new(ctx), info) });
            return None;
        }
        (raw::REDISMODULE_EVENT_REPL_ASYNC_LOAD, _) => Event::AsyncLoadEnded(false),
        (
            raw::REDISMODULE_EVENT_LOADING,
            raw::REDISMODULE_SUBEVENT_LOADING_ENDED | raw::REDISMODULE_SUBEVENT_LOADING_FAILED,
        ) => Event::Loaded,
        _ => return None,
    })
}

/// Records that the load is complete, because the server calls the module.
#[inline]
pub(in crate::redis) fn mark_loaded() {
    IS_LOADED.store(true, Ordering::Relaxed);
}

/// Whether the load is complete: the server can no longer reject the module.
pub(in crate::redis) fn is_loaded() -> bool {
    IS_LOADED.load(Ordering::Relaxed)
}

/// A number that changes with each `SWAPDB` and each asynchronous load (`repl-diskless-load swapdb`).
pub(in crate::redis) fn swapdb_epoch() -> u64 {
    SWAPDB_EPOCH.load(Ordering::Relaxed)
}

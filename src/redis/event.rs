//! Events of the server.

use std::{
    ffi::c_void,
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use redis_module::raw;

use super::{api::api, call::Ctx, guard::guard};

/// What is told that the server has become a replica.
pub trait RoleListener {
    /// The server replicates another from now on.
    fn became_replica();
}

/// Subscribes to an event of the server. All servers that load the module have those that are used here; one without
/// would not tell of it.
fn subscribe(ctx: Ctx<'_>, event: u64, callback: Callback) {
    let event = raw::RedisModuleEvent { id: event, dataver: 1 };
    // SAFETY: the event is one of the header's constants; the context is that of the load; the callback has the announced
    // shape.
    unsafe { api(raw::RedisModule_SubscribeToServerEvent)(ctx.as_ptr(), event, Some(callback)) };
}

/// How the server enters to tell of an event: its kind, and what happened.
type Callback = unsafe extern "C" fn(*mut raw::RedisModuleCtx, raw::RedisModuleEvent, u64, *mut c_void);

/// Tells `L` when the server becomes a replica.
pub fn on_role_change<L: RoleListener>(ctx: Ctx<'_>) {
    subscribe(ctx, raw::REDISMODULE_EVENT_REPLICATION_ROLE_CHANGED, role_changed::<L>);
}

extern "C" fn role_changed<L: RoleListener>(
    _: *mut raw::RedisModuleCtx,
    _: raw::RedisModuleEvent,
    role: u64,
    _: *mut c_void,
) {
    if role == raw::REDISMODULE_EVENT_REPLROLECHANGED_NOW_REPLICA {
        guard(L::became_replica);
    }
}

/// What is done when the server shuts down.
static AT_SHUTDOWN: OnceLock<fn()> = OnceLock::new();

/// Runs `work` when the server shuts down, before it saves its data.
pub fn on_shutdown(ctx: Ctx<'_>, work: fn()) {
    AT_SHUTDOWN.get_or_init(|| work);
    subscribe(ctx, raw::REDISMODULE_EVENT_SHUTDOWN, shuts_down);
}

extern "C" fn shuts_down(_: *mut raw::RedisModuleCtx, _: raw::RedisModuleEvent, _: u64, _: *mut c_void) {
    guard(|| AT_SHUTDOWN.get().map(|work| work()));
}

/// Whether the server has taken the module in.
static IS_LOADED: AtomicBool = AtomicBool::new(false);

/// Notes when the server has taken the module in: until then it may still throw it out again, because of a setting in
/// `MODULE LOADEX` that does not exist for example, and the module cannot refuse. It does that before it does anything
/// else, so a tick of its clock or a command is a sign that it did not. It tells no module that it was taken in.
pub fn note_when_loaded(ctx: Ctx<'_>) {
    IS_LOADED.store(false, Ordering::Relaxed);
    subscribe(ctx, raw::REDISMODULE_EVENT_CRON_LOOP, ticked);
}

extern "C" fn ticked(_: *mut raw::RedisModuleCtx, _: raw::RedisModuleEvent, _: u64, _: *mut c_void) {
    is_in_use();
}

/// The server calls the module: it has taken it in.
#[inline]
pub(super) fn is_in_use() {
    IS_LOADED.store(true, Ordering::Relaxed);
}

/// Whether the server has taken the module in.
pub(super) fn is_loaded() -> bool {
    IS_LOADED.load(Ordering::Relaxed)
}

/// How often databases have changed places.
static SWAPS: AtomicU64 = AtomicU64::new(0);

/// Counts from now on how often databases change places (`SWAPDB`), or with what a replica has loaded beside them
/// (`repl-diskless-load swapdb`).
pub fn count_swaps(ctx: Ctx<'_>) {
    subscribe(ctx, raw::REDISMODULE_EVENT_SWAPDB, swapped);
    subscribe(ctx, raw::REDISMODULE_EVENT_REPL_ASYNC_LOAD, loaded_beside);
}

extern "C" fn loaded_beside(_: *mut raw::RedisModuleCtx, _: raw::RedisModuleEvent, step: u64, _: *mut c_void) {
    if step == raw::REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_COMPLETED {
        SWAPS.fetch_add(1, Ordering::Relaxed);
    }
}

extern "C" fn swapped(_: *mut raw::RedisModuleCtx, _: raw::RedisModuleEvent, _: u64, _: *mut c_void) {
    SWAPS.fetch_add(1, Ordering::Relaxed);
}

/// A count that changes when databases change places.
pub(super) fn swaps() -> u64 {
    SWAPS.load(Ordering::Relaxed)
}

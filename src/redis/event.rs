//! Events of the server.

use std::{
    ffi::c_void,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
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
pub(super) fn subscribe(ctx: Ctx<'_>, event: u64, callback: Callback) {
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

/// What is done at each tick of the server's clock.
static AT_TICK: OnceLock<fn(Ctx<'_>)> = OnceLock::new();

/// Whether the server has taken the module in.
static IS_LOADED: AtomicBool = AtomicBool::new(false);

/// Notes when the server has taken the module in: until then it may still throw it out again, because of a setting in
/// `MODULE LOADEX` that does not exist for example, and the module cannot refuse. It does that before it does anything
/// else, so a tick of its clock or a command is a sign that it did not. It tells no module that it was taken in.
///
/// Runs `work` at each tick of the server's clock, a few times a second.
pub fn on_tick(ctx: Ctx<'_>, work: fn(Ctx<'_>)) {
    IS_LOADED.store(false, Ordering::Relaxed);
    AT_TICK.get_or_init(|| work);
    subscribe(ctx, raw::REDISMODULE_EVENT_CRON_LOOP, ticked);
}

extern "C" fn ticked(ctx: *mut raw::RedisModuleCtx, _: raw::RedisModuleEvent, _: u64, _: *mut c_void) {
    is_in_use();
    // SAFETY: the context is the server's and outlives this call.
    let ctx = unsafe { Ctx::new(ctx) };
    guard(|| AT_TICK.get().map(|work| work(ctx)));
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

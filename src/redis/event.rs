//! Events of the server.

use std::{
    ffi::c_void,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use redis_module::raw;

use super::{
    api::{OK, api},
    call::Ctx,
    guard::guard,
};

/// What is told that the server has become a replica.
pub trait RoleListener {
    /// The server replicates another from now on.
    fn became_replica();
}

/// Tells `L` when the server becomes a replica.
pub fn on_role_change<L: RoleListener>(ctx: Ctx<'_>) -> Result<(), String> {
    // SAFETY: the event is the header's constant; the context is that of the load; the callback has the announced
    // shape.
    let subscribed = unsafe {
        let subscribe = api(raw::RedisModule_SubscribeToServerEvent);
        let event = raw::RedisModuleEvent { id: raw::REDISMODULE_EVENT_REPLICATION_ROLE_CHANGED, dataver: 1 };
        subscribe(ctx.as_ptr(), event, Some(role_changed::<L>))
    };
    if subscribed == OK {
        return Ok(());
    }
    Err("the server does not tell about changes of its role".to_owned())
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
    // SAFETY: as above. A server that does not tell ends its threads by ending.
    unsafe {
        let subscribe = api(raw::RedisModule_SubscribeToServerEvent);
        let event = raw::RedisModuleEvent { id: raw::REDISMODULE_EVENT_SHUTDOWN, dataver: 1 };
        subscribe(ctx.as_ptr(), event, Some(shuts_down));
    }
}

extern "C" fn shuts_down(_: *mut raw::RedisModuleCtx, _: raw::RedisModuleEvent, _: u64, _: *mut c_void) {
    guard(|| AT_SHUTDOWN.get().map(|work| work()));
}

/// How often databases have changed places.
static SWAPS: AtomicU64 = AtomicU64::new(0);

/// Counts from now on how often databases change places (`SWAPDB`). A server that does not tell counts none.
pub fn count_swaps(ctx: Ctx<'_>) {
    // SAFETY: as above.
    unsafe {
        let subscribe = api(raw::RedisModule_SubscribeToServerEvent);
        let event = raw::RedisModuleEvent { id: raw::REDISMODULE_EVENT_SWAPDB, dataver: 1 };
        subscribe(ctx.as_ptr(), event, Some(swapped));
    }
}

extern "C" fn swapped(_: *mut raw::RedisModuleCtx, _: raw::RedisModuleEvent, _: u64, _: *mut c_void) {
    SWAPS.fetch_add(1, Ordering::Relaxed);
}

/// A count that changes when databases change places.
pub(super) fn swaps() -> u64 {
    SWAPS.load(Ordering::Relaxed)
}

//! Events of the server.

use std::ffi::{c_int, c_void};

use redis_module::raw;

use super::{api::api, call::Ctx, guard::guard};

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
    if subscribed == raw::REDISMODULE_OK as c_int {
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

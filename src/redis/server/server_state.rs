//! The server's state: clock, role, memory, selected database.

use std::{ffi::c_int, sync::OnceLock};

use redis_module::raw;

use crate::redis::ffi::{api::api, context::Ctx};

/// As [`Ctx::now`], where there is no context.
#[inline]
pub fn server_time() -> i64 {
    // SAFETY: takes nothing, returns a number.
    unsafe { api(raw::RedisModule_Milliseconds)() }
}

impl Ctx<'_> {
    /// The time by the server's clock, in milliseconds since the epoch.
    #[inline]
    pub fn now(self) -> i64 {
        server_time()
    }

    /// Whether the server is a cluster node. This does not change while it runs.
    pub fn is_cluster_node(self) -> bool {
        static ANSWER: OnceLock<bool> = OnceLock::new();
        *ANSWER.get_or_init(|| self.flags() & raw::REDISMODULE_CTX_FLAGS_CLUSTER.cast_signed() != 0)
    }

    /// Whether the server is a replica.
    pub fn is_replica(self) -> bool {
        self.flags() & raw::REDISMODULE_CTX_FLAGS_SLAVE.cast_signed() != 0
    }

    /// Whether the server is a read-only replica.
    pub fn is_read_only(self) -> bool {
        self.flags() & raw::REDISMODULE_CTX_FLAGS_READONLY.cast_signed() != 0
    }

    /// Whether memory is full and the server cannot evict keys.
    pub(in crate::redis) fn is_out_of_memory(self) -> bool {
        let (full, evicts) = (raw::REDISMODULE_CTX_FLAGS_OOM, raw::REDISMODULE_CTX_FLAGS_EVICT);
        self.flags() & (full | evicts).cast_signed() == full.cast_signed()
    }

    /// Whether CLIENT PAUSE or a failover pauses writes. A write would abort the server.
    pub(in crate::redis) fn writes_are_paused(self) -> bool {
        // SAFETY: takes nothing, returns a number.
        unsafe { api(raw::RedisModule_AvoidReplicaTraffic)() != 0 }
    }

    /// The selected database.
    pub fn database(self) -> c_int {
        // SAFETY: the context is that of the running call.
        unsafe { api(raw::RedisModule_GetSelectedDb)(self.as_ptr()) }
    }
}

//! What the server tells of its keys: which come and go.

use std::{
    ffi::{CStr, c_char, c_int},
    sync::atomic::{AtomicU64, Ordering},
};

use redis_module::raw;

use super::{
    api::{OK, api},
    call::Ctx,
    guard::guard,
    text,
};

/// Follows which keys there are. It is called while the server changes them: it must be quick, and must not call the server.
pub trait KeyspaceListener {
    /// A key was added, or was there before and got a new value.
    fn added(database: c_int, name: &[u8]);
    /// A key of an RDB file was loaded.
    fn loaded(database: c_int, name: &[u8]);
    /// A key was removed: deleted, renamed, moved, evicted or expired.
    fn removed(database: c_int, name: &[u8]);
    /// Something was missed because of a defect.
    fn lost_track();
}

/// How many calls of the listener are sure of memory at a time.
const CALLS: u64 = 32;
/// What so many calls may allocate, in bytes: one in six takes a new node of a tree, the last one a new one on each level.
const MOST_ALLOCATED: usize = 8 * 1024;

/// Lets `L` follow the keyspace.
pub fn follow_keyspace<L: KeyspaceListener>(ctx: Ctx<'_>) {
    // STRING and other classes for changes of values would cost other commands more, and add nothing: `new` is about all keys.
    let classes = raw::REDISMODULE_NOTIFY_NEW
        | raw::REDISMODULE_NOTIFY_LOADED
        | raw::REDISMODULE_NOTIFY_GENERIC
        | raw::REDISMODULE_NOTIFY_EXPIRED
        | raw::REDISMODULE_NOTIFY_EVICTED;
    // SAFETY: the context is that of the load; the callback has the announced shape.
    unsafe { api(raw::RedisModule_SubscribeToKeyspaceEvents)(ctx.as_ptr(), classes, Some(key_changed::<L>)) };
}

extern "C" fn key_changed<L: KeyspaceListener>(
    ctx: *mut raw::RedisModuleCtx,
    class: c_int,
    event: *const c_char,
    name: *mut raw::RedisModuleString,
) -> c_int {
    let told = guard(|| {
        // SAFETY: the server's string ends in NUL.
        let is_removal = || removes(unsafe { CStr::from_ptr(event) });
        let tell = match class {
            raw::REDISMODULE_NOTIFY_NEW => L::added,
            raw::REDISMODULE_NOTIFY_LOADED => L::loaded,
            raw::REDISMODULE_NOTIFY_GENERIC if !is_removal() => return,
            _ => L::removed,
        };
        // SAFETY: the context is the server's and outlives this call.
        let database = unsafe { Ctx::new(ctx) }.database();
        // SAFETY: the server's string outlives this call, and nothing changes it meanwhile.
        tell(database, unsafe { text::bytes(name) });
    });
    if told.is_none() {
        guard(L::lost_track);
    }
    OK
}

/// Whether an event of the class GENERIC says that the key is gone.
fn removes(event: &CStr) -> bool {
    matches!(event.to_bytes(), b"del" | b"rename_from" | b"move_from")
}

/// Whether the server has memory for what one call of a listener takes. Rust's own collections cannot fail to allocate, and
/// the server would end.
pub fn has_memory() -> bool {
    /// To ask for memory costs as much as all the rest of a call.
    static ASKED: AtomicU64 = AtomicU64::new(0);
    if !ASKED.fetch_add(1, Ordering::Relaxed).is_multiple_of(CALLS) {
        return true;
    }
    // SAFETY: any size may be asked for.
    let block = unsafe { api(raw::RedisModule_TryAlloc)(MOST_ALLOCATED) };
    // SAFETY: NULL, or the block of just now, which nobody uses.
    unsafe { api(raw::RedisModule_Free)(block) };
    !block.is_null()
}

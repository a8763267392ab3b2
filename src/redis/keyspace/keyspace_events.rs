//! Follows the keyspace by the server's keyspace notifications.

use std::{
    ffi::{CStr, c_char, c_int},
    sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering},
};

use redis_module::raw;

use crate::redis::ffi::{
    api::{OK, api},
    context::Ctx,
    guard::guard,
    string,
};

/// Follows which keys exist. The server calls it while it changes keys: an implementation must be fast and must not
/// call the server.
pub trait KeyspaceListener {
    /// A key was added, or visited by a scan. It may be known already.
    fn added(database: c_int, name: &[u8]);
    /// A key was loaded from an RDB file.
    fn loaded(database: c_int, name: &[u8]);
    /// A key was removed: deleted, renamed, moved, evicted or expired.
    fn removed(database: c_int, name: &[u8]);
    /// A panic kept an event from being handled.
    fn lost_track();
    /// A scan ended. It has visited all keys, unless there was a panic.
    fn scan_ended(is_complete: bool);
}

/// The number of listener calls for which memory is checked at a time.
const CALLS: u64 = 32;
/// The blocks that [`CALLS`] calls may allocate, in bytes. One call in three replaces a bucket of the owner index by a
/// larger one, one in eight takes a new bucket, a few take a tree node, and one in 2048 takes space for 256 buckets.
/// Keep them in step with the bucket sizes in `store::session_table`.
const BLOCKS: [usize; 16] = [96, 96, 96, 96, 160, 160, 192, 192, 224, 224, 288, 288, 320, 384, 448, 6144];

/// Subscribes `L` to the keyspace.
pub fn follow_keyspace<L: KeyspaceListener>(ctx: Ctx<'_>) {
    // Classes for changes of values, such as STRING, would slow down other commands. They are not needed: `new` covers
    // all keys.
    let classes = raw::REDISMODULE_NOTIFY_NEW
        | raw::REDISMODULE_NOTIFY_LOADED
        | raw::REDISMODULE_NOTIFY_GENERIC
        | raw::REDISMODULE_NOTIFY_EXPIRED
        | raw::REDISMODULE_NOTIFY_EVICTED;
    // SAFETY: the context is that of the load; the callback has the declared type.
    unsafe { api(raw::RedisModule_SubscribeToKeyspaceEvents)(ctx.as_ptr(), classes, Some(key_changed::<L>)) };
}

extern "C" fn key_changed<L: KeyspaceListener>(
    ctx: *mut raw::RedisModuleCtx,
    class: c_int,
    event: *const c_char,
    name: *mut raw::RedisModuleString,
) -> c_int {
    let handled = guard(|| {
        // SAFETY: the context is the server's and outlives this call.
        let ctx = unsafe { Ctx::new(ctx) };
        let handle = match class {
            raw::REDISMODULE_NOTIFY_NEW => L::added,
            raw::REDISMODULE_NOTIFY_LOADED => {
                NAMES_DATABASES.fetch_or(ctx.database() > 0, Ordering::Relaxed);
                L::loaded
            }
            // SAFETY: the server's string ends in NUL.
            raw::REDISMODULE_NOTIFY_GENERIC => match unsafe { CStr::from_ptr(event) }.to_bytes() {
                b"del" | b"rename_from" => L::removed,
                b"move_from" => {
                    LAST_MOVE_FROM.store(ctx.database(), Ordering::Relaxed);
                    L::removed
                }
                b"move_to" => {
                    // SAFETY: the context is that of a running event; this database exists.
                    unsafe { api(raw::RedisModule_SelectDb)(ctx.as_ptr(), LAST_MOVE_FROM.load(Ordering::Relaxed)) };
                    return;
                }
                _ => return,
            },
            _ => L::removed,
        };
        // SAFETY: the server's string outlives this call and does not change during it.
        handle(ctx.database(), unsafe { string::bytes(name) });
    });
    if handled.is_none() {
        guard(L::lost_track);
    }
    OK
}

/// The database of the last `move_from` event. For a MOVE, Valkey 8.1.1 selects the event's database for the client
/// and does not select the former one again (valkey-io/valkey#4024), so this module does.
static LAST_MOVE_FROM: AtomicI32 = AtomicI32::new(0);

/// Whether the current load has sent an event for a database other than 0.
static NAMES_DATABASES: AtomicBool = AtomicBool::new(false);

/// The server starts an asynchronous load.
pub(in crate::redis) fn begin_async_load() {
    NAMES_DATABASES.store(false, Ordering::Relaxed);
}

/// Whether an asynchronous load filled other databases than its events named: Redis 7.0 names database 0 for every
/// key.
pub(in crate::redis) fn has_hidden_databases(ctx: Ctx<'_>) -> bool {
    // SAFETY: the context is that of a running event and has its own client.
    let is_there = |database: &c_int| unsafe { api(raw::RedisModule_SelectDb)(ctx.as_ptr(), *database) } == OK;
    // SAFETY: as above.
    let is_filled = |_| unsafe { api(raw::RedisModule_DbSize)(ctx.as_ptr()) } > 0;
    !NAMES_DATABASES.load(Ordering::Relaxed) && (1..).take_while(is_there).any(is_filled)
}

/// Whether there is memory for one call of a listener. Check before, because a failed allocation of a Rust collection
/// aborts the process.
pub fn has_memory() -> bool {
    /// The number of calls left until the next check, which costs as much as the rest of a call.
    static LEFT: AtomicU64 = AtomicU64::new(0);
    let left = LEFT.load(Ordering::Relaxed);
    if left > 0 {
        LEFT.store(left - 1, Ordering::Relaxed);
        return true;
    }
    // Allocate all before freeing any: otherwise the allocator would return the same block again.
    // SAFETY: any size is allowed.
    let blocks = BLOCKS.map(|size| unsafe { api(raw::RedisModule_TryAlloc)(size) });
    // SAFETY: each is NULL or a block that was allocated above and is not used.
    blocks.iter().for_each(|block| unsafe { api(raw::RedisModule_Free)(*block) });
    let has_memory = blocks.iter().all(|block| !block.is_null());
    LEFT.store(if has_memory { CALLS - 1 } else { 0 }, Ordering::Relaxed);
    has_memory
}

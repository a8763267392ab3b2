//! What the server tells of its keys: which come and go.

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

/// Follows which keys there are. It is called while the server changes them: it must be quick, and must not call the server.
pub trait KeyspaceListener {
    /// A key was added, or met by a scan; it may be known already.
    fn added(database: c_int, name: &[u8]);
    /// A key of an RDB file was loaded.
    fn loaded(database: c_int, name: &[u8]);
    /// A key was removed: deleted, renamed, moved, evicted or expired.
    fn removed(database: c_int, name: &[u8]);
    /// Something was missed because of a defect.
    fn lost_track();
    /// A scan has met all keys; or not, because of a defect.
    fn scan_ended(is_complete: bool);
}

/// How many calls of the listener are sure of memory at a time.
const CALLS: u64 = 32;
/// What so many calls may allocate, in bytes: one in three takes a larger bucket of the owner index and gives the smaller one
/// back, one in eight takes a new bucket, a few take a node of a tree, and one in 2048 room for 256 buckets. The allocator has
/// memory for each size or not, so these are such sizes.
const BLOCKS: [usize; 16] = [96, 96, 96, 96, 160, 160, 192, 192, 224, 224, 288, 288, 320, 384, 448, 6144];

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
        // SAFETY: the context is the server's and outlives this call.
        let ctx = unsafe { Ctx::new(ctx) };
        let tell = match class {
            raw::REDISMODULE_NOTIFY_NEW => L::added,
            raw::REDISMODULE_NOTIFY_LOADED => {
                NAMES_DATABASES.fetch_or(ctx.database() > 0, Ordering::Relaxed);
                L::loaded
            }
            // SAFETY: the server's string ends in NUL.
            raw::REDISMODULE_NOTIFY_GENERIC => match unsafe { CStr::from_ptr(event) }.to_bytes() {
                b"del" | b"rename_from" => L::removed,
                b"move_from" => {
                    MOVES_FROM.store(ctx.database(), Ordering::Relaxed);
                    L::removed
                }
                b"move_to" => {
                    // SAFETY: the context is that of a running event; this database is there.
                    unsafe { api(raw::RedisModule_SelectDb)(ctx.as_ptr(), MOVES_FROM.load(Ordering::Relaxed)) };
                    return;
                }
                _ => return,
            },
            _ => L::removed,
        };
        // SAFETY: the server's string outlives this call, and nothing changes it meanwhile.
        tell(ctx.database(), unsafe { string::bytes(name) });
    });
    if told.is_none() {
        guard(L::lost_track);
    }
    OK
}

/// The database of the last key that began to move to another one. Valkey 8.1.1 selects, for the client whose MOVE it tells
/// of, the database that it tells of, and leaves it there (valkey-io/valkey#4024).
static MOVES_FROM: AtomicI32 = AtomicI32::new(0);

/// Whether the server has told of a key that was loaded into another database than 0.
static NAMES_DATABASES: AtomicBool = AtomicBool::new(false);

/// The server begins to load keys beside those that it serves.
pub(in crate::redis) fn begin_async_load() {
    NAMES_DATABASES.store(false, Ordering::Relaxed);
}

/// Whether keys that were loaded beside others are in databases that the server did not tell: Redis 7.0 says of each of them
/// that it is in database 0.
pub(in crate::redis) fn has_hidden_databases(ctx: Ctx<'_>) -> bool {
    // SAFETY: the context is that of a running event, and has a client of its own.
    let is_there = |database: &c_int| unsafe { api(raw::RedisModule_SelectDb)(ctx.as_ptr(), *database) } == OK;
    // SAFETY: as above.
    let is_filled = |_| unsafe { api(raw::RedisModule_DbSize)(ctx.as_ptr()) } > 0;
    !NAMES_DATABASES.load(Ordering::Relaxed) && (1..).take_while(is_there).any(is_filled)
}

/// Whether the server has memory for what one call of a listener takes. Rust's own collections cannot fail to allocate, and
/// the server would end.
pub fn has_memory() -> bool {
    /// How many more calls are sure of memory: to ask for it costs as much as all the rest of a call.
    static LEFT: AtomicU64 = AtomicU64::new(0);
    let left = LEFT.load(Ordering::Relaxed);
    if left > 0 {
        LEFT.store(left - 1, Ordering::Relaxed);
        return true;
    }
    // All at once: the allocator would find the block that was given back a moment ago.
    // SAFETY: any size may be asked for.
    let blocks = BLOCKS.map(|size| unsafe { api(raw::RedisModule_TryAlloc)(size) });
    // SAFETY: each is NULL, or a block that was allocated just now and is not used.
    blocks.iter().for_each(|block| unsafe { api(raw::RedisModule_Free)(*block) });
    let has_memory = blocks.iter().all(|block| !block.is_null());
    LEFT.store(if has_memory { CALLS - 1 } else { 0 }, Ordering::Relaxed);
    has_memory
}

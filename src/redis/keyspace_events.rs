//! What the server tells of its keyspace: which keys come and go, and what happens to whole databases.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    sync::atomic::{AtomicU64, Ordering},
};

use redis_module::raw;

use super::{
    api::{OK, api},
    call::Ctx,
    event::subscribe,
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
    /// A database was emptied; all of them for `None`.
    fn flushed(database: Option<c_int>);
    /// Two databases were swapped.
    fn swapped(one: c_int, other: c_int);
    /// The server loads a data set while it serves the old one.
    fn loads_beside(stage: LoadBeside);
    /// The server has loaded a data set, or a part of it.
    fn loading_ended();
    /// Something was missed, because memory ran out or because of a defect.
    fn lost_track();
}

/// What happens to a data set that is loaded beside the one that is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadBeside {
    /// It is empty.
    Starts,
    /// It takes the place of the other one.
    Completes,
    /// It is given up.
    Aborts,
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
    subscribe(ctx, raw::REDISMODULE_EVENT_FLUSHDB, flushed::<L>);
    subscribe(ctx, raw::REDISMODULE_EVENT_SWAPDB, swapped::<L>);
    subscribe(ctx, raw::REDISMODULE_EVENT_REPL_ASYNC_LOAD, loads_beside::<L>);
    subscribe(ctx, raw::REDISMODULE_EVENT_LOADING, loads::<L>);
}

extern "C" fn key_changed<L: KeyspaceListener>(
    ctx: *mut raw::RedisModuleCtx,
    class: c_int,
    event: *const c_char,
    name: *mut raw::RedisModuleString,
) -> c_int {
    follow::<L>(|| {
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
    OK
}

/// Whether an event of the class GENERIC says that the key is gone.
fn removes(event: &CStr) -> bool {
    matches!(event.to_bytes(), b"del" | b"rename_from" | b"move_from")
}

/// Runs a piece of the listener. Whatever goes wrong in it, the server goes on.
fn follow<L: KeyspaceListener>(work: impl FnOnce()) {
    if guard(work).is_none() {
        guard(L::lost_track);
    }
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

/// How often databases have changed places, with each other or with what was loaded beside them.
static SWAPS: AtomicU64 = AtomicU64::new(0);

/// A count that changes when databases change places (`SWAPDB`), or with what a replica has loaded beside them
/// (`repl-diskless-load swapdb`).
pub(super) fn swaps() -> u64 {
    SWAPS.load(Ordering::Relaxed)
}

extern "C" fn flushed<L: KeyspaceListener>(
    _: *mut raw::RedisModuleCtx,
    _: raw::RedisModuleEvent,
    step: u64,
    info: *mut c_void,
) {
    // SAFETY: this event comes with this structure, which outlives the call.
    let info = unsafe { info.cast::<raw::RedisModuleFlushInfo>().as_ref() };
    if step == raw::REDISMODULE_SUBEVENT_FLUSHDB_END {
        let database = info.map_or(-1, |info| info.dbnum);
        follow::<L>(|| L::flushed((database >= 0).then_some(database)));
    }
}

extern "C" fn swapped<L: KeyspaceListener>(
    _: *mut raw::RedisModuleCtx,
    _: raw::RedisModuleEvent,
    _: u64,
    info: *mut c_void,
) {
    SWAPS.fetch_add(1, Ordering::Relaxed);
    // SAFETY: this event comes with this structure, which outlives the call.
    if let Some(info) = unsafe { info.cast::<raw::RedisModuleSwapDbInfo>().as_ref() } {
        follow::<L>(|| L::swapped(info.dbnum_first, info.dbnum_second));
    }
}

extern "C" fn loads_beside<L: KeyspaceListener>(
    _: *mut raw::RedisModuleCtx,
    _: raw::RedisModuleEvent,
    step: u64,
    _: *mut c_void,
) {
    follow::<L>(|| match step {
        raw::REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_STARTED => L::loads_beside(LoadBeside::Starts),
        raw::REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_COMPLETED => {
            SWAPS.fetch_add(1, Ordering::Relaxed);
            L::loads_beside(LoadBeside::Completes);
        }
        raw::REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_ABORTED => L::loads_beside(LoadBeside::Aborts),
        _ => {}
    });
}

extern "C" fn loads<L: KeyspaceListener>(
    _: *mut raw::RedisModuleCtx,
    _: raw::RedisModuleEvent,
    step: u64,
    _: *mut c_void,
) {
    if matches!(step, raw::REDISMODULE_SUBEVENT_LOADING_ENDED | raw::REDISMODULE_SUBEVENT_LOADING_FAILED) {
        follow::<L>(L::loading_ended);
    }
}

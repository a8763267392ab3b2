//! Blocks a client while another thread works, and continues the command afterwards.
//!
//! The server checks role, memory, slot and write pause when a command starts, and not again when it continues.
//! [`Call::revalidate`] does.

use std::ffi::{c_int, c_void};

use redis_module::raw;

use crate::redis::ffi::refused::{ErrorReply, Refused};
use crate::redis::{
    command::{
        call::Call,
        held_client::{CarriedClient, HeldClient},
    },
    ffi::{
        api::{OK, api, is_at_least_7_2},
        guard::guard,
        string::RedisString,
    },
};

/// The rest of a command, run on the server's thread after the work.
pub type Continuation = Box<dyn FnOnce(&Call<'_>) -> Result<(), ErrorReply> + Send>;

/// Work for another thread.
pub type Job = Box<dyn FnOnce() + Send>;

/// What a command is about to do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Read it.
    Read,
    /// Change it without allocating memory.
    Write,
    /// Change it; this may allocate memory.
    WriteMayGrow,
}

/// In milliseconds. A full queue of the slowest signatures takes about a second.
const LONGEST_WAIT: i64 = 30_000;

impl Call<'_> {
    /// Whether the client can be blocked: not in MULTI or a script, not for another module, and not while a replica
    /// serves the old data set during an asynchronous load.
    pub fn may_wait(&self) -> bool {
        let denied = raw::REDISMODULE_CTX_FLAGS_DENY_BLOCKING
            | raw::REDISMODULE_CTX_FLAGS_MULTI
            | raw::REDISMODULE_CTX_FLAGS_LUA
            | raw::REDISMODULE_CTX_FLAGS_ASYNC_LOADING;
        !self.has_waited && self.ctx.flags() & denied.cast_signed() == 0
    }

    /// Blocks the client while `work` runs on another thread. The continuation that `work` returns runs on the
    /// server's thread and replies; the caller must not reply. `submit` passes the work to the other thread.
    ///
    /// With `in_slices`, the continuation may use [`Call::in_slices`].
    pub fn block_and_run<W>(&self, in_slices: bool, work: W, submit: impl FnOnce(Job)) -> Result<(), Refused>
    where
        W: FnOnce() -> Continuation + Send + 'static,
    {
        if in_slices {
            let mut carried = CarriedClient::new(HeldClient::hold(self)?);
            submit(Box::new(move || carried.send(guard(work))));
            return Ok(());
        }
        // If the timeout and the end of the work coincide, Redis 7.0 sends no reply, and the client would take the
        // reply of its next command for this one. So no timeout there.
        let may_give_up = is_at_least_7_2();
        let longest = if may_give_up { LONGEST_WAIT } else { 0 };
        // SAFETY: the context is that of the running command, the callbacks have the declared types; without a timeout
        // the server never calls `on_timeout`.
        let blocked = unsafe {
            let block = api(raw::RedisModule_BlockClient);
            block(self.ctx.as_ptr(), Some(on_reply), may_give_up.then_some(on_timeout), Some(free), longest)
        };
        if blocked.is_null() {
            return Err(Refused::CannotWait);
        }
        // MONITOR and SLOWLOG may show the command before its arguments are checked.
        self.redact_secrets();
        // commandstats, latencystats and SLOWLOG include the wait. `wake` ends the measurement.
        // SAFETY: the client is blocked, and no other thread knows of it yet.
        unsafe { api(raw::RedisModule_BlockedClientMeasureTimeStart)(blocked) };
        let waiting = BlockedClient(blocked);
        let caller = self.ctx.caller().name();
        let work = move || {
            let continuation = work();
            Box::new(move |call: &Call<'_>| {
                // The server runs a client whose user was deleted as the default user until it frees the client.
                if call.ctx.caller().name() != caller {
                    return Err(Refused::NoPermission.into());
                }
                continuation(call)
            }) as Continuation
        };
        submit(Box::new(move || waiting.wake(guard(work))));
        Ok(())
    }

    /// After a wait, repeats the checks that the server makes when a command starts. Does nothing without a wait.
    pub fn revalidate(&self, key: &RedisString, intent: Intent) -> Result<(), Refused> {
        if !self.has_waited {
            return Ok(());
        }
        let ctx = self.ctx;
        if intent != Intent::Read {
            if ctx.is_read_only() {
                return Err(Refused::ReadOnly);
            }
            if ctx.writes_are_paused() {
                return Err(Refused::WritesPaused);
            }
            if intent == Intent::WriteMayGrow && ctx.is_out_of_memory() {
                return Err(Refused::OutOfMemory);
            }
        }
        if ctx.is_cluster_node() && !ctx.owns(key) {
            return Err(Refused::SlotMigrating);
        }
        Ok(())
    }
}

/// A blocked client. It is unblocked exactly once, also if the work is dropped.
struct BlockedClient(*mut raw::RedisModuleBlockedClient);

// SAFETY: any thread may unblock a client, and other threads do nothing else with it.
unsafe impl Send for BlockedClient {}

impl BlockedClient {
    /// Unblocks the client; the continuation runs on the server's thread.
    fn wake(self, continuation: Option<Continuation>) {
        let blocked = self.0;
        std::mem::forget(self);
        // SAFETY: the server frees the blocked client only after `unblock` below, also if the client has disconnected
        // or timed out. MeasureTimeStart and MeasureTimeEnd take no lock and need none: the second runs once, after
        // the first and before the lock in UnblockClient, and the server reads the result after that lock. Only for a
        // client that times out at this moment does the server read the duration earlier: an aligned word, either zero
        // or the whole wait, used for statistics.
        unsafe { api(raw::RedisModule_BlockedClientMeasureTimeEnd)(blocked) };
        unblock(blocked, continuation);
    }
}

impl Drop for BlockedClient {
    /// A dropped job unblocks its client with an error.
    fn drop(&mut self) {
        unblock(self.0, None);
    }
}

fn unblock(blocked: *mut raw::RedisModuleBlockedClient, continuation: Option<Continuation>) {
    let left: *mut Option<Continuation> = Box::into_raw(Box::new(continuation));
    // SAFETY: the client is blocked and is unblocked only here; `free` frees the box.
    unsafe { api(raw::RedisModule_UnblockClient)(blocked, left.cast()) };
}

/// Callback of the server: the work is done.
extern "C" fn on_reply(ctx: *mut raw::RedisModuleCtx, argv: *mut *mut raw::RedisModuleString, argc: c_int) -> c_int {
    // SAFETY: these are what the server passed, and they are used only until this returns.
    let call = unsafe { Call::new(ctx, argv, argc) }.after_wait();
    // SAFETY: the context is that of this callback.
    let left: *mut Option<Continuation> = unsafe { api(raw::RedisModule_GetBlockedClientPrivateData)(ctx) }.cast();
    // SAFETY: NULL or the box of `unblock`, which `free` frees after this callback.
    let left = unsafe { left.as_mut() }.and_then(Option::take);
    call.answer(|call| match left {
        Some(left) => left(call),
        None => Err(Refused::Panicked.into()),
    });
    OK
}

/// Callback of the server: the client timed out, or CLIENT UNBLOCK unblocks it.
extern "C" fn on_timeout(ctx: *mut raw::RedisModuleCtx, argv: *mut *mut raw::RedisModuleString, argc: c_int) -> c_int {
    // SAFETY: these are what the server passed, and they are used only until this returns.
    let call = unsafe { Call::new(ctx, argv, argc) }.after_wait();
    call.answer(|_| Err(Refused::TimedOut.into()));
    OK
}

extern "C" fn free(_: *mut raw::RedisModuleCtx, left: *mut c_void) {
    if !left.is_null() {
        let left: *mut Option<Continuation> = left.cast();
        // SAFETY: the box of `unblock`; nothing else frees it.
        guard(|| drop(unsafe { Box::from_raw(left) }));
    }
}

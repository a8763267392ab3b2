//! Work that is done beside the server's thread while the client waits.
//!
//! When it is done the server calls back, and checks nothing that it checked when the command began: whether this is
//! still a master, has memory left, owns the slot, may write. [`Call::revalidate`] does that.

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

/// What is left to do on the server's thread when the work is done.
pub type Continuation = Box<dyn FnOnce(&Call<'_>) -> Result<(), ErrorReply> + Send>;

/// Work for another thread.
pub type Job = Box<dyn FnOnce() + Send>;

/// What a command is about to do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Read it.
    Read,
    /// Change it in a way that takes no memory.
    Write,
    /// Change it in a way that may take memory.
    WriteMayGrow,
}

/// How long a client waits at most, in milliseconds. A full queue of the slowest signatures takes a second.
const LONGEST_WAIT: i64 = 30_000;

impl Call<'_> {
    /// Whether the client can be made to wait: not inside MULTI or a script, not for another module, and not while the
    /// server loads a new data set beside the old one, when it does nothing but read.
    pub fn may_wait(&self) -> bool {
        let denied = raw::REDISMODULE_CTX_FLAGS_DENY_BLOCKING
            | raw::REDISMODULE_CTX_FLAGS_MULTI
            | raw::REDISMODULE_CTX_FLAGS_LUA
            | raw::REDISMODULE_CTX_FLAGS_ASYNC_LOADING;
        !self.has_waited && self.ctx.flags() & denied.cast_signed() == 0
    }

    /// Lets the client wait while `work` runs on another thread; what `work` returns then runs on this one and replies.
    /// The caller must not reply. `submit` gives the work to that thread.
    ///
    /// What is left to do may go on [in slices](Self::in_slices) if that is said here.
    pub fn block_and_run<W>(&self, in_slices: bool, work: W, submit: impl FnOnce(Job)) -> Result<(), Refused>
    where
        W: FnOnce() -> Continuation + Send + 'static,
    {
        if in_slices {
            let mut carried = CarriedClient::new(HeldClient::hold(self)?);
            submit(Box::new(move || carried.send(guard(work))));
            return Ok(());
        }
        // To a client that gives up waiting at the moment when its work is done Redis 7.0 replies nothing at all, and the client
        // would take the next command's reply for this one's.
        let may_give_up = is_at_least_7_2();
        let longest = if may_give_up { LONGEST_WAIT } else { 0 };
        // SAFETY: the context is that of the running command, the callbacks have the announced shapes; without a
        // longest wait the server never calls the one for giving up.
        let blocked = unsafe {
            let block = api(raw::RedisModule_BlockClient);
            block(self.ctx.as_ptr(), Some(on_reply), may_give_up.then_some(on_timeout), Some(free), longest)
        };
        if blocked.is_null() {
            return Err(Refused::CannotWait);
        }
        // MONITOR and SLOWLOG may show the command before it turns out that something in it is misplaced.
        self.redact_secrets();
        // The wait counts as time of the command in commandstats, latencystats and SLOWLOG. `wake` ends the measurement.
        // SAFETY: the client is blocked, and no other thread knows of it yet.
        unsafe { api(raw::RedisModule_BlockedClientMeasureTimeStart)(blocked) };
        let waiting = BlockedClient(blocked);
        let caller = self.ctx.caller().name();
        let work = move || {
            let continuation = work();
            Box::new(move |call: &Call<'_>| {
                // A client whose user was deleted stands for the default user until it is freed.
                if call.ctx.caller().name() != caller {
                    return Err(Refused::NoPermission.into());
                }
                continuation(call)
            }) as Continuation
        };
        submit(Box::new(move || waiting.wake(guard(work))));
        Ok(())
    }

    /// Checks what the server checked when a command began that has been waiting since. Free for one that has not.
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

/// A client that waits. It is woken once, whatever becomes of the work.
struct BlockedClient(*mut raw::RedisModuleBlockedClient);

// SAFETY: the server lets any thread wake a blocked client, and that is all that is done with it.
unsafe impl Send for BlockedClient {}

impl BlockedClient {
    /// Wakes the client; what is left to do is run on the server's thread.
    fn wake(self, continuation: Option<Continuation>) {
        let blocked = self.0;
        std::mem::forget(self);
        // SAFETY: the server frees the blocked client only after `unblock` below, also if the client has left or has given
        // up. The two functions take no lock, and need none: this one runs once, after the other and before the lock of
        // UnblockClient, behind which the server reads what it has written. Only for a client that gives up at this very
        // moment does the server read that number earlier, an aligned word: either zero or the whole wait, which go into
        // statistics.
        unsafe { api(raw::RedisModule_BlockedClientMeasureTimeEnd)(blocked) };
        unblock(blocked, continuation);
    }
}

impl Drop for BlockedClient {
    /// A job that is thrown away wakes its client too, which then reads an error.
    fn drop(&mut self) {
        unblock(self.0, None);
    }
}

fn unblock(blocked: *mut raw::RedisModuleBlockedClient, continuation: Option<Continuation>) {
    let left: *mut Option<Continuation> = Box::into_raw(Box::new(continuation));
    // SAFETY: the client is blocked and is woken this once; `free` takes the box back.
    unsafe { api(raw::RedisModule_UnblockClient)(blocked, left.cast()) };
}

/// Callback of the server: the work is done.
extern "C" fn on_reply(ctx: *mut raw::RedisModuleCtx, argv: *mut *mut raw::RedisModuleString, argc: c_int) -> c_int {
    // SAFETY: these are what the server passed, and they are used only until this returns.
    let call = unsafe { Call::new(ctx, argv, argc) }.after_wait();
    // SAFETY: the context is that of this callback.
    let left: *mut Option<Continuation> = unsafe { api(raw::RedisModule_GetBlockedClientPrivateData)(ctx) }.cast();
    // SAFETY: it is NULL or the box of `unblock`, which `free` will take back after this.
    let left = unsafe { left.as_mut() }.and_then(Option::take);
    call.answer(|call| match left {
        Some(left) => left(call),
        None => Err(Refused::Panicked.into()),
    });
    OK
}

/// Callback of the server: a client has waited too long, or CLIENT UNBLOCK ends its wait.
extern "C" fn on_timeout(ctx: *mut raw::RedisModuleCtx, argv: *mut *mut raw::RedisModuleString, argc: c_int) -> c_int {
    // SAFETY: these are what the server passed, and they are used only until this returns.
    let call = unsafe { Call::new(ctx, argv, argc) }.after_wait();
    call.answer(|_| Err(Refused::TimedOut.into()));
    OK
}

extern "C" fn free(_: *mut raw::RedisModuleCtx, left: *mut c_void) {
    if !left.is_null() {
        let left: *mut Option<Continuation> = left.cast();
        // SAFETY: the box of `unblock`, which nobody else takes back.
        guard(|| drop(unsafe { Box::from_raw(left) }));
    }
}

//! A client that waits without a callback: its reply grows in a context of its own, in later calls from the server.

use std::{ffi::c_void, ptr, rc::Rc};

use redis_module::raw;

use crate::redis::ffi::refused::Refused;
use crate::redis::{
    command::{blocked_client::Continuation, call::Call},
    ffi::{
        api::api,
        context::Ctx,
        string::{Args, RedisString},
    },
    server::acl::Caller,
};

/// A client that waits, what it sent, and as whom.
#[derive(Debug)]
pub(in crate::redis) struct HeldClient {
    blocked: *mut raw::RedisModuleBlockedClient,
    out: *mut raw::RedisModuleCtx,
    /// The whole command, with its name.
    words: Vec<RedisString>,
    /// Who asked, and may be gone before all is done.
    pub(in crate::redis) caller: Caller,
}

impl HeldClient {
    /// Lets the client of a command wait until this is dropped. Nothing may be redacted before this: it copies the arguments,
    /// which Valkey redacts in place.
    pub(in crate::redis) fn hold(call: &Call<'_>) -> Result<Self, Refused> {
        let caller = call.ctx.caller();
        let words = call.words();
        let words = (0..words.len()).filter_map(|position| words.get(position)).map(|word| word.to_text()).collect();
        // SAFETY: the context is that of the running command. Without callbacks the reply is what `out` collects, and
        // nothing but `drop` ends the wait.
        let blocked = unsafe { api(raw::RedisModule_BlockClient)(call.ctx.as_ptr(), None, None, None, 0) };
        if blocked.is_null() {
            return Err(Refused::CannotWait);
        }
        call.redact_secrets();
        // SAFETY: the client is blocked until `drop`.
        let out = unsafe { api(raw::RedisModule_GetThreadSafeContext)(blocked) };
        // The wait counts as time of the command in commandstats, latencystats and SLOWLOG.
        // SAFETY: the client is blocked, and all measuring is done on the server's thread.
        unsafe { api(raw::RedisModule_BlockedClientMeasureTimeStart)(blocked) };
        Ok(Self { blocked, out, words, caller })
    }

    /// Where the reply goes. To be used on the server's thread alone.
    pub(in crate::redis) fn out(&self) -> Ctx<'_> {
        // SAFETY: the context is alive until `drop`.
        unsafe { Ctx::new(self.out) }
    }

    /// What the client sent.
    pub(in crate::redis) fn words(&self) -> Args<'_> {
        // SAFETY: a `RedisString` is nothing but its pointer, and all of them are alive as long as this.
        unsafe { Args::new(self.words.as_ptr().cast(), self.words.len()) }
    }
}

impl Drop for HeldClient {
    /// Sends the reply. The client may be gone, which the server knows.
    fn drop(&mut self) {
        // Redis 7.0 looks at what the client has sent meanwhile only when something else happens, which on an idle server
        // is a tenth of a second later.
        // SAFETY: the context is alive; the callback takes no data.
        unsafe { api(raw::RedisModule_CreateTimer)(self.out, 1, Some(nothing), ptr::null_mut()) };
        // SAFETY: both came from `hold`, and neither is used after this.
        unsafe {
            api(raw::RedisModule_BlockedClientMeasureTimeEnd)(self.blocked);
            api(raw::RedisModule_FreeThreadSafeContext)(self.out);
            api(raw::RedisModule_UnblockClient)(self.blocked, ptr::null_mut());
        }
    }
}

/// A held client on its way through another thread, which does not touch it. It arrives whatever becomes of the work.
pub(in crate::redis) struct CarriedClient(Option<HeldClient>);

// SAFETY: the other thread only carries it.
unsafe impl Send for CarriedClient {}

impl CarriedClient {
    pub(in crate::redis) const fn new(client: HeldClient) -> Self {
        Self(Some(client))
    }

    /// Runs what is left to do on the server's thread, which replies or holds the client on.
    pub(in crate::redis) fn send(&mut self, continuation: Option<Continuation>) {
        if let Some(client) = self.0.take() {
            let returned: *mut Returned = Box::into_raw(Box::new((client, continuation)));
            // SAFETY: the server takes this from any thread; `on_returned` takes the box back, on its own.
            unsafe { api(raw::RedisModule_EventLoopAddOneShot)(Some(on_returned), returned.cast()) };
        }
    }
}

impl Drop for CarriedClient {
    /// The client of a job that is thrown away reads an error.
    fn drop(&mut self) {
        self.send(None);
    }
}

type Returned = (HeldClient, Option<Continuation>);

/// Callback of the server: a held client is back. Keys must not be changed here, outside of all calls: a timer's
/// callback is one.
extern "C" fn on_returned(returned: *mut c_void) {
    // SAFETY: the box of `send`, which nobody else uses.
    let out = unsafe { (*returned.cast::<Returned>()).0.out };
    // SAFETY: the context is alive; `has_waited` takes the box back.
    unsafe { api(raw::RedisModule_CreateTimer)(out, 0, Some(has_waited), returned) };
}

extern "C" fn has_waited(ctx: *mut raw::RedisModuleCtx, returned: *mut c_void) {
    // SAFETY: the box of `send`, which nobody else takes back.
    let (client, continuation) = *unsafe { Box::from_raw(returned.cast::<Returned>()) };
    let client = Rc::new(client);
    // SAFETY: the context is what the server passed, and it is used only until this returns.
    let call = Call::for_held_client(unsafe { Ctx::new(ctx) }, &client);
    call.answer(|call| continuation.map_or(Err(Refused::Panicked.into()), |continuation| continuation(call)));
}

extern "C" fn nothing(_: *mut raw::RedisModuleCtx, _: *mut c_void) {}

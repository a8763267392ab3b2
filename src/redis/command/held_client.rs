//! A client that is blocked without a reply callback. Later calls from the server write its reply piece by piece.

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

/// A blocked client with its arguments and its user.
#[derive(Debug)]
pub(in crate::redis) struct HeldClient {
    blocked: *mut raw::RedisModuleBlockedClient,
    out: *mut raw::RedisModuleCtx,
    /// The whole command, with its name.
    words: Vec<RedisString>,
    /// The user, who may be deleted before the command is done.
    pub(in crate::redis) caller: Caller,
}

impl HeldClient {
    /// Blocks the client of a command until this is dropped. It copies the arguments, so redact nothing before: Valkey
    /// redacts in place.
    pub(in crate::redis) fn hold(call: &Call<'_>) -> Result<Self, Refused> {
        let caller = call.ctx.caller();
        let words = call.words();
        let words =
            (0..words.len()).filter_map(|position| words.get(position)).map(|word| word.to_redis_string()).collect();
        // SAFETY: the context is that of the running command. Without callbacks the reply is what `out` collects, and
        // only `drop` unblocks the client.
        let blocked = unsafe { api(raw::RedisModule_BlockClient)(call.ctx.as_ptr(), None, None, None, 0) };
        if blocked.is_null() {
            return Err(Refused::CannotWait);
        }
        call.redact_secrets();
        // SAFETY: the client is blocked until `drop`.
        let out = unsafe { api(raw::RedisModule_GetThreadSafeContext)(blocked) };
        // commandstats, latencystats and SLOWLOG include the wait.
        // SAFETY: the client is blocked, and only the server's thread measures.
        unsafe { api(raw::RedisModule_BlockedClientMeasureTimeStart)(blocked) };
        Ok(Self { blocked, out, words, caller })
    }

    /// The context that collects the reply. Only for the server's thread.
    pub(in crate::redis) fn out(&self) -> Ctx<'_> {
        // SAFETY: the context is alive until `drop`.
        unsafe { Ctx::new(self.out) }
    }

    /// The whole command, with its name.
    pub(in crate::redis) fn words(&self) -> Args<'_> {
        // SAFETY: a `RedisString` is one pointer (`repr(transparent)`), and all of them live as long as `self`.
        unsafe { Args::new(self.words.as_ptr().cast(), self.words.len()) }
    }
}

impl Drop for HeldClient {
    /// Sends the reply. The server handles a client that has disconnected.
    fn drop(&mut self) {
        // Redis 7.0 reads what the client has sent meanwhile only at its next event, up to 100 ms later on an idle
        // server. The timer is such an event.
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

/// A held client that travels through another thread, which does not use it. It returns to the server's thread also if
/// the work is dropped.
pub(in crate::redis) struct CarriedClient(Option<HeldClient>);

// SAFETY: the other thread does not use it.
unsafe impl Send for CarriedClient {}

impl CarriedClient {
    pub(in crate::redis) const fn new(client: HeldClient) -> Self {
        Self(Some(client))
    }

    /// Runs the continuation on the server's thread.
    pub(in crate::redis) fn send(&mut self, continuation: Option<Continuation>) {
        if let Some(client) = self.0.take() {
            let returned: *mut Returned = Box::into_raw(Box::new((client, continuation)));
            // SAFETY: any thread may call this; `on_returned` owns the box.
            unsafe { api(raw::RedisModule_EventLoopAddOneShot)(Some(on_returned), returned.cast()) };
        }
    }
}

impl Drop for CarriedClient {
    /// The client of a dropped job gets an error.
    fn drop(&mut self) {
        self.send(None);
    }
}

type Returned = (HeldClient, Option<Continuation>);

/// Callback of the server: a held client is back. Keys must not be changed in an event loop callback, so a timer
/// continues.
extern "C" fn on_returned(returned: *mut c_void) {
    // SAFETY: the box of `send`; nothing else uses it.
    let out = unsafe { (*returned.cast::<Returned>()).0.out };
    // SAFETY: the context is alive; `on_timer` frees the box.
    unsafe { api(raw::RedisModule_CreateTimer)(out, 0, Some(on_timer), returned) };
}

extern "C" fn on_timer(ctx: *mut raw::RedisModuleCtx, returned: *mut c_void) {
    // SAFETY: the box of `send`; nothing else frees it.
    let (client, continuation) = *unsafe { Box::from_raw(returned.cast::<Returned>()) };
    let client = Rc::new(client);
    // SAFETY: the context is what the server passed, and it is used only until this returns.
    let call = Call::for_held_client(unsafe { Ctx::new(ctx) }, &client);
    call.answer(|call| continuation.map_or(Err(Refused::Panicked.into()), |continuation| continuation(call)));
}

extern "C" fn nothing(_: *mut raw::RedisModuleCtx, _: *mut c_void) {}

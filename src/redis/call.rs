//! A call from the server into the module.

use std::{ffi::c_int, marker::PhantomData, slice};

use redis_module::raw;

use super::{api::api, text::Arg};

/// The context of a call from the server. It cannot leave the call.
#[derive(Clone, Copy, Debug)]
pub struct Ctx<'call> {
    raw: *mut raw::RedisModuleCtx,
    call: PhantomData<&'call ()>,
}

impl Ctx<'_> {
    /// Wraps the context of the call that is running.
    ///
    /// # Safety
    /// `raw` is the context that the server passed to the running entry point, which outlives the chosen lifetime.
    pub(super) const unsafe fn new(raw: *mut raw::RedisModuleCtx) -> Self {
        Self { raw, call: PhantomData }
    }

    pub(super) const fn as_ptr(self) -> *mut raw::RedisModuleCtx {
        self.raw
    }

    /// The server's clock, in milliseconds since the epoch.
    #[inline]
    pub fn now(self) -> i64 {
        // SAFETY: takes nothing, returns a number.
        unsafe { api(raw::RedisModule_Milliseconds)() }
    }

    /// True on a cluster node.
    pub fn is_cluster_node(self) -> bool {
        self.flags() & raw::REDISMODULE_CTX_FLAGS_CLUSTER.cast_signed() != 0
    }

    /// True on a server that replicates another.
    pub fn is_replica(self) -> bool {
        self.flags() & raw::REDISMODULE_CTX_FLAGS_SLAVE.cast_signed() != 0
    }

    fn flags(self) -> c_int {
        // SAFETY: the context is that of the running call.
        unsafe { api(raw::RedisModule_GetContextFlags)(self.raw) }
    }
}

/// A command that a client sent.
#[derive(Clone, Copy, Debug)]
pub struct Call<'call> {
    /// The context.
    pub ctx: Ctx<'call>,
    args: &'call [Arg<'call>],
}

impl<'call> Call<'call> {
    /// Wraps what the server passes to a command.
    ///
    /// # Safety
    /// The three are those that the server passed to the running command, which outlives 'call.
    pub(super) unsafe fn new(
        ctx: *mut raw::RedisModuleCtx,
        argv: *mut *mut raw::RedisModuleString,
        argc: c_int,
    ) -> Self {
        let count = usize::try_from(argc).unwrap_or(0);
        // SAFETY: the server passes argc strings in an array; Arg is a transparent wrapper of a pointer to one.
        let args = unsafe { slice::from_raw_parts(argv.cast_const().cast(), count) };
        // SAFETY: says the caller.
        Self { ctx: unsafe { Ctx::new(ctx) }, args }
    }

    /// The arguments after the command's name.
    #[inline]
    pub fn args(&self) -> &'call [Arg<'call>] {
        self.args.get(1..).unwrap_or_default()
    }

    /// Keeps an argument out of SLOWLOG and MONITOR; `position` counts from 0 after the command's name.
    #[inline]
    pub fn redact(&self, position: usize) {
        if let Ok(position) = c_int::try_from(position + 1) {
            // SAFETY: the context is that of the running call; the server refuses a position that does not exist.
            unsafe { api(raw::RedisModule_RedactClientCommandArgument)(self.ctx.raw, position) };
        }
    }
}

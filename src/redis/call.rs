//! A call from the server into the module.

use std::{ffi::c_int, marker::PhantomData, rc::Rc, sync::OnceLock};

use redis_module::raw;

use super::{api::api, guard::guard, held_client::HeldClient, text::Args};
use crate::{error::Error, session::UnixMillis, token::could_be_token};

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

    /// The time by the server's clock.
    #[inline]
    pub fn now(self) -> UnixMillis {
        // SAFETY: takes nothing, returns a number.
        UnixMillis::new(unsafe { api(raw::RedisModule_Milliseconds)() })
    }

    /// Whether the server is a cluster node, which does not change while it runs.
    pub fn is_cluster_node(self) -> bool {
        static ANSWER: OnceLock<bool> = OnceLock::new();
        *ANSWER.get_or_init(|| self.flags() & raw::REDISMODULE_CTX_FLAGS_CLUSTER.cast_signed() != 0)
    }

    /// Whether the server replicates another.
    pub fn is_replica(self) -> bool {
        self.flags() & raw::REDISMODULE_CTX_FLAGS_SLAVE.cast_signed() != 0
    }

    /// True on a replica that takes writes from the server that it replicates alone.
    pub(super) fn is_read_only(self) -> bool {
        self.flags() & raw::REDISMODULE_CTX_FLAGS_READONLY.cast_signed() != 0
    }

    /// True where memory is full and the server may not make room by evicting keys.
    pub(super) fn is_out_of_memory(self) -> bool {
        let (full, evicts) = (raw::REDISMODULE_CTX_FLAGS_OOM, raw::REDISMODULE_CTX_FLAGS_EVICT);
        self.flags() & (full | evicts).cast_signed() == full.cast_signed()
    }

    /// True while CLIENT PAUSE or a failover holds writes back. One all the same would abort the server.
    pub(super) fn writes_are_paused(self) -> bool {
        // SAFETY: takes nothing, returns a number.
        unsafe { api(raw::RedisModule_AvoidReplicaTraffic)() != 0 }
    }

    /// The number of the database that the client has selected.
    pub fn database(self) -> c_int {
        // SAFETY: the context is that of the running call.
        unsafe { api(raw::RedisModule_GetSelectedDb)(self.raw) }
    }

    pub(super) fn flags(self) -> c_int {
        // SAFETY: the context is that of the running call.
        unsafe { api(raw::RedisModule_GetContextFlags)(self.raw) }
    }
}

/// A command that a client sent.
#[derive(Clone, Copy, Debug)]
pub struct Call<'call> {
    pub ctx: Ctx<'call>,
    /// Where the reply goes.
    pub(super) out: Ctx<'call>,
    words: Args<'call>,
    /// Whether the client has waited for other work since it sent the command.
    pub(super) resumed: bool,
    /// The client, where it still waits.
    pub(super) held: Option<&'call Rc<HeldClient>>,
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
        // SAFETY: the server passes argc strings in an array.
        let words = unsafe { Args::new(argv, count) };
        // SAFETY: says the caller.
        let ctx = unsafe { Ctx::new(ctx) };
        Self { ctx, out: ctx, words, resumed: false, held: None }
    }

    /// The same command after its client has waited.
    pub(super) const fn after_wait(self) -> Self {
        Self { resumed: true, ..self }
    }

    /// A command whose client is held, in a later call from the server.
    pub(super) fn of_held(ctx: Ctx<'call>, client: &'call Rc<HeldClient>) -> Self {
        Self { ctx, out: client.out(), words: client.words(), resumed: true, held: Some(client) }
    }

    /// Runs the command, or what is left of it, and replies to the client if it errs.
    pub(super) fn answer(&self, run: impl FnOnce(&Self) -> Result<(), Error>) {
        let outcome = guard(|| run(self));
        if !matches!(outcome, Some(Ok(()))) {
            // Where something is missing or misplaced, so may a token be.
            self.redact_tokens();
        }
        match outcome {
            Some(Ok(())) => {}
            Some(Err(Error::WrongArity)) => self.out.reply_wrong_arity(),
            Some(Err(error)) => self.out.reply_error(&error.reply()),
            None => self.out.reply_error("ERR internal error, see the server's log"),
        }
    }

    /// The whole command.
    pub(super) const fn words(&self) -> Args<'call> {
        self.words
    }

    /// The arguments after the command's name.
    #[inline]
    pub fn args(&self) -> Args<'call> {
        self.words.skip(1)
    }

    /// Keeps all arguments that may be tokens out of SLOWLOG and MONITOR; those that are still needed have to be taken out
    /// of [`args`](Self::args) before, see there.
    pub fn redact_tokens(&self) {
        if self.resumed {
            return;
        }
        for position in 0..self.args().len() {
            if self.args().get(position).is_some_and(|argument| could_be_token(argument.bytes())) {
                self.redact(position);
            }
        }
    }

    /// Keeps an argument out of SLOWLOG and MONITOR; `position` counts from 0 after the command's name. It has to be
    /// taken out of [`args`](Self::args) before, see there.
    #[inline]
    pub fn redact(&self, position: usize) {
        if self.resumed {
            return;
        }
        if let Ok(position) = c_int::try_from(position + 1) {
            // SAFETY: the context is that of the running call; the server refuses a position that does not exist.
            unsafe { api(raw::RedisModule_RedactClientCommandArgument)(self.ctx.raw, position) };
        }
    }
}

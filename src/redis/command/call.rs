//! A command of a client: its arguments and its reply.

use std::{ffi::c_int, rc::Rc};

use redis_module::raw;

use crate::redis::{
    command::held_client::HeldClient,
    ffi::{api::api, context::Ctx, guard::guard, string::Args},
};
use crate::redis::{
    ffi::{
        refused::{ErrorReply, Refused},
        string::ArgRef,
    },
    server::module_trait::module,
};

/// A command of a client.
#[derive(Clone, Copy, Debug)]
pub struct Call<'call> {
    /// The context of the call that runs now: keys are opened and written with it.
    pub ctx: Ctx<'call>,
    /// The context that receives the reply.
    pub(in crate::redis) out: Ctx<'call>,
    words: Args<'call>,
    /// Whether the client was blocked since it sent the command.
    pub(in crate::redis) has_waited: bool,
    /// The client, while it is held.
    pub(in crate::redis) held: Option<&'call Rc<HeldClient>>,
}

impl<'call> Call<'call> {
    /// Wraps what the server passes to a command.
    ///
    /// # Safety
    /// The server passed these arguments to the running command, which outlives 'call.
    pub(in crate::redis) unsafe fn new(
        ctx: *mut raw::RedisModuleCtx,
        argv: *mut *mut raw::RedisModuleString,
        argc: c_int,
    ) -> Self {
        let count = usize::try_from(argc).unwrap_or(0);
        // SAFETY: the server passes argc strings in an array.
        let words = unsafe { Args::new(argv, count) };
        // SAFETY: the caller guarantees it.
        let ctx = unsafe { Ctx::new(ctx) };
        Self { ctx, out: ctx, words, has_waited: false, held: None }
    }

    /// The same command after its client has waited.
    pub(in crate::redis) const fn after_wait(self) -> Self {
        Self { has_waited: true, ..self }
    }

    /// The command of a held client, in a later call from the server.
    pub(in crate::redis) fn for_held_client(ctx: Ctx<'call>, client: &'call Rc<HeldClient>) -> Self {
        Self { ctx, out: client.out(), words: client.words(), has_waited: true, held: Some(client) }
    }

    /// Runs the command or the rest of it, and replies with its error if it fails.
    pub(in crate::redis) fn answer(&self, run: impl FnOnce(&Self) -> Result<(), ErrorReply>) {
        let outcome = guard(|| run(self)).unwrap_or(Err(Refused::Panicked.into()));
        if let Err(error) = outcome {
            // In a malformed command a secret may be at any position.
            self.redact_secrets();
            self.out.reply_refused(error);
        }
    }

    /// The whole command.
    pub(in crate::redis) const fn words(&self) -> Args<'call> {
        self.words
    }

    /// The arguments after the command's name.
    #[inline]
    pub fn args(&self) -> Args<'call> {
        self.words.skip(1)
    }

    fn is_secret(argument: ArgRef<'_>) -> bool {
        module().is_some_and(|module| module.is_secret(argument.bytes()))
    }

    /// Redacts all arguments that may be secrets in SLOWLOG and MONITOR. Take what is still needed out of
    /// [`args`](Self::args) before.
    pub fn redact_secrets(&self) {
        if self.has_waited {
            return;
        }
        for position in 0..self.args().len() {
            if self.args().get(position).is_some_and(Self::is_secret) {
                self.redact(position);
            }
        }
    }

    /// Redacts an argument in SLOWLOG and MONITOR. `position` counts from 0 after the command's name. Take the
    /// argument out of [`args`](Self::args) before.
    #[inline]
    pub fn redact(&self, position: usize) {
        if self.has_waited {
            return;
        }
        if let Ok(position) = c_int::try_from(position + 1) {
            // SAFETY: the context is that of the running call; the server refuses a position that does not exist.
            unsafe { api(raw::RedisModule_RedactClientCommandArgument)(self.ctx.as_ptr(), position) };
        }
    }
}

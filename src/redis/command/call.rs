//! A command that a client sent: its arguments, and its reply.

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
    server::module::module,
};

/// A command that a client sent.
#[derive(Clone, Copy, Debug)]
pub struct Call<'call> {
    pub ctx: Ctx<'call>,
    /// Where the reply goes.
    pub(in crate::redis) out: Ctx<'call>,
    words: Args<'call>,
    /// Whether the client has waited for other work since it sent the command.
    pub(in crate::redis) has_waited: bool,
    /// The client, where it still waits.
    pub(in crate::redis) held: Option<&'call Rc<HeldClient>>,
}

impl<'call> Call<'call> {
    /// Wraps what the server passes to a command.
    ///
    /// # Safety
    /// The three are those that the server passed to the running command, which outlives 'call.
    pub(in crate::redis) unsafe fn new(
        ctx: *mut raw::RedisModuleCtx,
        argv: *mut *mut raw::RedisModuleString,
        argc: c_int,
    ) -> Self {
        let count = usize::try_from(argc).unwrap_or(0);
        // SAFETY: the server passes argc strings in an array.
        let words = unsafe { Args::new(argv, count) };
        // SAFETY: says the caller.
        let ctx = unsafe { Ctx::new(ctx) };
        Self { ctx, out: ctx, words, has_waited: false, held: None }
    }

    /// The same command after its client has waited.
    pub(in crate::redis) const fn after_wait(self) -> Self {
        Self { has_waited: true, ..self }
    }

    /// A command whose client is held, in a later call from the server.
    pub(in crate::redis) fn for_held_client(ctx: Ctx<'call>, client: &'call Rc<HeldClient>) -> Self {
        Self { ctx, out: client.out(), words: client.words(), has_waited: true, held: Some(client) }
    }

    /// Runs the command, or what is left of it, and replies to the client if it errs.
    pub(in crate::redis) fn answer(&self, run: impl FnOnce(&Self) -> Result<(), ErrorReply>) {
        let outcome = guard(|| run(self)).unwrap_or(Err(Refused::Panicked.into()));
        if let Err(error) = outcome {
            // Where something is missing or misplaced, so may a secret be.
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

    /// Keeps all arguments that may be secrets out of SLOWLOG and MONITOR; those that are still needed have to be taken out
    /// of [`args`](Self::args) before, see there.
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

    /// Keeps an argument out of SLOWLOG and MONITOR; `position` counts from 0 after the command's name. It has to be
    /// taken out of [`args`](Self::args) before, see there.
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

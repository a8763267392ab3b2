//! Slow signatures: how a command computes one on another thread while its client waits.

use std::sync::Arc;

use crate::{
    error::Error,
    metrics::COUNTERS,
    realm::Realms,
    redis::{Call, Command, Continuation, Spec},
    state,
    threads::{self, Lane},
};

/// A command that may have to compute a slow signature. It is three functions behind its arguments: `prepare`, `compute` and
/// `finish`. None of them knows whether the client has waited, nor whether the active keys changed meanwhile.
pub(in crate::commands) trait SignatureCommand {
    /// See [`Command::SPEC`].
    const SPEC: Spec;
    type Args<'c>;
    /// What there is to compute.
    type Job: Send + 'static;
    /// What the computation finds.
    type Outcome: Send + 'static;
    /// Whether `finish` may go on in slices.
    const IN_SLICES: bool = false;

    /// Reads the arguments. Tokens among them are redacted.
    fn read<'c>(call: &Call<'c>) -> Result<Self::Args<'c>, Error>;

    /// Checks what can be checked now, and looks into the cache.
    fn prepare(call: &Call<'_>, realms: &Arc<Realms>, args: &Self::Args<'_>) -> Result<Prepared<Self::Job>, Error>;

    /// Computes; on any thread.
    fn compute(realms: &Arc<Realms>, job: Self::Job) -> Self::Outcome;

    /// Checks again what may have changed, acts and replies.
    fn finish<'c>(
        call: &Call<'c>,
        realms: &Arc<Realms>,
        args: Self::Args<'c>,
        outcome: Self::Outcome,
    ) -> Result<(), Error>;

    /// Redacts more, last of all: a client that waits keeps a copy of its arguments, and Valkey redacts them in place.
    fn redact(_: &Call<'_>) {}
}

impl<C: SignatureCommand> Command for C {
    type Error = Error;
    const SPEC: Spec = <C as SignatureCommand>::SPEC;

    #[inline]
    fn run(call: &Call<'_>) -> Result<(), Error> {
        let outcome = run::<C>(call);
        C::redact(call);
        outcome
    }
}

/// What is left to compute.
#[derive(Debug)]
pub(in crate::commands) enum Prepared<J> {
    /// Nothing that takes long.
    Inline(J),
    /// A slow signature.
    Slow(Lane, J),
    /// Nothing: the command has replied.
    Replied,
}

/// Runs a command, with its client waiting if it computes a slow signature.
#[inline]
fn run<C: SignatureCommand>(call: &Call<'_>) -> Result<(), Error> {
    let realms = state::realms()?;
    let args = C::read(call)?;
    let (lane, job) = match C::prepare(call, &realms, &args)? {
        Prepared::Slow(lane, job) if call.may_wait() => (lane, job),
        Prepared::Slow(_, job) | Prepared::Inline(job) => {
            let outcome = C::compute(&realms, job);
            return C::finish(call, &realms, args, outcome);
        }
        Prepared::Replied => return Ok(()),
    };
    let work = move || {
        let outcome = C::compute(&realms, job);
        Box::new(move |call: &Call<'_>| {
            if state::is_active(&realms) {
                return Ok(C::finish(call, &realms, C::read(call)?, outcome)?);
            }
            // A key that is no longer active must not have verified or signed anything: all is done again, at once.
            Ok(run::<C>(call)?)
        }) as Continuation
    };
    let mut pool = threads::pool();
    let blocked = if pool.has_room(lane) {
        call.block_and_run(C::IN_SLICES, work, |job| pool.submit(lane, job)).map_err(Error::from)
    } else {
        Err(Error::Busy)
    };
    blocked.inspect_err(|_| COUNTERS.count_busy(lane))
}

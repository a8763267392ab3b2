//! Computes slow signatures of commands on another thread while the client is blocked.

use std::{sync::Arc, time::Instant};

use crate::{
    error::Error,
    metrics::COUNTERS,
    realm::Realms,
    redis::{Call, Command, Continuation, Spec, add_latency_sample},
    state,
    threads::{self, Lane},
};

/// A command that may compute a slow signature. It reads its arguments, then runs three steps: `prepare`, `compute` and
/// `finish`. [`run`] handles the wait of the client and a change of the active keys meanwhile; the steps need not know.
pub(in crate::commands) trait SignatureCommand {
    /// See [`Command::SPEC`].
    const SPEC: Spec;
    /// The arguments, as [`read`](Self::read) finds them.
    type Args<'c>;
    /// The input of `compute`.
    type Job: Send + 'static;
    /// The result of `compute`.
    type Outcome: Send + 'static;
    /// Whether `finish` may use [`Call::in_slices`].
    const IN_SLICES: bool = false;

    /// Reads the arguments, and redacts the tokens among them. Runs again after a wait.
    fn read<'c>(call: &Call<'c>) -> Result<Self::Args<'c>, Error>;

    /// Checks the arguments and looks the token up in the cache. Verifies and caches a token with a fast signature
    /// (HMAC).
    fn prepare(call: &Call<'_>, realms: &Arc<Realms>, args: &Self::Args<'_>) -> Result<Prepared<Self::Job>, Error>;

    /// Computes the signature, on any thread.
    fn compute(realms: &Arc<Realms>, job: Self::Job) -> Self::Outcome;

    /// Repeats the checks whose result may have changed during a wait, acts and replies. On an error it has changed
    /// nothing and not replied.
    fn finish<'c>(
        call: &Call<'c>,
        realms: &Arc<Realms>,
        args: Self::Args<'c>,
        outcome: Self::Outcome,
    ) -> Result<(), Error>;

    /// Redacts more arguments. Runs last: blocking a client copies its arguments, and Valkey redacts them in place.
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

/// The result of [`SignatureCommand::prepare`].
#[derive(Debug)]
pub(in crate::commands) enum Prepared<J> {
    /// The job is fast enough for the server's thread.
    Inline(J),
    /// The job computes a slow signature, in this queue if the client can be blocked.
    Slow(Lane, J),
    /// There is no job: the command has replied.
    Replied,
}

/// Runs a command. Blocks the client if the command computes a slow signature.
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
    // The name of the event in the reply of `LATENCY LATEST`.
    let event = if lane == Lane::Sign { c"jrs-sign" } else { c"jrs-verify" };
    let queued = Instant::now();
    let work = move || {
        let outcome = C::compute(&realms, job);
        let time = queued.elapsed();
        if let Some(queue) = COUNTERS.of_queue(lane) {
            queue.count_done(time);
        }
        Box::new(move |call: &Call<'_>| {
            add_latency_sample(event, time);
            if state::is_active(&realms) {
                return Ok(C::finish(call, &realms, C::read(call)?, outcome)?);
            }
            // A result of keys that are no longer active must not be used. Run the whole command again; the client is
            // not blocked twice.
            Ok(run::<C>(call)?)
        }) as Continuation
    };
    let mut pool = threads::pool();
    let blocked = if pool.has_room(lane) {
        call.block_and_run(C::IN_SLICES, work, |job| pool.submit(lane, job)).map_err(Error::from)
    } else {
        Err(Error::Busy)
    };
    blocked.inspect_err(|_| {
        if let Some(queue) = COUNTERS.of_queue(lane) {
            queue.busy.count();
        }
    })
}

//! `JRS.DESTROYALL owner [EXCEPT token] [REALM name]`

use std::sync::{
    Arc,
    mpsc::{Receiver, TryRecvError, channel},
};

use super::{
    listed::Listed,
    options::{Options, REALM, once},
    presented::{Validity, Verdict, accept},
};
use crate::{
    counters::COUNTERS,
    error::Error,
    owners::{Ending, Walk},
    realm::{First, Realms, Ticket},
    redis::{Access, Arg, Args, Argument, Call, Command, Ctx, Job, Kind, Progress, Routing, Spec},
    session::OwnedId,
    state,
    stored::{Reason, count_end},
    threads::{self, Lane},
    token::{Refusal, could_be_token},
};

/// Ends all sessions of an owner: "log out everywhere".
#[derive(Debug)]
pub(super) struct DestroyAll;

impl Command for DestroyAll {
    const SPEC: Spec = Spec {
        name: c"JRS.DESTROYALL",
        flags: c"write",
        categories: c"write slow jrs",
        arity: -2,
        routing: Routing::ByFirstArgument { writes: true },
        summary: c"Ends all sessions of an owner, or all but that of a token.",
        complexity: c"O(N) with N being the number of the owner's sessions",
        since: c"0.1.0",
        tips: None,
        arguments: &[Argument::string(c"owner"), Argument::after(c"EXCEPT", c"token", Kind::String).optional(), REALM],
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let owner = call.args().get(0).ok_or(Error::WrongArity)?;
        let wanted = Wanted::read(call.args().skip(1));
        hide_tokens(call);
        let wanted = wanted?;
        let listed = Listed::find(call, owner, wanted.realm, Access::Delete)?;
        let except = match wanted.except {
            Some(token) => Except::begin(call, &listed, token.bytes())?,
            None => Except::Found(None),
        };
        call.in_steps(EndAll { listed, except, may_pause: call.may_wait(), under_way: None, ended: 0 })
    }
}

/// The options of the command.
#[derive(Debug, Default)]
struct Wanted<'c> {
    /// The token of the session that is to stay.
    except: Option<Arg<'c>>,
    realm: Option<Arg<'c>>,
}

impl<'c> Wanted<'c> {
    fn read(arguments: Args<'c>) -> Result<Self, Error> {
        let mut wanted = Self::default();
        let mut options = Options::new(arguments);
        while let Some(word) = options.word() {
            match word.as_slice() {
                b"EXCEPT" => once(&mut wanted.except, options.value()?)?,
                b"REALM" => once(&mut wanted.realm, options.value()?)?,
                _ => return Err(Error::Syntax),
            }
        }
        Ok(wanted)
    }
}

/// Keeps whatever may be a token out of SLOWLOG and MONITOR, also where it is misplaced or mangled.
fn hide_tokens(call: &Call<'_>) {
    let mut follows_except = false;
    for position in 1..call.args().len() {
        let argument = call.args().get(position).map(Arg::bytes).unwrap_or_default();
        if follows_except || could_be_token(argument) {
            call.redact(position);
        }
        follows_except = argument.eq_ignore_ascii_case(b"EXCEPT");
    }
}

/// The session that is to stay.
enum Except {
    /// Its UUID, if there is one.
    Found(Option<Vec<u8>>),
    /// The token is being verified on another thread.
    Awaited { realms: Arc<Realms>, token: Vec<u8>, verdict: Receiver<Verdict> },
}

impl Except {
    fn begin(call: &Call<'_>, listed: &Listed, token: &[u8]) -> Result<Self, Error> {
        let realms = state::realms()?;
        let verdict = match realms.look_up(token) {
            Ok(First::Slow) if call.may_wait() => return Self::send_away(realms, token.to_vec()),
            first => first.and_then(|first| first.ticket_or(|| realms.verify(token))),
        };
        Self::judge(call.ctx, listed, verdict)
    }

    fn send_away(realms: Arc<Realms>, token: Vec<u8>) -> Result<Self, Error> {
        let mut workers = threads::pool();
        if !workers.has_room(Lane::Verify) {
            COUNTERS.count_busy(Lane::Verify);
            return Err(Error::Busy);
        }
        let (answer, verdict) = channel();
        let work = (Arc::clone(&realms), token.clone());
        workers.submit(
            Lane::Verify,
            Box::new(move || {
                // Nobody may be listening any more, which is no loss.
                let _ = answer.send(work.0.check(&work.1));
            }),
        );
        Ok(Self::Awaited { realms, token, verdict })
    }

    fn judge(ctx: Ctx<'_>, listed: &Listed, verdict: Verdict) -> Result<Self, Error> {
        let verdict =
            verdict.and_then(|ticket| if is_of(&ticket, listed) { Ok(ticket) } else { Err(Refusal::WrongOwner) });
        let ticket = accept(verdict, Validity::Now, ctx.now())?;
        Ok(Self::Found(OwnedId::read(&ticket.claims.id).map(|id| id.uuid.as_bytes().to_vec())))
    }
}

/// Whether a token is of this owner and realm.
fn is_of(ticket: &Ticket, listed: &Listed) -> bool {
    ticket.realm.name == listed.realm.name && ticket.claims.subject.as_deref() == Some(listed.owner.as_str())
}

/// Sessions that are being ended.
struct EndAll {
    listed: Listed,
    except: Except,
    may_pause: bool,
    under_way: Option<(Walk, Arc<Ending>)>,
    ended: i64,
}

/// How many sessions are ended at a time.
const PIECE: usize = 64;

impl Job for EndAll {
    const WRITES: bool = true;

    fn work(&mut self, ctx: Ctx<'_>, caller: Ctx<'_>) -> Result<Progress, Error> {
        let Some((walk, ending)) = &mut self.under_way else { return self.begin(ctx, caller) };
        let Some(found) = walk.next(ctx, PIECE)? else {
            self.listed
                .check_slot(ctx, "the owner's slot is on the move: sessions may be left, send the command again")?;
            return Ok(Progress::Done);
        };
        let mut gone = Vec::new();
        for found in found.into_iter().filter(|found| ending.dooms(found.uuid.bytes())) {
            if ctx.glance(&found.key).is_some() {
                ctx.delete(&found.key)?;
                count_end(ctx, &found.key, Reason::Destroyed);
                self.ended += 1;
            }
            gone.push(found.uuid);
        }
        walk.forget(ctx, &gone)?;
        Ok(Progress::More)
    }

    fn reply(&mut self, _: Option<Ctx<'_>>, out: Ctx<'_>) -> Progress {
        out.reply_integer(self.ended);
        Progress::Done
    }
}

impl EndAll {
    /// Begins with the sessions that there are at this moment.
    fn begin(&mut self, ctx: Ctx<'_>, caller: Ctx<'_>) -> Result<Progress, Error> {
        if let Except::Awaited { realms, token, verdict } = &self.except {
            let verdict = match verdict.try_recv() {
                Ok(verdict) => verdict,
                Err(TryRecvError::Empty) => return Ok(Progress::Waits),
                Err(TryRecvError::Disconnected) => return Err(Error::Busy),
            };
            // A key may have been taken out of force meanwhile.
            let verdict = if state::is_in_force(realms) {
                verdict.inspect(|ticket| realms.remember(token, ticket))
            } else {
                state::realms()?.verify(token)
            };
            self.except = Except::judge(ctx, &self.listed, verdict)?;
            // And so may a permission.
            self.listed.check_access(caller, Access::Delete)?;
        }
        let except = if let Except::Found(uuid) = &mut self.except { uuid.take() } else { None };
        let walk = self.listed.walk(ctx, self.may_pause)?;
        self.under_way = Some((walk, Ending::begin(ctx.database(), self.listed.prefix(), except)));
        Ok(Progress::More)
    }
}

impl Drop for EndAll {
    fn drop(&mut self) {
        if let Some((_, ending)) = &self.under_way {
            ending.finish();
        }
    }
}

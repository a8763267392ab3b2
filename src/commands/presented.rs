//! `[key] token`: how all commands on an existing session begin.

use std::sync::Arc;

use crate::{
    counters::COUNTERS,
    error::Error,
    realm::{First, Realm, Realms, Ticket},
    redis::{Access, Arg, Args, Call, Entry, Intent, Resume, Text},
    session::{Lifetime, Millis},
    state,
    stored::Stored,
    threads::{self, Lane},
    token::{Refusal, begins_like_token, holds_token},
};

/// Whether a token has to be valid at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Validity {
    /// `exp`, `nbf` and the session's age are checked.
    Now,
    /// They are not: a logout works with a token that has expired.
    Ever,
}

/// Where the token stands among a command's arguments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'c> {
    /// The key in front of the token.
    pub(super) key: Option<Arg<'c>>,
    pub(super) token: Arg<'c>,
    /// What follows the token.
    pub(super) rest: Args<'c>,
}

impl<'c> Place<'c> {
    /// Finds the token and keeps it out of SLOWLOG and MONITOR. `after` is how many arguments must follow it.
    ///
    /// Argument 1 is the token if it begins with `ey` or `ew`, as the base64url of every JSON header does, or if there are too
    /// few arguments for a key; also if it holds a token and argument 2 does not begin as one. A cluster node needs the key,
    /// which the command was routed by.
    pub(super) fn find(call: &Call<'c>, after: usize) -> Result<Self, Error> {
        let arguments = call.args();
        let first = arguments.get(0).ok_or(Error::WrongArity)?;
        let second = arguments.get(1);
        let begins = |arg: Arg<'_>| begins_like_token(arg.bytes());
        let is_mangled_token = || !second.is_some_and(begins) && holds_token(first.bytes());
        if arguments.len() <= 1 + after || begins(first) || is_mangled_token() {
            call.redact(0);
            if call.ctx.is_cluster_node() {
                return Err(Error::Cluster(
                    "a cluster node needs the session's key in front of the token: the keyspace and the token's 'jti', \
                     such as sess:{owner}:uuid",
                ));
            }
            return Ok(Self { key: None, token: first, rest: arguments.skip(1) });
        }
        let token = second.ok_or(Error::WrongArity)?;
        call.redact(1);
        Ok(Self { key: Some(first), token, rest: arguments.skip(2) })
    }
}

/// What becomes of a token: it is verified, or refused.
pub(super) type Verdict = Result<Arc<Ticket>, Refusal>;

/// Checks a verified token against the key that stands in front of it.
pub(super) fn check_key(verdict: Verdict, key: Option<&[u8]>) -> Verdict {
    let ticket = verdict?;
    match key {
        None => Ok(ticket),
        Some(key) if key == ticket.key => Ok(ticket),
        // The header `Authorization`, taken apart at its space.
        Some(key) if key.eq_ignore_ascii_case(b"Bearer") => Err(Refusal::SCHEME),
        Some(_) => Err(Refusal::WrongSession),
    }
}

/// Verifies a token, with its client waiting if that takes long, and hands the verdict to `then`.
///
/// `then` may run in a later call from the server, with the same arguments and another time.
#[inline]
pub(super) fn verify<T>(call: &Call<'_>, place: Place<'_>, after: usize, then: T) -> Result<(), Error>
where
    T: Fn(&Call<'_>, Place<'_>, Verdict) -> Result<(), Error> + Send + 'static,
{
    verify_and_make(call, place, after, |_, _, _| Ok(Next::Inline), |_, verdict| verdict, then)
}

/// Where the rest of a command runs once its token is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Here and now.
    Inline,
    /// With a slow signature.
    Sign,
    /// Not at all: it has replied.
    Replied,
}

/// As [`verify`], with something made of the verdict on the way, where signatures are computed: `make` does it, and `next`
/// says of a known token whether that takes long.
#[inline]
pub(super) fn verify_and_make<R, M, T>(
    call: &Call<'_>,
    place: Place<'_>,
    after: usize,
    next: fn(&Call<'_>, Place<'_>, &Arc<Ticket>) -> Result<Next, Error>,
    make: M,
    then: T,
) -> Result<(), Error>
where
    R: Send + 'static,
    M: Fn(&Arc<Realms>, Verdict) -> R + Send + 'static,
    T: Fn(&Call<'_>, Place<'_>, R) -> Result<(), Error> + Send + 'static,
{
    let realms = state::realms()?;
    let (token, key) = (place.token.bytes(), place.key.map(Arg::bytes));
    let first = match realms.look_up(token) {
        // So that no forgery gets among what is to be signed.
        Ok(First::Quick) => realms.verify(token).map(First::Known),
        first => first,
    };
    let lane = match &first {
        Ok(First::Slow) if call.may_wait() => Some(Lane::Verify),
        Ok(First::Known(ticket)) => match next(call, place, ticket)? {
            Next::Sign if call.may_wait() => Some(Lane::Sign),
            Next::Inline | Next::Sign => None,
            Next::Replied => return Ok(()),
        },
        _ => None,
    };
    let Some(lane) = lane else {
        let verdict = first.and_then(|first| first.ticket_or(|| realms.verify(token)));
        let made = make(&realms, check_key(verdict, key));
        return then(call, place, made);
    };
    let (token, key) = (token.to_vec(), key.map(<[u8]>::to_vec));
    let is_new = lane == Lane::Verify;
    let work = move || {
        let verdict = first.and_then(|first| first.ticket_or(|| realms.check(&token)));
        let good = verdict.as_ref().ok().filter(|_| is_new).cloned();
        let made = make(&realms, check_key(verdict, key.as_deref()));
        let resume = move |call: &Call<'_>| {
            let place = Place::find(call, after)?;
            // A key may have been taken out of force meanwhile: from that moment on its tokens are refused, and it signs
            // no more.
            if state::is_in_force(&realms) {
                if let Some(ticket) = &good {
                    realms.remember(&token, ticket);
                }
                return then(call, place, made);
            }
            let realms = state::realms()?;
            then(call, place, make(&realms, check_key(realms.verify(&token), key.as_deref())))
        };
        Box::new(resume) as Resume
    };
    call.offload(&mut threads::pool(), lane, work).inspect_err(|_| COUNTERS.count_busy(lane))
}

/// A token that was presented, verified, and allowed to the calling user.
#[derive(Debug)]
pub(super) struct Presented<'c> {
    call: Call<'c>,
    pub(super) ticket: Arc<Ticket>,
    /// The session's key.
    pub(super) key: Text,
    /// The moment that all of the command's times go by.
    pub(super) now: Millis,
    /// What follows the token.
    pub(super) rest: Args<'c>,
}

/// What a command demands before it acts on a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demands {
    /// How many arguments must follow the token.
    pub(super) after: usize,
    /// What the calling user must be allowed to do with the session's key.
    pub(super) access: Access,
    /// When the token has to be valid.
    pub(super) validity: Validity,
    /// What the command is about to do with the session's key.
    pub(super) intent: Intent,
}

/// What a command does with a session.
pub(super) type Act = fn(&Call<'_>, &Presented<'_>) -> Result<(), Error>;

/// Reads `[key] token`, verifies the token, checks the user's permission on the session's key, and then acts.
#[inline]
pub(super) fn with(call: &Call<'_>, demands: Demands, act: Act) -> Result<(), Error> {
    let place = Place::find(call, demands.after)?;
    verify(call, place, demands.after, move |call, place, verdict| {
        let presented = Presented::admit(call, place, demands, verdict)?;
        act(call, &presented)
    })
}

/// Checks a verdict against the clock; a refusal is counted.
pub(super) fn accept(verdict: Verdict, validity: Validity, now: Millis) -> Result<Arc<Ticket>, Error> {
    let accepted = verdict.and_then(|ticket| {
        if validity == Validity::Now {
            ticket.check_time(now)?;
        }
        Ok(ticket)
    });
    match accepted {
        Ok(ticket) => Ok(ticket),
        Err(refusal) if state::realms()?.lack_keys_for(refusal) => Err(Error::WITHOUT_KEYS),
        Err(refusal) => {
            COUNTERS.count_refusal(refusal);
            Err(refusal.into())
        }
    }
}

impl<'c> Presented<'c> {
    pub(super) fn admit(call: &Call<'c>, place: Place<'c>, demands: Demands, verdict: Verdict) -> Result<Self, Error> {
        let now = call.ctx.now();
        let ticket = accept(verdict, demands.validity, now)?;
        let key = place.key.map_or_else(|| Text::new(&ticket.key), Arg::to_text);
        call.ctx.check_access(&key, demands.access)?;
        call.recheck(&key, demands.intent)?;
        Ok(Self { call: *call, ticket, key, now, rest: place.rest })
    }

    /// The token's realm.
    pub(super) fn realm(&self) -> &Realm {
        &self.ticket.realm
    }

    /// The session's key, open for reading; `None` if there is no such session.
    #[inline]
    pub(super) fn open(&self) -> Result<Option<Entry<'c>>, Error> {
        self.call.ctx.open(&self.key)
    }

    /// The session as the server stores it.
    pub(super) fn stored(&self) -> Stored<'_> {
        Stored { ctx: self.call.ctx, realm: &self.ticket.realm, id: &self.ticket.claims.id, key: &self.key }
    }

    /// How long the session lives.
    #[inline]
    pub(super) fn lifetime(&self) -> Lifetime {
        self.ticket.lifetime(self.now)
    }

    /// The owner: the token's `sub`, "" where it has none.
    pub(super) fn owner(&self) -> &str {
        self.ticket.claims.subject.as_deref().unwrap_or_default()
    }

    /// Errs if anything follows the token.
    pub(super) fn nothing_follows(&self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(Error::Syntax) }
    }
}

/// The seconds from `now` until `expiry`, rounded up.
pub(super) fn seconds_until(expiry: Millis, now: Millis) -> i64 {
    expiry.saturating_sub(now).max(0).saturating_add(999) / 1000
}

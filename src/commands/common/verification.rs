//! Verifies the token of a command.

use std::sync::Arc;

use super::signature_command::Prepared;
use crate::{
    error::Error,
    metrics::COUNTERS,
    realm::{Lookup, Realm, Realms, VerifiedToken},
    redis::ArgRef,
    session::UnixMillis,
    state,
    threads::Lane,
    token::TokenError,
};

/// A verified token, or the reason why it is refused. Boxed, so that the result of a good token is small.
pub(in crate::commands) type VerifyResult = Result<Arc<VerifiedToken>, Box<RefusedToken>>;

/// Why a token is refused.
#[derive(Debug)]
pub(in crate::commands) struct RefusedToken {
    pub(in crate::commands) error: TokenError,
    /// The realm that refuses it, if it names one.
    realm: Option<Arc<Realm>>,
}

impl RefusedToken {
    #[cold]
    pub(in crate::commands) fn new(error: TokenError, realm: Option<&Arc<Realm>>) -> Box<Self> {
        Box::new(Self { error, realm: realm.map(Arc::clone) })
    }
}

/// Whether the times of a token are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum TimeCheck {
    /// Checks `exp`, `nbf` and the session's age.
    Enforce,
    /// Accepts a token at any time: a logout works with an expired token.
    Skip,
}

/// The verification of a token before its slow signature, if any, is computed.
#[derive(Debug)]
pub(in crate::commands) enum Verification {
    /// The result is known without a slow signature.
    Done(VerifyResult),
    /// A slow signature must be computed. The token, and the key in front of it.
    Slow(Vec<u8>, Option<Vec<u8>>),
}

/// A completed verification.
#[derive(Debug)]
pub(in crate::commands) struct VerificationOutcome {
    /// The result, with the key in front of the token checked.
    pub(in crate::commands) result: VerifyResult,
    /// A verified token that is not cached yet, with its bytes: the argument may be redacted by now.
    new: Option<(Vec<u8>, Arc<VerifiedToken>)>,
}

impl Verification {
    /// Looks the token up in the cache, and verifies it at once if that is fast. `key` is the argument in front of the
    /// token. Counts cache hits and misses.
    #[inline]
    pub(in crate::commands) fn begin(realms: &Realms, token: ArgRef<'_>, key: Option<ArgRef<'_>>) -> Self {
        let (token, key) = (token.bytes(), key.map(ArgRef::bytes));
        let found = realms.look_up(token);
        match found {
            Ok(Lookup::Cached(_)) => COUNTERS.cache_hits.count(),
            Err(TokenError::TooLong) => {}
            _ => COUNTERS.cache_misses.count(),
        }
        let result = match found {
            Ok(Lookup::Cached(verified)) => Ok(verified),
            Ok(Lookup::VerifyInline) => realms.verify(token),
            Ok(Lookup::VerifyOffThread) => return Self::Slow(token.to_vec(), key.map(<[u8]>::to_vec)),
            Err(error) => Err(error),
        };
        let result = result.map_err(|error| RefusedToken::new(error, realms.of_refused(token, error)));
        Self::Done(check_key(result, key))
    }

    /// The job that is left. `job` turns this verification into the job of the command.
    #[inline]
    pub(in crate::commands) fn prepared<J>(self, job: impl FnOnce(Self) -> J) -> Prepared<J> {
        match &self {
            Self::Done(_) => Prepared::Inline(job(self)),
            Self::Slow(..) => Prepared::Slow(Lane::Verify, job(self)),
        }
    }

    /// Computes the slow signature, if any. Runs on any thread.
    #[inline]
    pub(in crate::commands) fn compute(self, realms: &Realms) -> VerificationOutcome {
        match self {
            Self::Done(result) => VerificationOutcome { result, new: None },
            Self::Slow(token, key) => {
                let result = realms.verify_uncached(&token);
                let result = result.map_err(|error| RefusedToken::new(error, realms.of_refused(&token, error)));
                let new = result.as_ref().ok().map(|verified| (token, Arc::clone(verified)));
                VerificationOutcome { result: check_key(result, key.as_deref()), new }
            }
        }
    }
}

impl VerificationOutcome {
    /// The result. Adds a newly verified token to the cache, so call it on the server's thread.
    #[inline]
    pub(in crate::commands) fn cached(self, realms: &Realms) -> VerifyResult {
        if let Some((token, verified)) = &self.new {
            realms.cache(token, verified);
        }
        self.result
    }
}

/// Checks that the key in front of a verified token, if any, is the key of its session.
fn check_key(result: VerifyResult, key: Option<&[u8]>) -> VerifyResult {
    let verified = result?;
    let error = match key {
        None => return Ok(verified),
        Some(key) if key == verified.key.name() => return Ok(verified),
        // The caller split the value of the `Authorization` header at its space.
        Some(key) if key.eq_ignore_ascii_case(b"Bearer") => TokenError::SCHEME,
        Some(_) => TokenError::WrongSession,
    };
    Err(RefusedToken::new(error, Some(&verified.key.realm)))
}

/// Checks the times of a verified token, if `time` requires it. Counts a refused token.
pub(in crate::commands) fn require_valid(
    result: VerifyResult,
    time: TimeCheck,
    now: UnixMillis,
) -> Result<Arc<VerifiedToken>, Error> {
    let accepted = result.and_then(|verified| match time {
        TimeCheck::Enforce => match verified.check_time(now) {
            Ok(()) => Ok(verified),
            Err(error) => Err(RefusedToken::new(error, Some(&verified.key.realm))),
        },
        TimeCheck::Skip => Ok(verified),
    });
    let RefusedToken { error, realm } = match accepted {
        Ok(verified) => return Ok(verified),
        Err(refused) => *refused,
    };
    if state::realms()?.lack_keys_for(error) {
        return Err(state::without_keys());
    }
    COUNTERS.count_refused_token(error, realm.as_ref().map(|realm| &*realm.counters));
    Err(error.into())
}

//! Verifies the token of a command.

use std::sync::Arc;

use super::signature_command::Prepared;
use crate::{
    error::Error,
    metrics::COUNTERS,
    realm::{Lookup, Realms, VerifiedToken},
    redis::ArgRef,
    session::UnixMillis,
    state,
    threads::Lane,
    token::TokenError,
};

/// A verified token, or the reason why it is refused.
pub(in crate::commands) type VerifyResult = Result<Arc<VerifiedToken>, TokenError>;

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
    match key {
        None => Ok(verified),
        Some(key) if key == verified.key.name() => Ok(verified),
        // The caller split the value of the `Authorization` header at its space.
        Some(key) if key.eq_ignore_ascii_case(b"Bearer") => Err(TokenError::SCHEME),
        Some(_) => Err(TokenError::WrongSession),
    }
}

/// Checks the times of a verified token, if `time` requires it. Counts a refused token.
pub(in crate::commands) fn require_valid(
    result: VerifyResult,
    time: TimeCheck,
    now: UnixMillis,
) -> Result<Arc<VerifiedToken>, Error> {
    let accepted = result.and_then(|verified| {
        if time == TimeCheck::Enforce {
            verified.check_time(now)?;
        }
        Ok(verified)
    });
    match accepted {
        Ok(verified) => Ok(verified),
        Err(error) if state::realms()?.lack_keys_for(error) => Err(state::without_keys()),
        Err(error) => {
            COUNTERS.count_refused_token(error);
            Err(error.into())
        }
    }
}

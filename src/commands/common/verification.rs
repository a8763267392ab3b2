//! Verifying the token of a command.

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

/// What verification makes of a token.
pub(in crate::commands) type VerifyResult = Result<Arc<VerifiedToken>, TokenError>;

/// When a token must be valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum TimeCheck {
    /// `exp`, `nbf` and the session's age are checked.
    Enforce,
    /// They are not: a logout works with a token that has expired.
    Skip,
}

#[derive(Debug)]
pub(in crate::commands) enum Verification {
    Done(VerifyResult),
    /// It has to be verified, which takes long. The token, and the key in front of it.
    Slow(Vec<u8>, Option<Vec<u8>>),
}

#[derive(Debug)]
pub(in crate::commands) struct Verified {
    pub(in crate::commands) result: VerifyResult,
    /// What the cache does not have yet, with the bytes that were verified: the argument may be redacted by now.
    new: Option<(Vec<u8>, Arc<VerifiedToken>)>,
}

impl Verification {
    /// Looks into the cache, and verifies what takes no time. `key` is what stands in front of the token.
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
            Err(refusal) => Err(refusal),
        };
        Self::Done(check_key(result, key))
    }

    /// What is left to compute; `job` makes the command's job of this.
    #[inline]
    pub(in crate::commands) fn prepared<J>(self, job: impl FnOnce(Self) -> J) -> Prepared<J> {
        match &self {
            Self::Done(_) => Prepared::Inline(job(self)),
            Self::Slow(..) => Prepared::Slow(Lane::Verify, job(self)),
        }
    }

    #[inline]
    pub(in crate::commands) fn compute(self, realms: &Realms) -> Verified {
        match self {
            Self::Done(result) => Verified { result, new: None },
            Self::Slow(token, key) => {
                let result = realms.verify_uncached(&token);
                let new = result.as_ref().ok().map(|verified| (token, Arc::clone(verified)));
                Verified { result: check_key(result, key.as_deref()), new }
            }
        }
    }
}

impl Verified {
    /// The result. What is new goes into the cache.
    #[inline]
    pub(in crate::commands) fn cached(self, realms: &Realms) -> VerifyResult {
        if let Some((token, verified)) = &self.new {
            realms.cache(token, verified);
        }
        self.result
    }
}

/// Checks a verified token against the key in front of it.
fn check_key(result: VerifyResult, key: Option<&[u8]>) -> VerifyResult {
    let verified = result?;
    match key {
        None => Ok(verified),
        Some(key) if key == verified.key.name() => Ok(verified),
        // The header `Authorization`, taken apart at its space.
        Some(key) if key.eq_ignore_ascii_case(b"Bearer") => Err(TokenError::SCHEME),
        Some(_) => Err(TokenError::WrongSession),
    }
}

/// Checks a verified token against the clock; a refusal is counted.
pub(in crate::commands) fn accept(
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
        Err(refusal) if state::realms()?.lack_keys_for(refusal) => Err(Error::WITHOUT_KEYS),
        Err(refusal) => {
            COUNTERS.count_refused_token(refusal);
            Err(refusal.into())
        }
    }
}

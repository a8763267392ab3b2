//! The tombstone of a chain of rotations: which token of the chain is current, and which older ones still work.
//!
//! A chain has one tombstone, so that the number of tombstones is bounded. It has the name of the chain's first session
//! and [`TOMBSTONE_SUFFIX`].

use serde::{Deserialize, Serialize};

use super::UnixMillis;

/// The end of a tombstone's name. No session id may end so.
pub const TOMBSTONE_SUFFIX: &str = ":rotated";

/// How many older tokens of one chain can be in grace at the same time.
pub const MOST_IN_GRACE: usize = 32;

/// A chain of rotations. Sessions are known by the ends of their ids, see
/// [`SessionId::name_in_chain`](super::SessionId::name_in_chain).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotationChain {
    /// The current session.
    current: String,
    /// The payload of the current session's token, as JSON text. Empty after the end of the chain.
    payload: String,
    /// The tokens that were rotated with a grace, each with its end in milliseconds since the epoch.
    grace: Vec<(String, i64)>,
    /// Whether the reuse of an older token ended the chain.
    ended: bool,
}

/// The place of a token in its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainPlace {
    /// The token is the current one.
    Current,
    /// The token was rotated, and acts on the current session until its grace ends.
    InGrace,
    /// The token was rotated, and its grace is over.
    Retired,
    /// The reuse of a token has ended the chain.
    Ended,
}

impl RotationChain {
    /// The chain after a rotation of the session `old` to `new`. `payload` is that of the new token, `end` the end of
    /// the old token's grace. Without an `end`, all tokens that are still in grace lose it. `None` if too many tokens
    /// would be in grace.
    pub fn rotated(
        former: Option<Self>,
        (old, new): (&str, &str),
        payload: String,
        now: UnixMillis,
        end: Option<UnixMillis>,
    ) -> Option<Self> {
        let mut grace = Vec::new();
        if let Some(end) = end {
            // A tombstone of another session is old: it was restored from a backup.
            grace = former.filter(|former| former.current == old).map_or_else(Vec::new, |former| former.grace);
            grace.retain(|(_, end)| *end > now.as_i64());
            grace.push((old.to_owned(), end.as_i64()));
        }
        (grace.len() <= MOST_IN_GRACE).then(|| Self { current: new.to_owned(), payload, grace, ended: false })
    }

    /// The place of the token of a session.
    pub fn place(&self, session: &str, now: UnixMillis) -> ChainPlace {
        let is_in_grace = |(name, end): &(String, i64)| name == session && *end > now.as_i64();
        if self.ended {
            ChainPlace::Ended
        } else if self.current == session {
            ChainPlace::Current
        } else if self.grace.iter().any(is_in_grace) {
            ChainPlace::InGrace
        } else {
            ChainPlace::Retired
        }
    }

    /// The payload of the current session's token, as JSON text.
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// When the tombstone expires: at `detection_end`, but not before the last grace ends.
    pub fn ends_with(&self, detection_end: UnixMillis) -> UnixMillis {
        self.grace.iter().fold(detection_end, |last, (_, end)| last.max(UnixMillis::new(*end)))
    }

    /// The chain after the reuse of a token has ended it.
    pub fn into_ended(self) -> Self {
        Self { payload: String::new(), grace: Vec::new(), ended: true, ..self }
    }

    /// Reads the JSON text of [`to_json`](Self::to_json). `None` for any other text.
    pub fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// The chain as JSON text.
    pub fn to_json(&self) -> String {
        // Writing strings and numbers to a string never fails.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
#[path = "rotation_chain_tests.rs"]
mod tests;

//! One key, prepared once and pinned to one algorithm (RFC 8725 section 3.1).

use std::fmt;

use ring::hmac;

use super::{
    Algorithm, Header, Refusal,
    jws::{Parts, decode_signature, encode_onto},
};

/// Room for the longest signature of any supported algorithm (64 bytes), in whole base64 groups.
const LONGEST_SIGNATURE: usize = 66;

/// A key in its prepared form: nothing of it is parsed or derived again when it signs or verifies.
pub struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    signs: bool,
    hmac: hmac::Key,
    /// The header of every token that this key signs, in base64url.
    header: String,
}

/// Never shows key material.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("signs", &self.signs)
            .field("material", &"[redacted]")
            .finish_non_exhaustive()
    }
}

impl Key {
    /// Prepares a secret. `signs` says whether it may sign as well as verify.
    pub(super) fn from_secret(id: Option<String>, algorithm: Algorithm, signs: bool, secret: &[u8]) -> Self {
        let mut header = String::new();
        encode_onto(&mut header, Header::write(algorithm.name(), id.as_deref()).as_bytes());
        Self { id, algorithm, signs, hmac: hmac::Key::new(algorithm.hmac(), secret), header }
    }

    /// The key's `kid`, if it has one.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The one algorithm that this key is used with.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether this key may sign.
    pub const fn signs(&self) -> bool {
        self.signs
    }

    /// True if `header`, in base64url, is just what this key writes: then there is nothing to parse in it.
    pub(super) fn wrote(&self, header: &[u8]) -> bool {
        self.header.as_bytes() == header
    }

    /// Signs a payload: a compact JWS (RFC 7515 section 5.1).
    pub fn sign(&self, payload: &str) -> String {
        let mut token = String::with_capacity(self.header.len() + payload.len() * 4 / 3 + LONGEST_SIGNATURE * 2);
        token.push_str(&self.header);
        token.push('.');
        encode_onto(&mut token, payload.as_bytes());
        let tag = hmac::sign(&self.hmac, token.as_bytes());
        token.push('.');
        encode_onto(&mut token, tag.as_ref());
        token
    }

    /// Checks a token's signature in constant time. Errs with [`Refusal::Signature`] or, for a signature that is no
    /// base64url, [`Refusal::Malformed`].
    pub(super) fn check(&self, parts: &Parts<'_>) -> Result<(), Refusal> {
        let mut signature = [0; LONGEST_SIGNATURE];
        let length = decode_signature(parts.signature, &mut signature)?;
        let signature = signature.get(..length).ok_or(Refusal::Signature)?;
        hmac::verify(&self.hmac, parts.signed, signature).map_err(|_| Refusal::Signature)
    }
}

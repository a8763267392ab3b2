//! The keys in force, and verification with them (RFC 7515 section 5.2).

use std::borrow::Cow;

use super::{
    Claims, Expected, Header, Key, Refusal,
    jws::{Parts, decode_part},
};

/// The keys of a realm: the first that can sign signs, all of them verify.
#[derive(Debug, Default)]
pub struct KeyRing(Vec<Key>);

/// A token whose signature and claims hold. Time has not been looked at: see [`Claims::check_time`].
#[derive(Debug)]
pub struct Verified {
    /// The claims that JRS reads.
    pub claims: Claims,
    /// The payload, decoded: JSON text.
    pub payload: Vec<u8>,
}

impl KeyRing {
    /// The keys in the order of their file.
    pub fn new(keys: Vec<Key>) -> Self {
        Self(keys)
    }

    /// The keys in order.
    pub fn keys(&self) -> &[Key] {
        &self.0
    }

    /// The key that signs new tokens.
    pub fn signer(&self) -> Option<&Key> {
        self.0.iter().find(|key| key.signs())
    }

    /// Whether a key of this id is here; `None` asks for one without an id.
    pub fn knows(&self, id: Option<&str>) -> bool {
        self.0.iter().any(|key| key.id() == id)
    }

    /// Whether to verify this token takes a slow algorithm. Errs where it is refused before any signature is computed.
    pub fn is_slow(&self, token: &[u8]) -> Result<bool, Refusal> {
        if self.0.iter().all(|key| !key.algorithm().is_slow()) {
            return Ok(false);
        }
        let parts = Parts::cut(token)?;
        let mut keys = self.candidates(&parts)?;
        Ok(keys.any(|key| key.algorithm().is_slow()))
    }

    /// Verifies a token: its shape, its header against the key that it names, its signature, then its claims.
    ///
    /// # Errors
    /// The [`Refusal`] of the first check that fails; claims are not read before the signature holds.
    pub fn verify(&self, token: &[u8], expected: Expected<'_>) -> Result<Verified, Refusal> {
        let parts = Parts::cut(token)?;
        self.check_signature(&parts)?;
        let payload = decode_part(parts.payload)?;
        let claims = Claims::read(&payload, expected)?;
        Ok(Verified { claims, payload })
    }

    /// Checks that one of the keys signed the token.
    fn check_signature(&self, parts: &Parts<'_>) -> Result<(), Refusal> {
        let mut refusal = Refusal::Signature;
        let mut keys = self.candidates(parts)?;
        if keys.any(|key| key.check(parts).map_err(|reason| refusal = reason).is_ok()) { Ok(()) } else { Err(refusal) }
    }

    /// The keys that may have signed the token: the one of its `kid`, or all that have no id if it has no `kid`; and only
    /// those that are pinned to its `alg`.
    fn candidates(&self, parts: &Parts<'_>) -> Result<impl Iterator<Item = &Key>, Refusal> {
        // Our own header needs no parsing: a key that writes exactly this header has its `alg` and `kid`.
        let (algorithm, id) = match self.0.iter().find(|key| key.wrote(parts.header)) {
            Some(key) => (Cow::Borrowed(key.algorithm().name()), key.id().map(Cow::Borrowed)),
            None => {
                let header = Header::read(&decode_part(parts.header)?)?;
                if !self.knows(header.key_id.as_deref()) {
                    return Err(Refusal::UnknownKey);
                }
                (Cow::Owned(header.algorithm), header.key_id.map(Cow::Owned))
            }
        };
        let fits = move |key: &&Key| key.id() == id.as_deref() && key.algorithm().name() == algorithm;
        let mut keys = self.0.iter().filter(fits).peekable();
        if keys.peek().is_none() { Err(Refusal::Algorithm) } else { Ok(keys) }
    }
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "vectors_tests.rs"]
mod vectors;

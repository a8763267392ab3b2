//! The keys in force, and verification with them (RFC 7515 section 5.2).

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

    /// Verifies a token: its shape, its header against the key that it names, its signature, then its claims.
    ///
    /// # Errors
    /// The [`Refusal`] of the first check that fails; claims are not read before the signature holds.
    pub fn verify(&self, token: &[u8], expected: Expected<'_>) -> Result<Verified, Refusal> {
        let parts = Parts::cut(token)?;
        self.signature_key(&parts)?;
        let payload = decode_part(parts.payload)?;
        let claims = Claims::read(&payload, expected)?;
        Ok(Verified { claims, payload })
    }

    /// The key whose signature the token carries.
    ///
    /// A token with a `kid` is tried with the one key of that name, a token without one with all keys that have none.
    fn signature_key(&self, parts: &Parts<'_>) -> Result<&Key, Refusal> {
        // Our own header needs no parsing: a key that writes exactly this header has its `alg` and `kid`.
        if self.0.iter().any(|key| key.wrote(parts.header)) {
            return first_that_fits(self.0.iter().filter(|key| key.wrote(parts.header)), parts);
        }
        let header = Header::read(&decode_part(parts.header)?)?;
        let named = |key: &&Key| key.id() == header.key_id.as_deref();
        let pinned = |key: &&Key| key.algorithm().name() == header.algorithm;
        if !self.0.iter().any(|key| named(&key)) {
            return Err(Refusal::UnknownKey);
        }
        if !self.0.iter().any(|key| named(&key) && pinned(&key)) {
            return Err(Refusal::Algorithm);
        }
        first_that_fits(self.0.iter().filter(named).filter(pinned), parts)
    }
}

fn first_that_fits<'k>(mut keys: impl Iterator<Item = &'k Key>, parts: &Parts<'_>) -> Result<&'k Key, Refusal> {
    let mut refusal = Refusal::Signature;
    keys.find(|key| key.check(parts).map_err(|reason| refusal = reason).is_ok()).ok_or(refusal)
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;

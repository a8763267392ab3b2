//! The keys of a realm, and verification with them (RFC 7515 section 5.2).

use std::{
    collections::{HashMap, HashSet},
    slice,
    sync::Arc,
};

use super::{
    ALGORITHMS, Algorithm, AlgorithmExt, ClaimRules, Claims, Header, Key, TokenError,
    algorithm::KeyType,
    base64url::{base64url_decode, encode},
    jws::CompactJws,
};

/// The keys of a realm. The first one that can sign signs; all of them verify.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: Vec<Arc<Key>>,
    /// The positions of the keys that have a `kid`, by `kid`.
    by_id: HashMap<String, usize>,
    /// The positions of the keys without a `kid` in the key file, also those whose id is their thumbprint: the first
    /// [`TRIED`] of each algorithm.
    unnamed: Vec<usize>,
    /// Warnings for the operator.
    warnings: Vec<String>,
    /// The position of the first key that can sign.
    signer: Option<usize>,
    has_slow: bool,
}

/// The number of keys whose encoded header is compared with a token's, which saves parsing the token's header.
const COMPARED: usize = 8;

/// The largest number of keys that are tried for a token without `kid`. It bounds the cost of an invalid token.
const TRIED: usize = 8;

/// A token with a valid signature and valid claims. Its times are not checked: see [`Claims::check_time`].
#[derive(Debug)]
pub struct Verified {
    /// The claims that JRS reads.
    pub claims: Claims,
    /// The decoded payload: JSON text.
    pub payload: Vec<u8>,
    /// Whether its key is [that of a foreign issuer](KeyRing::with_foreign).
    pub is_foreign: bool,
}

impl KeyRing {
    /// The keys in the order of their file. Of two keys with the same `kid` only the first verifies.
    pub fn new(keys: Vec<Key>) -> Self {
        Self::of_shared(keys.into_iter().map(Arc::new).collect())
    }

    fn of_shared(keys: Vec<Arc<Key>>) -> Self {
        let mut ring = Self {
            signer: keys.iter().position(|key| key.signs()),
            has_slow: keys.iter().any(|key| key.is_slow()),
            ..Self::default()
        };
        for (position, key) in keys.iter().enumerate() {
            if let Some(id) = key.id() {
                ring.by_id.entry(id.to_owned()).or_insert(position);
            }
            let is_alike = |earlier: &&usize| keys.get(**earlier).is_some_and(|one| one.algorithm() == key.algorithm());
            if key.is_unnamed() && ring.unnamed.iter().filter(is_alike).count() < TRIED {
                ring.unnamed.push(position);
            }
        }
        ring.keys = keys;
        ring
    }

    /// These keys, followed by those of a foreign issuer, which never sign and verify only tokens with this `iss`.
    ///
    /// # Errors
    /// A sentence, if two keys have the same `kid` or are the same key, or if not all secrets without `kid` would be
    /// tried.
    pub fn with_foreign(self, foreign: Self, issuer: &str) -> Result<Self, String> {
        let issuer: Arc<str> = issuer.into();
        let bind = |key| Arc::into_inner(key).map(|key: Key| Arc::new(key.bound_to(&issuer)));
        let bound: Option<Vec<_>> = foreign.keys.into_iter().map(bind).collect();
        self.with_bound(bound.ok_or("its keys are in use by another realm")?)
    }

    /// These keys, followed by the foreign issuer's keys of another ring.
    ///
    /// # Errors
    /// As [`with_foreign`](Self::with_foreign).
    pub fn with_foreign_of(self, other: &Self) -> Result<Self, String> {
        let bound = other.keys.iter().filter(|key| key.foreign_issuer().is_some()).map(Arc::clone).collect();
        self.with_bound(bound)
    }

    /// These keys, followed by keys that are bound to their issuer.
    fn with_bound(self, bound: Vec<Arc<Key>>) -> Result<Self, String> {
        if let Some(id) = bound.iter().filter_map(|key| key.id()).find(|id| self.knows(Some(id))) {
            return Err(format!("one of the realm's own keys has the same kid '{id}'"));
        }
        // With the same key, the foreign issuer could sign tokens of this realm.
        let own: HashSet<_> = self.keys.iter().map(|key| key.fingerprint()).collect();
        if bound.iter().any(|key| own.contains(&key.fingerprint())) {
            return Err("one of its keys is also one of the realm's own keys".to_owned());
        }
        let keys: Vec<_> = self.keys.into_iter().chain(bound).collect();
        // Each file was checked on its own already.
        let is_mixed = |algorithm| {
            let of = |key: &&Arc<Key>| key.is_unnamed() && key.algorithm() == algorithm;
            let foreign = keys.iter().filter(of).filter(|key| key.foreign_issuer().is_some()).count();
            foreign > 0 && foreign < keys.iter().filter(of).count()
        };
        let warnings = check_unnamed(keys.iter().map(|key| &**key).filter(|key| is_mixed(key.algorithm())))
            .map_err(|problem| format!("together with the realm's own keys, {problem}"))?;
        Ok(Self::of_shared(keys).with_warnings(warnings))
    }

    /// Whether one of the keys is this secret.
    pub(super) fn has_secret(&self, secret: &[u8]) -> bool {
        let prepared = |key: &Key| Key::from_secret(None, key.algorithm(), false, secret);
        self.keys.iter().any(|key| !key.is_slow() && prepared(key).fingerprint() == key.fingerprint())
    }

    /// The keys of the foreign issuer only.
    pub fn without_own(&self) -> Self {
        Self::of_shared(self.keys.iter().filter(|key| key.foreign_issuer().is_some()).map(Arc::clone).collect())
    }

    /// The same keys, with warnings for the operator.
    pub(super) fn with_warnings(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }

    /// Warnings for the operator: which keys of the file are skipped, and why. Without key material.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The keys in order.
    pub fn keys(&self) -> &[Arc<Key>] {
        &self.keys
    }

    /// The keys that are not [those of a foreign issuer](Self::with_foreign), in order.
    pub fn own(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().map(|key| &**key).filter(|key| key.foreign_issuer().is_none())
    }

    /// The key that signs new tokens.
    pub fn signer(&self) -> Option<&Key> {
        self.keys.get(self.signer?).map(|key| &**key)
    }

    /// The MAC of a record that the server stores, by the signing key, in base64url. `None` if no key can sign.
    pub fn record_mac(&self, record: &[u8]) -> Option<String> {
        Some(encode(self.signer()?.mac_key()?.mac(record).as_ref()))
    }

    /// Whether one of the realm's own keys made the [MAC](Self::record_mac) of a record. False if the keys are public keys.
    pub fn is_record_authentic(&self, record: &[u8], mac: &[u8]) -> bool {
        let Ok(mac) = base64url_decode(mac) else { return false };
        self.own().filter_map(Key::mac_key).any(|key| key.is_authentic(record, &mac))
    }

    /// Whether there is a key with this id; `None` stands for a key without an id.
    pub fn knows(&self, id: Option<&str>) -> bool {
        !self.positions(id).is_empty()
    }

    /// The positions of the keys with this id.
    fn positions(&self, id: Option<&str>) -> &[usize] {
        match id {
            Some(id) => self.by_id.get(id).map(slice::from_ref).unwrap_or_default(),
            None => &self.unnamed,
        }
    }

    /// Whether verifying this token needs a slow algorithm. Fails if the token is refused without computing a
    /// signature.
    pub fn is_slow(&self, token: &[u8], rules: ClaimRules<'_>) -> Result<bool, TokenError> {
        if !self.has_slow {
            return Ok(false);
        }
        let parts = CompactJws::split(token)?;
        let mut keys = self.candidates(&parts, rules)?;
        Ok(keys.any(Key::is_slow))
    }

    /// Verifies a token: its shape, its header against the key that it names, its signature, then its claims.
    ///
    /// # Errors
    /// The [`TokenError`] of the first check that fails. Claims are read only after the signature is verified.
    pub fn verify(&self, token: &[u8], rules: ClaimRules<'_>) -> Result<Verified, TokenError> {
        let parts = CompactJws::split(token)?;
        let key = self.check_signature(&parts, rules)?;
        let payload = base64url_decode(parts.payload)?;
        let foreign = key.foreign_issuer();
        let claims = Claims::read(&payload, ClaimRules { issuer: foreign.or(rules.issuer), ..rules })?;
        Ok(Verified { claims, payload, is_foreign: foreign.is_some() })
    }

    /// The key that signed the token.
    fn check_signature(&self, parts: &CompactJws<'_>, rules: ClaimRules<'_>) -> Result<&Key, TokenError> {
        let mut error = TokenError::Signature;
        let mut keys = self.candidates(parts, rules)?;
        keys.find(|key| key.verify_signature(parts).map_err(|reason| error = reason).is_ok()).ok_or(error)
    }

    /// The keys that may have signed the token: the one with its `kid`, or, without a `kid`, those without one in the
    /// key file; only keys pinned to its `alg`.
    fn candidates(
        &self,
        parts: &CompactJws<'_>,
        rules: ClaimRules<'_>,
    ) -> Result<impl Iterator<Item = &Key>, TokenError> {
        // A header that a key of ours writes need not be parsed: the key has its `alg` and `kid`, and its `typ` is
        // JWT.
        let same_header = self.keys.iter().take(COMPARED).find(|key| key.has_header(parts.header));
        let (algorithm, positions) = match same_header {
            Some(key) => (Some(key.algorithm()), self.positions(key.id())),
            None => {
                let header = Header::read(&base64url_decode(parts.header)?)?;
                header.check_type(rules.token_type)?;
                (Algorithm::from_name(&header.algorithm), self.positions(header.key_id.as_deref()))
            }
        };
        if positions.is_empty() {
            return Err(TokenError::UnknownKey);
        }
        let keys = positions.iter().filter_map(|position| self.keys.get(*position)).map(|key| &**key);
        let mut keys = keys.filter(move |key| Some(key.algorithm()) == algorithm).peekable();
        if keys.peek().is_none() { Err(TokenError::Algorithm) } else { Ok(keys) }
    }
}

/// Checks that all keys without `kid` are tried for a token. Returns warnings for the keys that are not.
///
/// # Errors
/// A sentence, if a secret would not be tried: no token could use it. A public key can still be named by its
/// thumbprint.
pub(super) fn check_unnamed<'k>(keys: impl Iterator<Item = &'k Key>) -> Result<Vec<String>, String> {
    let unnamed: Vec<_> = keys.filter(|key| key.is_unnamed()).map(Key::algorithm).collect();
    let mut warnings = Vec::new();
    for algorithm in ALGORITHMS.iter().copied() {
        let count = unnamed.iter().filter(|one| **one == algorithm).count();
        if count > TRIED {
            let text = format!("{count} keys for {} have no 'kid'", algorithm.name());
            if algorithm.key_type() == KeyType::Secret {
                return Err(format!("{text}, but at most {TRIED} are tried for a token: give each a 'kid'"));
            }
            warnings.push(format!("{text}: only the first {TRIED} are tried for a token without 'kid'"));
        }
    }
    Ok(warnings)
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "vectors_tests.rs"]
pub mod vectors;

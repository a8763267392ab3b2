//! The keys in force, and verification with them (RFC 7515 section 5.2).

use std::{
    collections::{HashMap, HashSet},
    slice,
    sync::Arc,
};

use super::{
    ALGORITHMS, Algorithm, AlgorithmExt, ClaimRules, Claims, Header, Key, TokenError,
    algorithm::KeyType,
    jws::{CompactJws, base64url_decode},
};

/// The keys of a realm: the first that can sign signs, all of them verify.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: Vec<Arc<Key>>,
    /// The positions of the keys that have a `kid`, so that a token's key is found at once among thousands.
    by_id: HashMap<String, usize>,
    /// The positions of the keys that nothing gave a `kid`, those that are named by their thumbprint among them: the first
    /// [`TRIED`] of each algorithm.
    unnamed: Vec<usize>,
    /// What the operator should know of the file.
    warnings: Vec<String>,
    /// The position of the first key that can sign.
    signer: Option<usize>,
    has_slow: bool,
}

/// So many keys are compared with a token's header as it is written, which saves parsing it.
const COMPARED: usize = 8;

/// So many keys are tried for a token without `kid`, at most: a bound on what a bad token costs.
const TRIED: usize = 8;

/// A token whose signature and claims hold. Time has not been looked at: see [`Claims::check_time`].
#[derive(Debug)]
pub struct Verified {
    /// The claims that JRS reads.
    pub claims: Claims,
    /// The payload, decoded: JSON text.
    pub payload: Vec<u8>,
    /// Whether its key is [bound to another issuer](KeyRing::with_foreign).
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

    /// These keys, and behind them those of another issuer: they never sign, and verify only tokens with this `iss`.
    ///
    /// # Errors
    /// A sentence, if a key here and one there have the same `kid` or are the same key, or if not all secrets without `kid` would be tried.
    pub fn with_foreign(self, foreign: Self, issuer: &str) -> Result<Self, String> {
        if let Some(id) = foreign.keys.iter().filter_map(|key| key.id()).find(|id| self.knows(Some(id))) {
            return Err(format!("a key of the realm's own has the same kid '{id}'"));
        }
        // The other issuer would sign as this realm does.
        let own: HashSet<_> = self.keys.iter().map(|key| key.fingerprint()).collect();
        if foreign.keys.iter().any(|key| own.contains(&key.fingerprint())) {
            return Err("one of its keys is a key of the realm's own".to_owned());
        }
        let issuer: Arc<str> = issuer.into();
        let bind = |key| Arc::into_inner(key).map(|key: Key| Arc::new(key.bound_to(&issuer)));
        let bound: Option<Vec<_>> = foreign.keys.into_iter().map(bind).collect();
        let bound = bound.ok_or("its keys are in use by another realm")?;
        let keys: Vec<_> = self.keys.into_iter().chain(bound).collect();
        // Each file was checked by itself already.
        let is_mixed = |algorithm| {
            let of = |key: &&Arc<Key>| key.is_unnamed() && key.algorithm() == algorithm;
            let foreign = keys.iter().filter(of).filter(|key| key.foreign_issuer().is_some()).count();
            foreign > 0 && foreign < keys.iter().filter(of).count()
        };
        let warnings = check_unnamed(keys.iter().map(|key| &**key).filter(|key| is_mixed(key.algorithm())))
            .map_err(|problem| format!("together with the realm's own keys, {problem}"))?;
        Ok(Self::of_shared(keys).with_warnings(warnings))
    }

    /// The keys of the other issuer alone.
    pub fn without_own(&self) -> Self {
        Self::of_shared(self.keys.iter().filter(|key| key.foreign_issuer().is_some()).map(Arc::clone).collect())
    }

    /// The same keys, with sentences for the operator.
    pub(super) fn with_warnings(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }

    /// What the operator should know of the file: the keys in it that are left out, and why. Sentences without key
    /// material.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The keys in order.
    pub fn keys(&self) -> &[Arc<Key>] {
        &self.keys
    }

    /// The keys that are not [bound to another issuer](Self::with_foreign), in order.
    pub fn own(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().map(|key| &**key).filter(|key| key.foreign_issuer().is_none())
    }

    /// The key that signs new tokens.
    pub fn signer(&self) -> Option<&Key> {
        self.keys.get(self.signer?).map(|key| &**key)
    }

    /// Whether a key of this id is here; `None` asks for one without an id.
    pub fn knows(&self, id: Option<&str>) -> bool {
        !self.positions(id).is_empty()
    }

    /// Where the keys of this id are.
    fn positions(&self, id: Option<&str>) -> &[usize] {
        match id {
            Some(id) => self.by_id.get(id).map(slice::from_ref).unwrap_or_default(),
            None => &self.unnamed,
        }
    }

    /// Whether to verify this token takes a slow algorithm. Errs where it is refused before any signature is computed.
    pub fn is_slow(&self, token: &[u8], expected: ClaimRules<'_>) -> Result<bool, TokenError> {
        if !self.has_slow {
            return Ok(false);
        }
        let parts = CompactJws::split(token)?;
        let mut keys = self.candidates(&parts, expected)?;
        Ok(keys.any(Key::is_slow))
    }

    /// Verifies a token: its shape, its header against the key that it names, its signature, then its claims.
    ///
    /// # Errors
    /// The [`TokenError`] of the first check that fails; claims are not read before the signature holds.
    pub fn verify(&self, token: &[u8], expected: ClaimRules<'_>) -> Result<Verified, TokenError> {
        let parts = CompactJws::split(token)?;
        let key = self.check_signature(&parts, expected)?;
        let payload = base64url_decode(parts.payload)?;
        let foreign = key.foreign_issuer();
        let claims = Claims::read(&payload, ClaimRules { issuer: foreign.or(expected.issuer), ..expected })?;
        Ok(Verified { claims, payload, is_foreign: foreign.is_some() })
    }

    /// The key that signed the token.
    fn check_signature(&self, parts: &CompactJws<'_>, expected: ClaimRules<'_>) -> Result<&Key, TokenError> {
        let mut refusal = TokenError::Signature;
        let mut keys = self.candidates(parts, expected)?;
        keys.find(|key| key.check(parts).map_err(|reason| refusal = reason).is_ok()).ok_or(refusal)
    }

    /// The keys that may have signed the token: the one of its `kid`, or, without a `kid`, those that nothing gave one;
    /// and only those that are pinned to its `alg`.
    fn candidates(
        &self,
        parts: &CompactJws<'_>,
        expected: ClaimRules<'_>,
    ) -> Result<impl Iterator<Item = &Key>, TokenError> {
        // Our own header needs no parsing: a key that writes exactly this header has its `alg` and `kid`, and its `typ` is JWT.
        let written = self.keys.iter().take(COMPARED).find(|key| key.has_header(parts.header));
        let (algorithm, positions) = match written {
            Some(key) => (Some(key.algorithm()), self.positions(key.id())),
            None => {
                let header = Header::read(&base64url_decode(parts.header)?)?;
                header.check_type(expected.token_type)?;
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

/// Whether all keys without `kid` are tried for a token. Returns sentences for the operator where some are not.
///
/// # Errors
/// A sentence, if a secret would not be tried: nothing else leads to it. A token can name a public key by its thumbprint.
pub(super) fn check_unnamed<'k>(keys: impl Iterator<Item = &'k Key>) -> Result<Vec<String>, String> {
    let unnamed: Vec<_> = keys.filter(|key| key.is_unnamed()).map(Key::algorithm).collect();
    let mut warnings = Vec::new();
    for algorithm in ALGORITHMS.iter().copied() {
        let count = unnamed.iter().filter(|one| **one == algorithm).count();
        if count > TRIED {
            let text = format!("{count} keys for {} have no 'kid'", algorithm.name());
            if algorithm.key_type() == KeyType::Secret {
                return Err(format!("{text}, of which at most {TRIED} are tried for a token: give each a 'kid'"));
            }
            warnings.push(format!("{text}: the first {TRIED} are tried for a token without 'kid'"));
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

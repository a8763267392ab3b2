//! One key, prepared once and pinned to one algorithm (RFC 8725 section 3.1).

use std::{borrow::Cow, fmt, sync::Arc};

use aws_lc_rs::signature::ParsedPublicKey;
use jsonwebtoken::{
    crypto::{JwtSigner, JwtVerifier},
    jwk::Jwk,
    signature::{Error, Signer, Verifier},
};
use ring::hmac;

use super::{
    Algorithm, AlgorithmExt, Header, TokenError,
    base64url::{base64url_decode, encode},
    header::JWT,
    jws::{CompactJws, push_part},
    private_key::PrivateKey,
    public_key::PublicKey,
    record_mac::MacKey,
};
use crate::session::UnixMillis;

/// The length of the longest HMAC (64 bytes), in whole base64 groups.
const LONGEST_HMAC: usize = 66;

/// The message whose HMAC identifies a secret. It has no `.`, so it is never what a token's signature signs (RFC 7515
/// section 5.1).
const FINGERPRINT_LABEL: &[u8] = b"JRS short fingerprint of a secret";

/// The longest RSA signature, of a key of 8192 bits, in base64url.
const LONGEST_ENCODED: usize = 1366;

/// A prepared key. Signing and verification parse and derive nothing again.
pub struct Key {
    id: Option<String>,
    /// Whether the key file gives the id. Otherwise it is the thumbprint, or there is none.
    has_own_id: bool,
    algorithm: Algorithm,
    material: KeyMaterial,
    signs: bool,
    /// If set, the key verifies only tokens with this `iss`.
    issuer: Option<Arc<str>>,
    issued_at: Option<UnixMillis>,
    retired_at: Option<UnixMillis>,
    /// For records of the server. `None` for a public key and for a foreign issuer's key.
    mac_key: Option<MacKey>,
    /// The header of tokens with `typ` `JWT` that this key signs, in base64url.
    header: String,
}

/// The material that computes signatures.
enum KeyMaterial {
    Secret { key: hmac::Key, short_fingerprint: String },
    PublicKey { public: PublicKey, thumbprint: String, verifier: ParsedPublicKey, private: Option<PrivateKey> },
}

/// A public key, with its private half if known.
pub(super) type Pair = (PublicKey, Option<PrivateKey>);

/// Never prints key material.
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
    /// Prepares a secret. `signs` tells whether it may sign.
    pub(super) fn from_secret(id: Option<String>, algorithm: Algorithm, signs: bool, secret: &[u8]) -> Self {
        let hash = match algorithm {
            Algorithm::HS384 => hmac::HMAC_SHA384,
            Algorithm::HS512 => hmac::HMAC_SHA512,
            _ => hmac::HMAC_SHA256,
        };
        let fingerprint = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), FINGERPRINT_LABEL);
        let short_fingerprint = fingerprint.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let key = hmac::Key::new(hash, secret);
        let mac_key = Some(MacKey::of_secret(secret));
        Self { mac_key, ..Self::new(id, algorithm, signs, KeyMaterial::Secret { key, short_fingerprint }) }
    }

    /// Prepares a public key, with its private half if known. The default id is its thumbprint. Fails if the key is
    /// weak or invalid.
    pub(super) fn from_pair(
        id: Option<String>,
        algorithm: Algorithm,
        public: PublicKey,
        private: Option<PrivateKey>,
    ) -> Result<Self, String> {
        let verifier = public.prepare(algorithm)?;
        let has_own_id = id.is_some();
        let thumbprint = public.thumbprint()?;
        let id = id.unwrap_or_else(|| thumbprint.clone());
        let signs = private.is_some();
        let mac_key = private.as_ref().and_then(MacKey::of_private_key);
        let material = KeyMaterial::PublicKey { public, thumbprint, verifier, private };
        Ok(Self { has_own_id, mac_key, ..Self::new(Some(id), algorithm, signs, material) })
    }

    fn new(id: Option<String>, algorithm: Algorithm, signs: bool, material: KeyMaterial) -> Self {
        let header = encode(Header::write(algorithm.name(), JWT, id.as_deref()).as_bytes());
        Self {
            has_own_id: id.is_some(),
            id,
            algorithm,
            material,
            signs,
            issuer: None,
            issued_at: None,
            retired_at: None,
            mac_key: None,
            header,
        }
    }

    /// The same key, with the times of its JWK.
    pub(super) fn with_times(self, issued_at: Option<UnixMillis>, retired_at: Option<UnixMillis>) -> Self {
        Self { issued_at, retired_at, ..self }
    }

    /// The same key, limited to verifying tokens with this `iss`.
    pub(super) fn bound_to(mut self, issuer: &Arc<str>) -> Self {
        if let KeyMaterial::PublicKey { private, .. } = &mut self.material {
            *private = None;
        }
        Self { signs: false, issuer: Some(Arc::clone(issuer)), mac_key: None, ..self }
    }

    /// The `iss` that tokens of this key must have, if it is a foreign issuer's key.
    pub fn foreign_issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    /// The key's `kid`; for a secret without one, `(without kid FINGERPRINT)`.
    pub fn label(&self) -> String {
        match self.short_fingerprint() {
            Some(fingerprint) => format!("(without kid {fingerprint})"),
            None => self.id().unwrap_or_default().to_owned(),
        }
    }

    /// The time in the member `iat` of its JWK: when the key was made.
    pub const fn issued_at(&self) -> Option<UnixMillis> {
        self.issued_at
    }

    /// The time in the member `jrs_retired_at` of its JWK: when the key stopped signing.
    pub const fn retired_at(&self) -> Option<UnixMillis> {
        self.retired_at
    }

    /// The key's `kid`, if it has one.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether tokens without a `kid` are tried with this key: the key file gives it no `kid`.
    pub const fn is_unnamed(&self) -> bool {
        !self.has_own_id
    }

    /// The algorithm to which this key is pinned.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its name: the value of the `alg` header parameter.
    pub fn algorithm_name(&self) -> &'static str {
        self.algorithm.name()
    }

    /// Whether a signature takes tens or hundreds of microseconds, too long for the server's thread.
    pub const fn is_slow(&self) -> bool {
        matches!(self.material, KeyMaterial::PublicKey { .. })
    }

    /// Whether this key may sign.
    pub const fn signs(&self) -> bool {
        self.signs
    }

    /// The JWK to publish (RFC 7517), without private members. `None` for a secret.
    pub fn public_jwk(&self) -> Option<Jwk> {
        match &self.material {
            KeyMaterial::Secret { .. } => None,
            KeyMaterial::PublicKey { public, .. } => Some(public.published(self.id.as_deref()?, self.algorithm)),
        }
    }

    /// Tells two secrets without `kid` apart for operators: the first 8 hex digits of an HMAC-SHA256. It helps to guess
    /// the secret less than a token of that secret does. `None` for a key with an id; a public key always has one.
    pub fn short_fingerprint(&self) -> Option<&str> {
        match &self.material {
            KeyMaterial::Secret { short_fingerprint, .. } if self.id.is_none() => Some(short_fingerprint),
            _ => None,
        }
    }

    /// Whether both are the same key and used with the same algorithm.
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.fingerprint() == other.fingerprint()
    }

    /// The key that authenticates records of the server.
    pub(super) const fn mac_key(&self) -> Option<&MacKey> {
        self.mac_key.as_ref()
    }

    /// Equal for two keys of one algorithm if and only if they are the same key. Reveals nothing of a secret.
    pub(super) fn fingerprint(&self) -> Vec<u8> {
        match &self.material {
            KeyMaterial::Secret { key, .. } => hmac::sign(key, b"fingerprint of a key").as_ref().to_vec(),
            KeyMaterial::PublicKey { thumbprint, .. } => thumbprint.clone().into_bytes(),
        }
    }

    /// Whether `header`, in base64url, is exactly the header that this key writes. It need not be parsed then.
    pub(super) fn has_header(&self, header: &[u8]) -> bool {
        self.header.as_bytes() == header
    }

    /// Signs a payload: a compact JWS (RFC 7515 section 5.1) of type `JWT`. `None` if the key cannot sign.
    pub fn sign(&self, payload: &str) -> Option<String> {
        String::from_utf8(self.sign_as(JWT, payload)?).ok()
    }

    /// As [`sign`](Self::sign), with another `typ`, which must need no escape in JSON. The header is written for each
    /// token, because realms with different types share keys.
    pub fn sign_as(&self, token_type: &str, payload: &str) -> Option<Vec<u8>> {
        let header = if token_type == JWT {
            Cow::Borrowed(&*self.header)
        } else {
            Cow::Owned(encode(Header::write(self.algorithm.name(), token_type, self.id()).as_bytes()))
        };
        let mut token = Vec::with_capacity(header.len() + payload.len() * 4 / 3 + LONGEST_HMAC * 2);
        token.extend_from_slice(header.as_bytes());
        push_part(&mut token, payload.as_bytes());
        let signature = self.try_sign(&token).ok()?;
        push_part(&mut token, &signature);
        Some(token)
    }

    /// Verifies a token's signature; HMACs in constant time. Fails with [`TokenError::Signature`] or, if the signature
    /// is not base64url, [`TokenError::Malformed`].
    pub(super) fn verify_signature(&self, parts: &CompactJws<'_>) -> Result<(), TokenError> {
        if parts.signature.len() > LONGEST_ENCODED {
            return Err(TokenError::Signature);
        }
        let signature = base64url_decode(parts.signature)?;
        self.verify(parts.signed, &signature).map_err(|_| TokenError::Signature)
    }
}

impl Signer<Vec<u8>> for Key {
    /// An error if the key may not sign.
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        match &self.material {
            _ if !self.signs => Err(Error::new()),
            KeyMaterial::Secret { key, .. } => Ok(hmac::sign(key, message).as_ref().to_vec()),
            KeyMaterial::PublicKey { private, .. } => {
                private.as_ref().and_then(|private| private.sign(self.algorithm, message)).ok_or_else(Error::new)
            }
        }
    }
}

impl Verifier<Vec<u8>> for Key {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        match &self.material {
            KeyMaterial::Secret { key, .. } => hmac::verify(key, message, signature).map_err(|_| Error::new()),
            KeyMaterial::PublicKey { verifier, .. } => {
                verifier.verify_sig(message, signature).map_err(|_| Error::new())
            }
        }
    }
}

impl JwtSigner for Key {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl JwtVerifier for Key {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

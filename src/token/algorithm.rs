//! The signature algorithms of RFC 7518 section 3 and RFC 8037, as `jsonwebtoken` has them. `none` is never supported
//! (RFC 8725 section 3.2).

use std::ffi::CStr;

pub use jsonwebtoken::Algorithm;

/// All algorithms, in the order of the documentation.
pub const ALGORITHMS: [Algorithm; 12] = [
    Algorithm::HS256,
    Algorithm::HS384,
    Algorithm::HS512,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Their names in the same order, for the server's configuration.
pub const ALGORITHM_NAMES: &[&CStr] = &[
    c"HS256", c"HS384", c"HS512", c"RS256", c"RS384", c"RS512", c"PS256", c"PS384", c"PS512", c"ES256", c"ES384",
    c"EdDSA",
];

/// The type of key that an algorithm needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// A shared secret.
    Secret,
    /// An RSA key.
    Rsa,
    /// A key on the curve P-256.
    P256,
    /// A key on the curve P-384.
    P384,
    /// An Ed25519 key.
    Ed25519,
}

/// Extends [`Algorithm`] by its name and its key type.
pub trait AlgorithmExt: Sized {
    /// The algorithm with this `alg` value. Names are case-sensitive (RFC 7515 section 4.1.1). `Ed25519` (RFC 9864) is
    /// another name for `EdDSA`, because no other curve is supported.
    fn from_name(name: &str) -> Option<Self>;

    /// The value of the `alg` header parameter.
    fn name(self) -> &'static str;

    /// The type of key that it needs.
    fn key_type(self) -> KeyType;
}

impl AlgorithmExt for Algorithm {
    fn from_name(name: &str) -> Option<Self> {
        if name == "Ed25519" { Some(Self::EdDSA) } else { name.parse().ok() }
    }

    fn name(self) -> &'static str {
        let name = ALGORITHMS.iter().zip(ALGORITHM_NAMES).find(|(one, _)| **one == self);
        name.and_then(|(_, name)| name.to_str().ok()).unwrap_or_default()
    }

    #[inline]
    fn key_type(self) -> KeyType {
        match self {
            Self::RS256 | Self::RS384 | Self::RS512 | Self::PS256 | Self::PS384 | Self::PS512 => KeyType::Rsa,
            Self::ES256 => KeyType::P256,
            Self::ES384 => KeyType::P384,
            Self::EdDSA => KeyType::Ed25519,
            _ => KeyType::Secret,
        }
    }
}

impl KeyType {
    /// The algorithm of a key that names none, if that of the settings does not fit its type.
    pub fn usual_algorithm(self) -> Algorithm {
        ALGORITHMS.into_iter().find(|algorithm| algorithm.key_type() == self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{ALGORITHM_NAMES, ALGORITHMS, Algorithm, AlgorithmExt};

    #[test]
    fn names_are_exact() {
        assert_eq!(ALGORITHMS.len(), ALGORITHM_NAMES.len());
        for algorithm in ALGORITHMS {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
            assert_eq!(algorithm.key_type().usual_algorithm().key_type(), algorithm.key_type());
        }
        assert_eq!(Algorithm::from_name("Ed25519"), Some(Algorithm::EdDSA));
        for wrong in ["Ed448", "ed25519", "none", "None", "hs256", "HS256 ", "", "ES512", "EDDSA", "RSA-OAEP"] {
            assert_eq!(Algorithm::from_name(wrong), None, "{wrong}");
        }
    }
}

//! The signature algorithms of RFC 7518 section 3 and RFC 8037 that keys may be pinned to.

use std::ffi::CStr;

/// Makes the type of one list. A row is: algorithm, its name as the server's configuration takes it, its kind of key.
macro_rules! algorithms {
    ($($(#[$doc:meta])* $algorithm:ident = $name:literal, $family:ident;)*) => {
        /// A JWS algorithm. `none` is not among them and never will be (RFC 8725 section 3.2).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Algorithm {
            $($(#[$doc])* $algorithm,)*
        }

        impl Algorithm {
            /// All of them, in the order in which they are named to people.
            pub const ALL: &[Self] = &[$(Self::$algorithm),*];
            /// Their names in the same order: the values of the `alg` header parameter.
            pub const NAMES: &[&'static CStr] = &[$($name),*];

            /// The kind of key that it takes.
            pub const fn family(self) -> Family {
                match self {
                    $(Self::$algorithm => Family::$family,)*
                }
            }
        }
    };
}

algorithms! {
    /// HMAC with SHA-256.
    Hs256 = c"HS256", Secret;
    /// HMAC with SHA-384.
    Hs384 = c"HS384", Secret;
    /// HMAC with SHA-512.
    Hs512 = c"HS512", Secret;
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256 = c"RS256", Rsa;
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384 = c"RS384", Rsa;
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512 = c"RS512", Rsa;
    /// RSASSA-PSS with SHA-256.
    Ps256 = c"PS256", Rsa;
    /// RSASSA-PSS with SHA-384.
    Ps384 = c"PS384", Rsa;
    /// RSASSA-PSS with SHA-512.
    Ps512 = c"PS512", Rsa;
    /// ECDSA on P-256 with SHA-256.
    Es256 = c"ES256", P256;
    /// ECDSA on P-384 with SHA-384.
    Es384 = c"ES384", P384;
    /// EdDSA on Ed25519.
    EdDsa = c"EdDSA", Ed25519;
}

/// What kind of key an algorithm takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
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

impl Algorithm {
    /// The value of the `alg` header parameter.
    pub fn name(self) -> &'static str {
        Self::NAMES.get(self as usize).and_then(|name| name.to_str().ok()).unwrap_or_default()
    }

    /// The algorithm that an `alg` value names, or `None`. Names are case-sensitive (RFC 7515 section 4.1.1). `Ed25519`
    /// (RFC 9864) is another name for `EdDSA`: no other curve is supported here.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }

    /// True if a signature takes so long that it must not hold the server up: tens or hundreds of microseconds.
    pub const fn is_slow(self) -> bool {
        !matches!(self.family(), Family::Secret)
    }
}

impl Family {
    /// The family's first algorithm: that of a key that does not name its own, where the setting's does not fit it.
    pub fn usual_algorithm(self) -> Algorithm {
        Algorithm::ALL.iter().copied().find(|algorithm| algorithm.family() == self).unwrap_or(Algorithm::Hs256)
    }
}

#[cfg(test)]
mod tests {
    use super::Algorithm;

    #[test]
    fn names_are_exact() {
        for algorithm in Algorithm::ALL.iter().copied() {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
            assert_eq!(algorithm.family().usual_algorithm().family(), algorithm.family());
        }
        assert_eq!(Algorithm::from_name("Ed25519"), Some(Algorithm::EdDsa));
        for wrong in ["Ed448", "ed25519", "none", "None", "hs256", "HS256 ", "", "ES512", "EDDSA", "RSA-OAEP"] {
            assert_eq!(Algorithm::from_name(wrong), None, "{wrong}");
        }
    }
}

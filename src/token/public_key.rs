//! Public keys: numbers, JWK (RFC 7517, RFC 7518 section 6, RFC 8037) and thumbprint.

use aws_lc_rs::signature::{self, ParsedPublicKey, RsaPublicKeyComponents};
use curve25519_dalek::edwards::CompressedEdwardsY;
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters, EllipticCurveKeyType, Jwk,
    OctetKeyPairParameters, OctetKeyPairType, PublicKeyUse, RSAKeyParameters, RSAKeyType, ThumbprintHash,
};

use super::{
    algorithm::{Algorithm, KeyType},
    base64url::encode,
};

/// The longest exponent that `ring` accepts, in bits.
const LONGEST_EXPONENT: usize = 33;

/// The numbers of a public key, big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// Modulus and exponent, without leading zeros.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// The uncompressed point: 4, x, y; 65 bytes on P-256 and 97 on P-384.
    Ec(Vec<u8>),
    Ed25519([u8; 32]),
}

impl PublicKey {
    pub(super) fn key_type(&self) -> KeyType {
        match self {
            Self::Rsa { .. } => KeyType::Rsa,
            Self::Ec(point) if point.len() == 65 => KeyType::P256,
            Self::Ec(_) => KeyType::P384,
            Self::Ed25519(_) => KeyType::Ed25519,
        }
    }

    /// Prepares the key for verification with an algorithm of its type. Fails if the key is weak or invalid.
    pub(super) fn prepare(&self, algorithm: Algorithm) -> Result<ParsedPublicKey, String> {
        let no_key = |_| "it is not a valid key".to_owned();
        match self {
            Self::Rsa { n, e } => {
                let bits = bits_of(n);
                if !(2048..=8192).contains(&bits) {
                    return Err(format!("the RSA key has {bits} bits, but must have 2048 to 8192"));
                }
                // With an exponent of 1 every message is its own signature; an even one has no inverse.
                let is_even = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 0);
                if e.as_slice() == [1] || is_even(e) || is_even(n) {
                    return Err("it is not a valid key".to_owned());
                }
                if bits_of(e) > LONGEST_EXPONENT {
                    return Err(format!("the RSA key's exponent must have at most {LONGEST_EXPONENT} bits"));
                }
                if is_of_roca(n) {
                    return Err("the RSA key can be factored (ROCA, CVE-2017-15361): generate a new one".to_owned());
                }
                let parameters = match algorithm {
                    Algorithm::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
                    Algorithm::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
                    Algorithm::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
                    _ => &signature::RSA_PKCS1_2048_8192_SHA256,
                };
                let numbers = RsaPublicKeyComponents { n, e };
                numbers.to_parsed_public_key(parameters).map_err(|_| "it is not a valid key".to_owned())
            }
            Self::Ec(point) => match self.key_type() {
                KeyType::P256 => ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).map_err(no_key),
                _ => ParsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point).map_err(no_key),
            },
            Self::Ed25519(point) => {
                check_edwards_point(point)?;
                ParsedPublicKey::new(&signature::ED25519, point).map_err(no_key)
            }
        }
    }

    /// The key as a JWK without `kid`, `use` and `alg`.
    fn to_jwk(&self) -> Jwk {
        let algorithm = match self {
            Self::Rsa { n, e } => {
                AlgorithmParameters::RSA(RSAKeyParameters { key_type: RSAKeyType::RSA, n: encode(n), e: encode(e) })
            }
            Self::Ec(point) => {
                let numbers = point.get(1..).unwrap_or_default();
                let (x, y) = numbers.split_at(numbers.len() / 2);
                AlgorithmParameters::EllipticCurve(EllipticCurveKeyParameters {
                    key_type: EllipticCurveKeyType::EC,
                    curve: if self.key_type() == KeyType::P256 { EllipticCurve::P256 } else { EllipticCurve::P384 },
                    x: encode(x),
                    y: encode(y),
                })
            }
            Self::Ed25519(point) => AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
                key_type: OctetKeyPairType::OctetKeyPair,
                curve: EllipticCurve::Ed25519,
                x: encode(point),
            }),
        };
        Jwk { common: CommonParameters::default(), algorithm }
    }

    /// The RFC 7638 thumbprint with SHA-256, in base64url.
    pub(super) fn thumbprint(&self) -> Result<String, String> {
        self.to_jwk().thumbprint(ThumbprintHash::SHA256).map_err(|_| "its thumbprint cannot be computed".to_owned())
    }

    /// The JWK to publish.
    pub(super) fn published(&self, id: &str, algorithm: Algorithm) -> Jwk {
        let common = CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(algorithm.into()),
            key_id: Some(id.to_owned()),
            ..CommonParameters::default()
        };
        Jwk { common, ..self.to_jwk() }
    }
}

/// The length of a number without leading zeros.
fn bits_of(number: &[u8]) -> usize {
    number.len() * 8 - number.first().map_or(0, |byte| byte.leading_zeros() as usize)
}

/// Whether a modulus comes from the faulty generator of CVE-2017-15361 (ROCA): it is a power of 65537 modulo many
/// small primes. By chance this holds for one key in a hundred million.
fn is_of_roca(n: &[u8]) -> bool {
    const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];
    PRIMES.iter().all(|prime| {
        let rest = n.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let powers = std::iter::successors(Some(1), |power| Some(power * 65537 % prime).filter(|next| *next != 1));
        powers.into_iter().any(|power| power == rest)
    })
}

/// Fails for a point whose order divides 8, for which a signature is valid for any message, and for a point that is
/// not on the curve or not encoded canonically.
fn check_edwards_point(bytes: &[u8; 32]) -> Result<(), String> {
    let encoded = CompressedEdwardsY(*bytes);
    let Some(point) = encoded.decompress() else { return Err("its point is not on the curve Ed25519".to_owned()) };
    if point.is_small_order() {
        return Err("the Ed25519 key has low order: anyone could sign for it".to_owned());
    }
    if point.compress() != encoded {
        return Err("its point is not canonically encoded".to_owned());
    }
    Ok(())
}

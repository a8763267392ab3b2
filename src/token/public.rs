//! The public half of a key: its numbers, its JWK (RFC 7517, RFC 7518 section 6, RFC 8037) and its thumbprint.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{self, ParsedPublicKey, RsaPublicKeyComponents},
};

use curve25519_dalek::edwards::CompressedEdwardsY;

use super::{
    algorithm::{Algorithm, Family},
    jws::encode,
};

/// The library verifies nothing with a longer exponent, in bits.
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
    pub(super) fn family(&self) -> Family {
        match self {
            Self::Rsa { .. } => Family::Rsa,
            Self::Ec(point) if point.len() == 65 => Family::P256,
            Self::Ec(_) => Family::P384,
            Self::Ed25519(_) => Family::Ed25519,
        }
    }

    /// Prepares the key for verification with an algorithm of its family. Errs if the key is weak or no key at all.
    pub(super) fn prepare(&self, algorithm: Algorithm) -> Result<ParsedPublicKey, String> {
        let no_key = |_| "it is no valid key".to_owned();
        match self {
            Self::Rsa { n, e } => {
                let bits = bits_of(n);
                if !(2048..=8192).contains(&bits) {
                    return Err(format!("an RSA key of {bits} bits, of which 2048 to 8192 are needed"));
                }
                // With an exponent of 1 every message is its own signature; an even one has no inverse.
                let is_even = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 0);
                if e.as_slice() == [1] || is_even(e) || is_even(n) {
                    return Err("it is no valid key".to_owned());
                }
                if bits_of(e) > LONGEST_EXPONENT {
                    return Err(format!("an RSA key with an exponent of more than {LONGEST_EXPONENT} bits"));
                }
                if is_of_roca(n) {
                    return Err("an RSA key that can be factored (ROCA, CVE-2017-15361)".to_owned());
                }
                let parameters = match algorithm {
                    Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
                    Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
                    Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
                    _ => &signature::RSA_PKCS1_2048_8192_SHA256,
                };
                let numbers = RsaPublicKeyComponents { n, e };
                numbers.to_parsed_public_key(parameters).map_err(|_| "it is no valid key".to_owned())
            }
            Self::Ec(point) => match self.family() {
                Family::P256 => ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).map_err(no_key),
                _ => ParsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point).map_err(no_key),
            },
            Self::Ed25519(point) => {
                check_edwards_point(point)?;
                ParsedPublicKey::new(&signature::ED25519, point).map_err(no_key)
            }
        }
    }

    /// The members that define the key, by name: `crv`, `e`, `kty`, `n`, `x`, `y`.
    fn members(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Rsa { n, e } => vec![("e", encode(e)), ("kty", "RSA".to_owned()), ("n", encode(n))],
            Self::Ec(point) => {
                let curve = if self.family() == Family::P256 { "P-256" } else { "P-384" };
                let numbers = point.get(1..).unwrap_or_default();
                let (x, y) = numbers.split_at(numbers.len() / 2);
                vec![("crv", curve.to_owned()), ("kty", "EC".to_owned()), ("x", encode(x)), ("y", encode(y))]
            }
            Self::Ed25519(point) => {
                vec![("crv", "Ed25519".to_owned()), ("kty", "OKP".to_owned()), ("x", encode(point))]
            }
        }
    }

    /// The RFC 7638 thumbprint with SHA-256, in base64url: the hash of the defining members in order of their names.
    pub(super) fn thumbprint(&self) -> String {
        encode(digest(&SHA256, object(&self.members()).as_bytes()).as_ref())
    }

    /// The JWK to publish.
    pub(super) fn jwk(&self, id: &str, algorithm: Algorithm) -> String {
        let mut members = self.members();
        members.push(("use", "sig".to_owned()));
        members.push(("alg", algorithm.name().to_owned()));
        members.push(("kid", id.to_owned()));
        object(&members)
    }
}

/// The length of a number without leading zeros.
fn bits_of(number: &[u8]) -> usize {
    number.len() * 8 - number.first().map_or(0, |byte| byte.leading_zeros() as usize)
}

/// Whether a modulus is of the generator that CVE-2017-15361 is about: its primes, and so their products, are powers of
/// 65537 modulo many small primes. By accident that is so for one key of a hundred million.
fn is_of_roca(n: &[u8]) -> bool {
    const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];
    PRIMES.iter().all(|prime| {
        let rest = n.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let powers = std::iter::successors(Some(1), |power| Some(power * 65537 % prime).filter(|next| *next != 1));
        powers.into_iter().any(|power| power == rest)
    })
}

fn object(members: &[(&str, String)]) -> String {
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("\"{name}\":{}", serde_json::Value::from(value.as_str()))).collect();
    format!("{{{}}}", members.join(","))
}

/// Errs for a point whose order divides 8, for which signatures hold for any message, and for one that no signature fits:
/// it is not on the curve, or is not encoded in the one right way.
fn check_edwards_point(bytes: &[u8; 32]) -> Result<(), String> {
    let encoded = CompressedEdwardsY(*bytes);
    let Some(point) = encoded.decompress() else { return Err("its point is not on the curve Ed25519".to_owned()) };
    if point.is_small_order() {
        return Err("an Ed25519 key of low order, for which anybody can sign".to_owned());
    }
    if point.compress() != encoded {
        return Err("its point is not encoded in the one right way".to_owned());
    }
    Ok(())
}

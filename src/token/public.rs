//! The public half of a key: its numbers, its JWK (RFC 7517, RFC 7518 section 6, RFC 8037) and its thumbprint.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{self, ParsedPublicKey, RsaPublicKeyComponents},
};

use super::{
    algorithm::{Algorithm, Family},
    jws::encode,
};

/// The numbers of a public key, big-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Public {
    /// Modulus and exponent, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// The uncompressed point: 4, x, y; 65 bytes on P-256 and 97 on P-384.
    Ec(Vec<u8>),
    /// The encoded point.
    Ed25519([u8; 32]),
}

impl Public {
    /// The kind of key.
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
                let bits = n.len() * 8 - n.first().map_or(0, |byte| byte.leading_zeros() as usize);
                if !(2048..=8192).contains(&bits) {
                    return Err(format!("an RSA key of {bits} bits, of which 2048 to 8192 are needed"));
                }
                // With an exponent of 1 every message is its own signature; an even one has no inverse.
                let is_even = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 0);
                if e.as_slice() == [1] || is_even(e) || is_even(n) {
                    return Err("it is no valid key".to_owned());
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
                if is_of_small_order(point) {
                    return Err("an Ed25519 key of low order, for which anybody can sign".to_owned());
                }
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

fn object(members: &[(&str, String)]) -> String {
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("\"{name}\":{}", serde_json::Value::from(value.as_str()))).collect();
    format!("{{{}}}", members.join(","))
}

/// True for the points of Ed25519 whose order divides 8, in every encoding: their signatures hold for any message.
fn is_of_small_order(point: &[u8; 32]) -> bool {
    const ORDER_8_A: [u8; 32] = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    const ORDER_8_B: [u8; 32] = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ];
    // y is 0, 1 or -1 modulo p = 2^255 - 19; numbers from p up are other spellings of 0 and 1.
    let small = |first: u8, rest: u8, last: u8| {
        let mut number = [rest; 32];
        number[0] = first;
        number[31] = last;
        number
    };
    let all = [
        small(0, 0, 0),
        small(1, 0, 0),
        small(0xec, 0xff, 0x7f),
        small(0xed, 0xff, 0x7f),
        small(0xee, 0xff, 0x7f),
        ORDER_8_A,
        ORDER_8_B,
    ];
    // The top bit is the sign of x.
    let mut y = *point;
    y[31] &= 0x7f;
    all.contains(&y)
}

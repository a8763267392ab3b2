//! Keys in DER: SPKI (RFC 5280), PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) and SEC1 (RFC 5915).
//!
//! A key must fill its whole input. With trailing bytes, two parsers could read two different keys.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
        ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaVerificationAlgorithm, Ed25519KeyPair, KeyPair,
        ParsedPublicKey, RsaKeyPair,
    },
};
use pkcs1::{RsaPrivateKeyRef, RsaPssParamsOwned, RsaPublicKeyRef};
use pkcs8::{
    AlgorithmIdentifierRef, ObjectIdentifier, PrivateKeyInfoRef, SubjectPublicKeyInfoRef,
    der::{Decode, asn1::SequenceRef},
};

use super::{Algorithm, key::Pair, private_key::PrivateKey, public_key::PublicKey};

const RSA: ObjectIdentifier = pkcs1::ALGORITHM_OID;
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");

/// The hashes to which an RSA-PSS key may be limited, with their lengths in bytes and their algorithms.
const PSS_HASHES: [(ObjectIdentifier, u8, &[Algorithm]); 3] = [
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1"), 32, &[Algorithm::PS256]),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2"), 48, &[Algorithm::PS384]),
    (ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3"), 64, &[Algorithm::PS512]),
];

/// An RSA-PSS key without parameters may have any hash (RFC 4055 section 3.1).
const ANY_PSS: &[Algorithm] = &[Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];

const NO_KEY: &str = "not a valid RSA, P-256, P-384 or Ed25519 key";
const SHORT_RSA: &str = "the RSA key must have at least 2048 bits";
const NOT_WHOLE: &str = "the key is truncated, or followed by other bytes";
const PSS_PARAMETERS: &str = "the RSA-PSS key's parameters do not fit PS256, PS384 or PS512";

/// A key read from DER.
pub(super) struct DerKey {
    pub(super) pair: Pair,
    /// The only algorithms that the encoding allows. Empty if only the key type limits them.
    pub(super) algorithms: &'static [Algorithm],
}

/// Why a key is refused, without key material.
type Problem = &'static str;

/// Reads a private key in PKCS#8.
pub(super) fn read_pkcs8(der: &[u8]) -> Result<DerKey, Problem> {
    check_whole(der)?;
    // `ring` does not read a private RSA-PSS key, but reads its PKCS#1 part.
    if let Ok(info) = PrivateKeyInfoRef::from_der(der)
        && info.algorithm.oid == RSA_PSS
    {
        let algorithms = pss_algorithms(&info.algorithm)?;
        let rsa = read_pkcs1(info.private_key.as_bytes())?;
        return Ok(DerKey { algorithms, ..rsa });
    }
    let rsa = match RsaKeyPair::from_pkcs8(der) {
        Ok(pair) => Some(rsa_pair(pair)),
        Err(_) => {
            let info = PrivateKeyInfoRef::from_der(der).ok().filter(|info| info.algorithm.oid == RSA);
            if info.is_some_and(|info| is_short_rsa(info.private_key.as_bytes())) {
                return Err(SHORT_RSA);
            }
            None
        }
    };
    let ec = |algorithm| EcdsaKeyPair::from_pkcs8(algorithm, der).ok().map(ec_pair);
    // Most tools leave out the public key. If it is present, it is checked.
    let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().and_then(ed25519_pair);
    rsa.or_else(|| ec(&ECDSA_P256_SHA256_FIXED_SIGNING))
        .or_else(|| ec(&ECDSA_P384_SHA384_FIXED_SIGNING))
        .or_else(ed25519)
        .map(unlimited)
        .ok_or(NO_KEY)
}

/// Reads a private RSA key in PKCS#1.
pub(super) fn read_pkcs1(der: &[u8]) -> Result<DerKey, Problem> {
    check_whole(der)?;
    match RsaKeyPair::from_der(der) {
        Ok(pair) => Ok(unlimited(rsa_pair(pair))),
        Err(_) if is_short_rsa(der) => Err(SHORT_RSA),
        Err(_) => Err(NO_KEY),
    }
}

/// Reads a private EC key in SEC1.
pub(super) fn read_sec1(der: &[u8]) -> Result<DerKey, Problem> {
    check_whole(der)?;
    let read = |algorithm| EcdsaKeyPair::from_private_key_der(algorithm, der).ok().map(ec_pair);
    read(&ECDSA_P256_SHA256_FIXED_SIGNING)
        .or_else(|| read(&ECDSA_P384_SHA384_FIXED_SIGNING))
        .map(unlimited)
        .ok_or(NO_KEY)
}

/// Reads a public key: in SPKI, or, for RSA, in PKCS#1.
pub(super) fn read_public(der: &[u8]) -> Result<DerKey, Problem> {
    check_whole(der)?;
    let Ok(info) = SubjectPublicKeyInfoRef::from_der(der) else { return read_rsa_public(der).map(public) };
    let bytes = info.subject_public_key.as_bytes().ok_or(NO_KEY)?;
    match info.algorithm.oid {
        RSA => read_rsa_public(bytes).map(public),
        RSA_PSS => {
            let algorithms = pss_algorithms(&info.algorithm)?;
            Ok(DerKey { algorithms, ..public(read_rsa_public(bytes)?) })
        }
        EC => uncompressed(&ECDSA_P256_SHA256_FIXED, der)
            .or_else(|| uncompressed(&ECDSA_P384_SHA384_FIXED, der))
            .map(|point| public(PublicKey::Ec(point)))
            .ok_or(NO_KEY),
        ED25519 if info.algorithm.parameters.is_none() => {
            bytes.try_into().map(|point| public(PublicKey::Ed25519(point))).map_err(|_| NO_KEY)
        }
        _ => Err(NO_KEY),
    }
}

/// Reads a public RSA key in PKCS#1, or in SPKI, which some tools write under the same label.
pub(super) fn read_public_rsa(der: &[u8]) -> Result<DerKey, Problem> {
    read_public(der).and_then(|key| if let PublicKey::Rsa { .. } = key.pair.0 { Ok(key) } else { Err(NO_KEY) })
}

/// Whether this is a private RSA key, in PKCS#1, of less than 2048 bits.
fn is_short_rsa(der: &[u8]) -> bool {
    let is_short = |modulus: &[u8]| match modulus {
        [] => true,
        [first, rest @ ..] => 8 * rest.len() + 8 - (first.leading_zeros() as usize) < 2048,
    };
    RsaPrivateKeyRef::from_der(der).is_ok_and(|key| is_short(key.modulus.as_bytes()))
}

fn check_whole(der: &[u8]) -> Result<(), Problem> {
    <&SequenceRef>::from_der(der).map(|_| ()).map_err(|_| NOT_WHOLE)
}

/// The algorithms that the parameters of an RSA-PSS key allow (RFC 4055 section 3.1).
fn pss_algorithms(identifier: &AlgorithmIdentifierRef<'_>) -> Result<&'static [Algorithm], Problem> {
    let Some(parameters) = identifier.parameters else { return Ok(ANY_PSS) };
    let parameters: RsaPssParamsOwned = parameters.decode_as().map_err(|_| PSS_PARAMETERS)?;
    let (hash, mask) = (parameters.hash.oid, &parameters.mask_gen);
    let (_, length, algorithms) = PSS_HASHES.iter().find(|(oid, ..)| *oid == hash).ok_or(PSS_PARAMETERS)?;
    // RFC 7518 section 3.5: MGF1 with the same hash, and a salt of its length, which must not be less than the key's.
    let fits = mask.oid == MGF1
        && mask.parameters.as_ref().is_some_and(|mask| mask.oid == hash)
        && parameters.salt_len <= *length;
    if fits { Ok(algorithms) } else { Err(PSS_PARAMETERS) }
}

fn read_rsa_public(der: &[u8]) -> Result<PublicKey, Problem> {
    let key = RsaPublicKeyRef::from_der(der).map_err(|_| NO_KEY)?;
    Ok(PublicKey::Rsa { n: key.modulus.as_bytes().to_vec(), e: key.public_exponent.as_bytes().to_vec() })
}

/// The uncompressed point of an SPKI, which may hold it compressed.
fn uncompressed(algorithm: &'static EcdsaVerificationAlgorithm, der: &[u8]) -> Option<Vec<u8>> {
    let parsed = ParsedPublicKey::new(algorithm, der).ok()?;
    let der: PublicKeyX509Der<'_> = parsed.as_der().ok()?;
    Some(SubjectPublicKeyInfoRef::from_der(der.as_ref()).ok()?.subject_public_key.as_bytes()?.to_vec())
}

fn unlimited(pair: Pair) -> DerKey {
    DerKey { pair, algorithms: &[] }
}

fn public(public: PublicKey) -> DerKey {
    unlimited((public, None))
}

fn rsa_pair(pair: RsaKeyPair) -> Pair {
    let key = pair.public_key();
    let n = key.modulus().big_endian_without_leading_zero().to_vec();
    let e = key.exponent().big_endian_without_leading_zero().to_vec();
    (PublicKey::Rsa { n, e }, Some(PrivateKey::Rsa(pair)))
}

fn ec_pair(pair: EcdsaKeyPair) -> Pair {
    (PublicKey::Ec(pair.public_key().as_ref().to_vec()), Some(PrivateKey::Ec(pair)))
}

fn ed25519_pair(pair: Ed25519KeyPair) -> Option<Pair> {
    let public = pair.public_key().as_ref().try_into().ok().map(PublicKey::Ed25519)?;
    Some((public, Some(PrivateKey::Ed25519(pair))))
}

#[cfg(test)]
#[path = "asn1_tests.rs"]
mod tests;

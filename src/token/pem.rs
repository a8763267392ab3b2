//! Keys in PEM (RFC 7468): PKCS#8, PKCS#1, SEC1 and SPKI, several blocks in one file.

use super::{key::Private, pem_blocks, public::Public, raw_secret::ssh};
use aws_lc_rs::{
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
        ECDSA_P384_SHA384_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair, ParsedPublicKey, RsaKeyPair,
    },
};

/// How a block begins.
pub(super) const BEGIN: &[u8] = b"-----BEGIN";

/// The label of an encrypted key.
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

const SHORT_RSA: &str = "an RSA key of less than 2048 bits";

/// A key of a file, not yet given an id and an algorithm.
pub(super) type Pair = (Public, Option<Private>);

/// Reads all blocks. An error names the block and the problem.
pub(super) fn read(file: &[u8]) -> Result<Vec<Pair>, String> {
    let file = &*pem_blocks::unescape_line_ends(file);
    // A block that begins otherwise than it should is not passed over.
    let begun = file.windows(BEGIN.len()).filter(|window| *window == BEGIN).count();
    let blocks = pem_blocks::read(file)
        .filter(|blocks| blocks.len() == begun)
        .ok_or("a PEM block in it is malformed or does not end")?;
    let has_private = blocks.iter().any(|block| block.label.ends_with("PRIVATE KEY"));
    let mut pairs = Vec::with_capacity(blocks.len());
    for block in blocks {
        let label = if block.is_encrypted { ENCRYPTED } else { block.label };
        let pair = read_block(label, &block.der, has_private)
            .map_err(|problem| format!("key {}: {problem}", pairs.len() + 1))?;
        pairs.extend(pair);
    }
    Ok(pairs)
}

/// One block; `None` for parameters, which `openssl ecparam -genkey` writes in front of a key.
fn read_block(label: &str, der: &[u8], has_private: bool) -> Result<Option<Pair>, String> {
    let pair = match label {
        "EC PARAMETERS" => return Ok(None),
        "PRIVATE KEY" => read_pkcs8(der),
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(der).ok().and_then(rsa_pair),
        "EC PRIVATE KEY" => read_sec1(der),
        "PUBLIC KEY" => read_spki(der).map(|public| (public, None)),
        "RSA PUBLIC KEY" => read_rsa_public(der).map(|public| (public, None)),
        ENCRYPTED => return Err("an encrypted key: decrypt it first (openssl pkey < FILE)".to_owned()),
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" if has_private => {
            let problem = "a certificate beside a private key: leave the key only, it includes the public key";
            return Err(format!("{problem} (openssl pkey < FILE)"));
        }
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
            return Err("a certificate: take its public key (openssl x509 -pubkey -noout < FILE)".to_owned());
        }
        "OPENSSH PRIVATE KEY" => return Err(ssh::private_key_problem(der)),
        _ => return Err("a PEM block that is no PRIVATE KEY or PUBLIC KEY".to_owned()),
    };
    pair.map(Some).ok_or_else(|| {
        let problem = if is_short_rsa(der) { SHORT_RSA } else { "no valid RSA, P-256, P-384 or Ed25519 key" };
        problem.to_owned()
    })
}

/// Whether a private key is an RSA key that is refused for its length alone.
fn is_short_rsa(der: &[u8]) -> bool {
    let reasons = [RsaKeyPair::from_pkcs8(der).err(), RsaKeyPair::from_der(der).err()];
    reasons.into_iter().flatten().any(|reason| reason.description_() == "TooSmall")
}

fn read_pkcs8(der: &[u8]) -> Option<Pair> {
    let rsa = || RsaKeyPair::from_pkcs8(der).ok().and_then(rsa_pair);
    let p256 = || EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).ok().map(ec_pair);
    let p384 = || EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der).ok().map(ec_pair);
    // Most tools leave the public key out, so there is nothing to check the private key against.
    let ed25519 = || Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().and_then(ed25519_pair);
    rsa().or_else(p256).or_else(p384).or_else(ed25519)
}

fn read_sec1(der: &[u8]) -> Option<Pair> {
    let read = |algorithm| EcdsaKeyPair::from_private_key_der(algorithm, der).ok().map(ec_pair);
    read(&ECDSA_P256_SHA256_FIXED_SIGNING).or_else(|| read(&ECDSA_P384_SHA384_FIXED_SIGNING))
}

fn read_spki(der: &[u8]) -> Option<Public> {
    // An SPKI ends in the key itself: once the library has parsed the whole, the point is at its end.
    let point = |length: usize| der.len().checked_sub(length).and_then(|start| der.get(start..));
    let ec = |algorithm: &'static aws_lc_rs::signature::EcdsaVerificationAlgorithm, length| {
        ParsedPublicKey::new(algorithm, der).ok()?;
        point(length).filter(|point| point.first() == Some(&4)).map(|point| Public::Ec(point.to_vec()))
    };
    let ed25519 = || {
        ParsedPublicKey::new(&ED25519, der).ok()?;
        point(32)?.try_into().ok().map(Public::Ed25519)
    };
    read_rsa_public(der)
        .or_else(|| ec(&ECDSA_P256_SHA256_FIXED, 65))
        .or_else(|| ec(&ECDSA_P384_SHA384_FIXED, 97))
        .or_else(ed25519)
}

fn read_rsa_public(der: &[u8]) -> Option<Public> {
    rsa::PublicKey::from_der(der).ok().as_ref().map(rsa_public)
}

fn rsa_public(key: &rsa::PublicKey) -> Public {
    let n = key.modulus().big_endian_without_leading_zero().to_vec();
    Public::Rsa { n, e: key.exponent().big_endian_without_leading_zero().to_vec() }
}

fn rsa_pair(pair: RsaKeyPair) -> Option<Pair> {
    Some((rsa_public(pair.public_key()), Some(Private::Rsa(pair))))
}

fn ec_pair(pair: EcdsaKeyPair) -> Pair {
    (Public::Ec(pair.public_key().as_ref().to_vec()), Some(Private::Ec(pair)))
}

fn ed25519_pair(pair: Ed25519KeyPair) -> Option<Pair> {
    let public = pair.public_key().as_ref().try_into().ok().map(Public::Ed25519)?;
    Some((public, Some(Private::Ed25519(pair))))
}

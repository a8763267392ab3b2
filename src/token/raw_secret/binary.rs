//! Recognizes binary files: keys and certificates in DER (X.690), whole, truncated or with trailing bytes, and key
//! stores.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ParsedPublicKey};

use super::{Look, contains, first, ssh};

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OBJECT_ID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// Object identifiers of key types and curves in DER: RSA, RSA-PSS and their signatures, EC, P-256, P-384, P-521,
/// secp256k1, Ed25519 and the like.
const NAMES: [&[u8]; 7] = [
    b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01",
    b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01",
    b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01",
    b"\x06\x05\x2b\x81\x04\x00",
    b"\x30\x05\x06\x03\x2b\x65",
    b"\x30\x07\x06\x03\x2b\x65",
    b"\x06\x07\x2a\x86\x48\xce\x38\x04\x01",
];

const DER: &str = "convert it to PEM";

/// The type of the bytes, if it is recognized. Random bytes of a secret's length hardly ever are: each pattern has at
/// least four given bytes or must be at the beginning.
pub(super) fn find(bytes: &[u8]) -> Option<Look> {
    let begins = |one: &[u8], other: &[u8]| bytes.starts_with(one) || bytes.starts_with(other);
    let pkcs12 = "convert it to PKCS#12 (keytool -importkeystore), then to PEM (openssl pkcs12)";
    // 65 or 97 random bytes that begin with a 4 are hardly ever a point of the curve.
    let is_point = || match bytes.len() {
        65 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes).is_ok(),
        97 => ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, bytes).is_ok(),
        _ => false,
    };
    let is_binary = bytes.iter().any(|byte| !byte.is_ascii() || *byte == 0);
    let point = "put the key in the file as PEM or as a JWK";
    let has_name = NAMES.iter().any(|name| contains(bytes, name));
    first([
        (begins(b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"), "a Java key store", pkcs12),
        (begins(b"\x1f\x8b\x08", b"PK\x03\x04"), "a compressed file", "unpack it"),
    ])
    .or_else(|| der(bytes))
    .or_else(|| first([(bytes.first() == Some(&4) && is_point(), "the point of a public EC key", point)]))
    .or_else(|| ssh::find(bytes).filter(|_| is_binary).map(|look| Look { command: "", ..look }))
    .or_else(|| first([(has_name, "a part of a key in DER", "use the whole key in PEM")]))
}

/// The key at the beginning of the bytes. Its length is not checked: the end may be missing, or more may follow.
fn der(bytes: &[u8]) -> Option<Look> {
    let (SEQUENCE, contents) = header(bytes)? else { return None };
    // The modulus of an RSA key, which may be cut off.
    if let (INTEGER, [0, 0x80..=0xff, ..]) = header(contents)?
        && length(contents)? > 64
    {
        return Some(Look::new("a public key in DER", DER, "openssl rsa -RSAPublicKey_in -inform DER -pubout"));
    }
    let (first, inside, rest) = element(contents)?;
    let second = header(rest).map(|(tag, _)| tag);
    let private = Look::new("a private key in DER", DER, "openssl pkey -inform DER");
    let public = Look::new("a public key in DER", DER, "openssl pkey -pubin -inform DER");
    let certificate =
        Look::new("a certificate in DER", "extract its public key", "openssl x509 -inform DER -pubkey -noout");
    match (first, inside) {
        (INTEGER, [3]) if second == Some(SEQUENCE) => {
            Some(Look::new("a PKCS#12 file", DER, "openssl pkcs12 -nodes -nocerts"))
        }
        (INTEGER, [0 | 1]) if matches!(second, Some(SEQUENCE | OCTET_STRING | INTEGER)) => Some(private),
        (SEQUENCE, inside) => match element(inside)? {
            // An encrypted key; openssl asks for the password.
            (OBJECT_ID, ..) if second == Some(OCTET_STRING) => Some(private),
            (OBJECT_ID, ..) => Some(public),
            (VERSION, [INTEGER, 1, _], _) => Some(certificate),
            (INTEGER, number, rest) if number.len() <= 20 && matches!(header(rest), Some((SEQUENCE, _))) => {
                Some(certificate)
            }
            _ => None,
        },
        (OBJECT_ID, _) if second == Some(VERSION) => {
            Some(Look::new("a PKCS#7 file in DER", "extract a key from it", ""))
        }
        _ => None,
    }
}

/// The first element: tag, contents, and the rest. Sequences may be truncated, other elements may not.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, contents) = header(bytes)?;
    let length = length(bytes)?;
    match contents.split_at_checked(length) {
        Some((contents, rest)) => Some((tag, contents, rest)),
        None if matches!(tag, SEQUENCE | VERSION) => Some((tag, contents, &[])),
        None => None,
    }
}

/// The tag and everything after the length.
fn header(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    match first {
        0..=0x7f => Some((*tag, rest)),
        // Also the indefinite length, with which some tools write PKCS#12 and PKCS#7.
        0x80..=0x84 => Some((*tag, rest.get(usize::from(first - 0x80)..)?)),
        _ => None,
    }
}

fn length(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1)? {
        first @ 0..=0x7f => Some(usize::from(*first)),
        0x80 => Some(usize::MAX),
        first => {
            let digits = bytes.get(2..2 + usize::from(first - 0x80))?;
            Some(digits.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
        }
    }
}

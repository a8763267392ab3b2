//! Keys of openssl in every format: the loaded key is the one that openssl shows, and trailing bytes are refused.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use super::{DerKey, Problem, SubjectPublicKeyInfoRef, read_pkcs1, read_pkcs8, read_public, read_sec1};
use crate::token::{Algorithm, public_key::PublicKey};
use pkcs8::der::{Decode, Encode, Tag, asn1::AnyRef};

/// Formats of a key, each with the function that reads it.
type Forms = Vec<(Vec<u8>, Read)>;
type Read = fn(&[u8]) -> Result<DerKey, Problem>;

fn openssl(arguments: &str, input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(arguments.split(' ')).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("openssl");
    child.stdin.take().expect("a pipe").write_all(input).expect("input");
    let output = child.wait_with_output().expect("output");
    assert!(output.status.success(), "{arguments}");
    output.stdout
}

/// A new private key in PKCS#8.
fn generate(options: &str) -> Vec<u8> {
    let pem = openssl(&format!("genpkey -algorithm {options}"), b"");
    openssl("pkcs8 -topk8 -nocrypt -outform DER", &pem)
}

/// The numbers of a private key in PKCS#8, from the SPKI that openssl writes.
fn shown(private: &[u8]) -> Vec<u8> {
    let spki = openssl("pkey -inform DER -pubout -outform DER", private);
    let info = SubjectPublicKeyInfoRef::from_der(&spki).expect("an SPKI");
    info.subject_public_key.as_bytes().expect("bytes").to_vec()
}

/// The numbers of a key that was read: its point, or its modulus, which openssl writes before the exponent.
fn is_shown(key: &DerKey, shown: &[u8]) -> bool {
    match &key.pair.0 {
        PublicKey::Ec(point) => point == shown,
        PublicKey::Ed25519(point) => point == shown,
        PublicKey::Rsa { n, e } => {
            let at = shown.windows(n.len()).position(|window| window == n).expect("the modulus");
            shown[at + n.len()..] == [&[2, 3][..], e].concat()
        }
    }
}

/// A private key in PKCS#8 and its other formats, each with the function that reads it.
fn forms() -> Vec<(Vec<u8>, Forms)> {
    let [rsa, pss, p256, p384, ed25519] = [
        "RSA -pkeyopt rsa_keygen_bits:2048",
        "RSA-PSS -pkeyopt rsa_keygen_bits:2048",
        "EC -pkeyopt ec_paramgen_curve:P-256",
        "EC -pkeyopt ec_paramgen_curve:P-384",
        "ED25519",
    ]
    .map(generate);
    let public = |private: &[u8]| openssl("pkey -inform DER -pubout -outform DER", private);
    let compressed = |private: &[u8]| openssl("ec -inform DER -pubout -outform DER -conv_form compressed", private);
    let sec1 = |private: &[u8]| openssl("ec -inform DER -outform DER", private);
    let of_curve = |private: Vec<u8>| {
        let read: [(_, Read); 4] = [
            (private.clone(), read_pkcs8),
            (public(&private), read_public),
            (compressed(&private), read_public),
            (sec1(&private), read_sec1),
        ];
        (private, read.to_vec())
    };
    let pkcs1 = openssl("rsa -inform DER -traditional -outform DER", &rsa);
    let pkcs1_public = openssl("rsa -inform DER -RSAPublicKey_out -outform DER", &rsa);
    let of_rsa: [(_, Read); 4] =
        [(rsa.clone(), read_pkcs8), (public(&rsa), read_public), (pkcs1, read_pkcs1), (pkcs1_public, read_public)];
    let both = |private: Vec<u8>| -> (Vec<u8>, Forms) {
        (private.clone(), vec![(public(&private), read_public), (private, read_pkcs8)])
    };
    vec![(rsa, of_rsa.to_vec()), both(pss), of_curve(p256), of_curve(p384), both(ed25519)]
}

/// An element of DER: its tag, its contents, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    // Tags of several bytes are not in keys. The random octets of a key may look like one.
    let tag = *der.first().filter(|tag| **tag & 0x1f != 0x1f)?;
    let (element, rest) = AnyRef::from_der_partial(der).ok()?;
    Some((tag, element.value(), rest))
}

fn write(tag: u8, contents: &[u8]) -> Vec<u8> {
    let tag = Tag::from_der(&[tag]).expect("a tag");
    AnyRef::new(tag, contents).and_then(|element| element.to_der()).expect("an element")
}

/// The same text with one more byte at the end of one element, for each element except integers, with correct lengths.
fn with_a_byte_more(der: &[u8]) -> Vec<Vec<u8>> {
    let Some((tag @ 3.., contents, [])) = element(der) else { return Vec::new() };
    let mut changed = vec![write(tag, &[contents, &[0]].concat())];
    // Bit strings begin with a number, and octet strings may hold anything.
    let skipped = usize::from(tag == 3);
    if !matches!(tag, 3 | 4 | 0x30 | 0xa0..=0xaf) {
        return changed;
    }
    let Some((mut before, mut rest)) = contents.split_at_checked(skipped) else { return changed };
    while let Some((_, _, after)) = element(rest) {
        let (this, after) = rest.split_at(rest.len() - after.len());
        changed.extend(with_a_byte_more(this).into_iter().map(|this| write(tag, &[before, &this, after].concat())));
        before = &contents[..contents.len() - after.len()];
        rest = after;
    }
    changed
}

#[test]
fn what_is_loaded_is_what_openssl_shows() {
    for (private, forms) in forms() {
        let shown = shown(&private);
        for (der, read) in forms {
            let key = read(&der).expect("a key");
            assert!(is_shown(&key, &shown), "{der:02x?}");
            assert!(
                key.pair
                    .0
                    .prepare(key.algorithms.first().copied().unwrap_or(key.pair.0.key_type().usual_algorithm()))
                    .is_ok()
            );
        }
    }
}

#[test]
fn nothing_may_follow_a_key_or_a_part_of_one() {
    for (private, forms) in forms() {
        let shown = shown(&private);
        for (der, read) in forms {
            for tail in [&[0][..], b"\n", &shown, &der] {
                assert_eq!(read(&[&der, tail].concat()).err(), Some(super::NOT_WHOLE), "{tail:02x?}");
            }
            assert_eq!(read(&der[..der.len() - 1]).err(), Some(super::NOT_WHOLE));
            let changed = with_a_byte_more(&der);
            assert!(!changed.is_empty(), "{der:02x?}");
            for changed in changed {
                // If it can be read, it is the same key.
                assert!(!read(&changed).is_ok_and(|key| !is_shown(&key, &shown)), "{changed:02x?}");
            }
        }
    }
}

#[test]
fn a_public_key_in_front_of_a_point_is_not_the_point() {
    for curve in ["P-256", "P-384"] {
        let [a, b] = [(); 2].map(|()| generate(&format!("EC -pkeyopt ec_paramgen_curve:{curve}")));
        let spki = openssl("pkey -inform DER -pubout -outform DER", &a);
        assert!(read_public(&spki).is_ok());
        assert!(read_public(&[spki, shown(&b)].concat()).is_err(), "{curve}");
    }
}

#[test]
fn rsa_pss_keys_are_limited_by_their_parameters() {
    const ALL: &[Algorithm] = &[Algorithm::PS256, Algorithm::PS384, Algorithm::PS512];
    let options = |hash: &str, mask: &str, salt: u8| {
        format!(
            "RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:{hash} \
             -pkeyopt rsa_pss_keygen_mgf1_md:{mask} -pkeyopt rsa_pss_keygen_saltlen:{salt}"
        )
    };
    for (options, expected) in [
        ("RSA-PSS -pkeyopt rsa_keygen_bits:2048".to_owned(), Some(ALL)),
        (options("sha256", "sha256", 32), Some(&[Algorithm::PS256][..])),
        (options("sha256", "sha256", 20), Some(&[Algorithm::PS256])),
        (options("sha384", "sha384", 48), Some(&[Algorithm::PS384])),
        (options("sha512", "sha512", 64), Some(&[Algorithm::PS512])),
        (options("sha256", "sha256", 33), None),
        (options("sha256", "sha1", 32), None),
        (options("sha1", "sha1", 20), None),
        (options("sha224", "sha224", 20), None),
    ] {
        let private = generate(&options);
        let public = openssl("pkey -inform DER -pubout -outform DER", &private);
        for read in [read_pkcs8(&private), read_public(&public)] {
            assert_eq!(read.map(|key| key.algorithms).ok(), expected, "{options}");
        }
    }
}

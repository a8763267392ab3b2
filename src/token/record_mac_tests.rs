use aws_lc_rs::{
    encoding::{AsBigEndian, AsDer, Curve25519SeedBin, EcPrivateKeyBin, Pkcs8V1Der},
    rsa::{KeyPair, KeyPairComponents, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    },
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::token::{Algorithm, KeyDefaults, KeyRing, base64url::encode, base64url_decode, read_keys};

const RECORD: &[u8] = b"sess:{ada}:a:rotated\0{}";

fn read(file: &str) -> KeyRing {
    read_keys(file.as_bytes(), KeyDefaults { algorithm: Algorithm::HS256, allow_weak_secret: false }).expect(file)
}

/// The PKCS #8 of a key in PEM.
fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64_STANDARD.encode(der))
}

/// Private keys, each as JWK and as PEM.
fn pairs() -> Vec<(Value, String)> {
    let ec = [
        ("P-256", EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)),
        ("P-384", EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING)),
    ];
    let mut pairs: Vec<(Value, String)> = ec
        .into_iter()
        .map(|(curve, pair)| {
            let pair = pair.expect("a key");
            let number: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().expect("a number");
            let (x, y) = pair.public_key().as_ref()[1..].split_at(number.as_ref().len());
            let jwk = json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y), "d": encode(number.as_ref())});
            (jwk, pem(pair.to_pkcs8v1().expect("a document").as_ref()))
        })
        .collect();
    let pair = Ed25519KeyPair::generate().expect("a key");
    let seed: Curve25519SeedBin<'_> = pair.seed().expect("a seed").as_be_bytes().expect("a seed");
    let jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()), "d": encode(seed.as_ref()),
    });
    pairs.push((jwk, pem(pair.to_pkcs8v1().expect("a document").as_ref())));
    let published: Value = serde_json::from_str(include_str!("../../tests/vectors/published.json")).expect("JSON");
    let rsa = published["signatures"]
        .as_array()
        .expect("examples")
        .iter()
        .find(|example| example["jwk"]["kty"] == "RSA" && example["jwk"]["d"].is_string());
    let rsa = rsa.expect("an RSA key")["jwk"].clone();
    let [n, e, d, p, q, dp, dq, qi] = ["n", "e", "d", "p", "q", "dp", "dq", "qi"]
        .map(|name| base64url_decode(rsa[name].as_str().expect("a number").as_bytes()).expect("base64url"));
    let pair = KeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents { n, e },
        d,
        p,
        q,
        dP: dp,
        dQ: dq,
        qInv: qi,
    });
    let der: Pkcs8V1Der<'_> = pair.expect("a key").as_der().expect("a document");
    pairs.push((rsa, pem(der.as_ref())));
    pairs
}

#[test]
fn a_key_makes_the_same_mac_in_every_format() {
    for (jwk, pem) in pairs() {
        let (jwk, pem) = (read(&jwk.to_string()), read(&pem));
        let mac = jwk.record_mac(RECORD).expect("a MAC");
        assert_eq!(pem.record_mac(RECORD).as_ref(), Some(&mac));
        assert!(pem.is_record_authentic(RECORD, mac.as_bytes()));
        assert!(!pem.is_record_authentic(b"another record", mac.as_bytes()));
        assert!(!pem.is_record_authentic(RECORD, &mac.as_bytes()[1..]));
        assert!(!pem.is_record_authentic(RECORD, b"!"));
    }
    let secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let macs = [
        secret.to_owned(),
        json!({"kty": "oct", "kid": "a", "k": encode(secret.as_bytes())}).to_string(),
        json!({"kty": "oct", "kid": "b", "alg": "HS512", "k": encode(secret.as_bytes())}).to_string(),
    ]
    .map(|file| read(&file).record_mac(RECORD));
    assert!(macs[0].is_some() && macs.iter().all(|mac| *mac == macs[0]));
}

#[test]
fn each_key_makes_another_mac() {
    let rings: Vec<KeyRing> = pairs().iter().map(|(jwk, _)| read(&jwk.to_string())).collect();
    for (position, ring) in rings.iter().enumerate() {
        let mac = ring.record_mac(RECORD).expect("a MAC");
        for (other, verifier) in rings.iter().enumerate() {
            assert_eq!(verifier.is_record_authentic(RECORD, mac.as_bytes()), position == other);
        }
    }
}

#[test]
fn public_and_foreign_keys_make_and_accept_no_mac() {
    for (jwk, _) in pairs() {
        let mac = read(&jwk.to_string()).record_mac(RECORD).expect("a MAC");
        let mut public = jwk.clone();
        for name in ["d", "p", "q", "dp", "dq", "qi"] {
            public.as_object_mut().expect("members").remove(name);
        }
        let public = read(&public.to_string());
        assert_eq!(public.record_mac(RECORD), None);
        assert!(!public.is_record_authentic(RECORD, mac.as_bytes()));
    }
    let key = |id: &str, letter: &str| {
        read(&json!({"kty": "oct", "kid": id, "k": encode(letter.repeat(64).as_bytes())}).to_string())
    };
    let theirs = key("theirs", "t").record_mac(RECORD).expect("a MAC");
    let own = key("own", "o").record_mac(RECORD).expect("a MAC");
    let both = key("own", "o").with_foreign(key("theirs", "t"), "https://idp.example").expect("a ring");
    assert_eq!(both.record_mac(RECORD).as_ref(), Some(&own));
    assert!(both.is_record_authentic(RECORD, own.as_bytes()));
    assert!(!both.is_record_authentic(RECORD, theirs.as_bytes()), "their issuer knows this secret");
}

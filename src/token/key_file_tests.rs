use super::{Algorithm, KeyDefaults, KeyRing, UnixMillis, jwk_of_secret, key_set_of, read_keys};
use crate::token::keyring::vectors::published;

const STRICT: KeyDefaults = KeyDefaults { algorithm: Algorithm::HS256, allow_weak_secret: false };
const WEAK: KeyDefaults = KeyDefaults { algorithm: Algorithm::HS512, allow_weak_secret: true };
/// 32 bytes in base64url.
const K: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Id, algorithm, and whether it signs.
type KeySummary = (Option<String>, &'static str, bool);

fn keys(file: &str) -> Result<Vec<KeySummary>, String> {
    let describe = |ring: KeyRing| {
        let keys = ring.keys().iter();
        keys.map(|key| (key.id().map(str::to_owned), key.algorithm_name(), key.signs())).collect()
    };
    read_keys(file.as_bytes(), STRICT).map(describe)
}

#[test]
fn jwk_sets_and_single_jwks() {
    let two = format!(
        r#" {{"keys":[{{"kty":"oct","k":"{K}","kid":"a"}},{{"kty":"oct","k":"{K}","kid":"b","key_ops":["verify"]}},
        {{"kty":"oct","k":"{K}","use":"enc"}},{{"kty":"oct","k":"{K}"}}]}}"#
    );
    let id = |id: &str| Some(id.to_owned());
    assert_eq!(keys(&two).expect("keys"), [(id("a"), "HS256", true), (id("b"), "HS256", false), (None, "HS256", true)]);
    assert_eq!(keys(&format!(r#"{{"kty":"oct","k":"{K}","alg":"HS256"}}"#)).expect("a key"), [(None, "HS256", true)]);
    assert_eq!(
        keys(&key_set_of(&jwk_of_secret("x", &[7; 32], UnixMillis::EPOCH))).expect("a key"),
        [(id("x"), "HS256", true)]
    );
}

#[test]
fn bad_files_are_refused_whole_and_name_the_key() {
    let good = format!(r#"{{"kty":"oct","k":"{K}","kid":"a"}}"#);
    for (bad, problem) in [
        (r#"{"kty":"oct"}"#.to_owned(), "key 2: it has no 'k'"),
        (r#"{"k":"AA"}"#.to_owned(), "key 2: it has no 'kty'"),
        (r#"{"kty":"RSA","n":"AQ"}"#.to_owned(), "key 2: it has no 'e'"),
        (r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#.to_owned(), "key 2: the RSA key has 17 bits"),
        (r#"{"kty":7}"#.to_owned(), "key 2: its 'kty' must be a string"),
        (r#"{"kty":"EC"}"#.to_owned(), "key 2: it has no 'crv'"),
        (r#"{"kty":"EC","crv":"P-256"}"#.to_owned(), "key 2: it has no 'x'"),
        (format!(r#"{{"kty":"oct","k":"{K}","alg":"RS256"}}"#), "key 2: its 'alg' does not fit"),
        (format!(r#"{{"kty":"oct","k":"{K}","key_ops":7}}"#), "key 2: its 'key_ops' must be an array"),
        (format!(r#"{{"kty":"oct","k":"{K}="}}"#), "key 2: its 'k' must be unpadded base64url"),
        (format!(r#"{{"kty":"oct","k":"{K}","k":"{K}"}}"#), "key 2: it must be a JSON object"),
        (format!(r#"{{"kty":"oct","k":"{K}","alg":"none"}}"#), "key 2: its 'alg'"),
        (format!(r#"{{"kty":"oct","k":"{K}","alg":"HS512"}}"#), "key 2: the secret has 32 bytes, but HS512 needs"),
        (format!(r#"{{"kty":"oct","k":"{K}","kid":1}}"#), "key 2: its 'kid' must be a string"),
        (format!(r#"{{"kty":"oct","k":"{K}","kid":"a"}}"#), "key 2: an earlier key has the same 'kid'"),
        (format!(r#"{{"kty":"oct","k":"{K}","kid":"a\u0000"}}"#), "key 2: its 'kid' must not contain control"),
        (r#"{"kty":"oct","k":""}"#.to_owned(), "key 2: the secret is empty"),
        ("7".to_owned(), "key 2: it must be a JSON object"),
    ] {
        let error = keys(&format!(r#"{{"keys":[{good},{bad}]}}"#)).expect_err(&bad);
        assert!(error.starts_with(problem), "{bad}: {error}");
        assert!(!error.contains(K), "{error}");
    }
    for bad in [r#"{"keys":[]}"#, r#"{"keys":{}}"#, "[]", "{", r#"[{"kty":"oct"}]"#, "  {}", "\u{feff}{"] {
        assert!(keys(bad).is_err(), "{bad}");
    }
}

#[test]
fn weak_and_misplaced_secrets_are_refused() {
    for bad in
        ["", "\n", "short", "-----BEGIN PRIVATE KEY-----\nMII", "x\n-----BEGIN EC PRIVATE KEY-----", "ssh-rsa AAAA"]
    {
        assert!(keys(bad).is_err(), "{bad:?}");
    }
    for bad in ["", "\n", "-----BEGIN PRIVATE KEY-----\nMII", "ssh-ed25519 AAAA", "{\"a\":1}"] {
        assert!(read_keys(bad.as_bytes(), WEAK).is_err(), "{bad:?}");
    }
    assert_eq!(keys("0123456789abcdef0123456789abcdef\n").expect("a secret"), [(None, "HS256", true)]);
}

/// RFC 7517 section 5: keys that are not supported or not for signatures are ignored with a warning.
#[test]
fn foreign_keys_of_a_set_are_left_out() {
    let good = format!(r#"{{"kty":"oct","k":"{K}","kid":"a"}}"#);
    for (other, reason) in [
        (r#"{"kty":"AKP","alg":"ML-DSA-65","pub":"AAAA","kid":"a"}"#, "its 'kty'"),
        (r#"{"kty":"EC","crv":"P-521","x":"AA","y":"AA","alg":"ES512"}"#, "its 'alg'"),
        (r#"{"kty":"EC","crv":"P-521","x":"AA","y":"AA"}"#, "its 'crv'"),
        (r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA","alg":"ES256K"}"#, "its 'alg'"),
        (r#"{"kty":"EC","crv":"Ed25519","x":"AA","y":"AA"}"#, "its 'crv'"),
        (r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#, "its 'crv'"),
        (r#"{"kty":"OKP","crv":"Ed448","x":"AA","alg":"EdDSA"}"#, "its 'crv'"),
        (r#"{"kty":"RSA","n":"AA","e":"AQAB","alg":"RSA-OAEP"}"#, "its 'alg'"),
        (r#"{"kty":"RSA","n":"AA","e":"AQAB","use":"enc"}"#, "its 'use'"),
        (r#"{"kty":"oct","k":"AA","alg":"A256GCM"}"#, "its 'alg'"),
        (r#"{"kty":"oct","k":"AA","key_ops":["encrypt","decrypt"]}"#, "its 'key_ops'"),
        (r#"{"kty":"oct","k":"AA","key_ops":[]}"#, "its 'key_ops'"),
        // A private key too: Wycheproof json_web_signature 355 and 356.
        (r#"{"kty":"RSA","n":"AA","e":"AQAB","d":"AA","key_ops":["encrypt","decrypt"]}"#, "its 'key_ops'"),
        (r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA","key_ops":["deriveKey"]}"#, "its 'key_ops'"),
        // A public key cannot sign, regardless of its `key_ops`.
        (r#"{"kty":"OKP","crv":"Ed25519","x":"AA","key_ops":["sign"]}"#, "its 'key_ops'"),
    ] {
        for (set, number) in [(format!("{other},{good}"), 1), (format!("{good},{other}"), 2)] {
            let ring = read_keys(format!(r#"{{"keys":[{set}]}}"#).as_bytes(), STRICT).expect(other);
            assert_eq!(ring.keys().iter().map(|key| key.id()).collect::<Vec<_>>(), [Some("a")], "{other}");
            let [warning] = ring.warnings() else { panic!("{:?}", ring.warnings()) };
            assert!(warning.starts_with(&format!("key {number} is skipped: {reason}")), "{warning}");
        }
        // If it is the only key, the file is refused for that reason.
        for file in [other.to_owned(), format!(r#"{{"keys":[{other}]}}"#)] {
            let error = keys(&file).expect_err(other);
            let start = format!("it contains no key for signatures: key 1 is skipped: {reason}");
            assert!(error.starts_with(&start), "{error}");
        }
    }
    let many = r#"{"kty":"AKP"},"#.repeat(20);
    let ring = read_keys(format!(r#"{{"keys":[{many}{good}]}}"#).as_bytes(), STRICT).expect("a key");
    assert_eq!((ring.warnings().len(), ring.warnings()[8].as_str()), (9, "12 more keys are skipped"));
    assert_eq!(read_keys(good.as_bytes(), STRICT).expect("a key").warnings(), [""; 0]);
}

#[test]
fn a_name_of_an_algorithm_has_two_spellings_for_ed25519() {
    let jwk = |algorithm: &str| {
        keys(&format!(
            r#"{{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"{algorithm}}}"#
        ))
    };
    let expected = jwk("").expect("a key");
    assert_eq!((expected[0].1, expected[0].2), ("EdDSA", false));
    assert_eq!(jwk(r#","alg":"Ed25519""#).expect("a key"), expected);
    assert_eq!(jwk(r#","alg":"EdDSA""#).expect("a key"), expected);
    assert_eq!(jwk(r#","alg":"Ed25519","ext":true,"key_ops":["verify"]"#).expect("a key"), expected);
    assert!(jwk(r#","alg":"Ed448""#).is_err());
}

/// At most 8 keys are tried for a token: a ninth secret without kid could never be used.
#[test]
fn keys_without_a_kid_are_few() {
    let secret = |number: u8| format!(r#"{{"kty":"oct","k":"{}"}}"#, super::encode(&[number; 32]));
    let set = |count: u8| format!(r#"{{"keys":[{}]}}"#, (0..count).map(secret).collect::<Vec<_>>().join(","));
    assert_eq!(keys(&set(8)).expect("keys").len(), 8);
    let error = keys(&set(9)).expect_err("nine");
    assert!(error.starts_with("9 keys for HS256 have no 'kid'"), "{error}");
    // Public keys can be named by their thumbprints: they load with a warning.
    let ed25519 = |seed: u8| {
        let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed");
        let point = super::encode(aws_lc_rs::signature::KeyPair::public_key(&pair).as_ref());
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{point}"}}"#)
    };
    let set = |count: u8| format!(r#"{{"keys":[{}]}}"#, (0..count).map(ed25519).collect::<Vec<_>>().join(","));
    let ring = read_keys(set(9).as_bytes(), STRICT).expect("keys");
    assert_eq!(ring.keys().len(), 9);
    let [warning] = ring.warnings() else { panic!("{:?}", ring.warnings()) };
    assert!(warning.starts_with("9 keys for EdDSA have no 'kid': only the first 8 are tried"), "{warning}");
    assert_eq!(read_keys(set(8).as_bytes(), STRICT).expect("keys").warnings(), [""; 0]);
}

#[test]
fn keys_that_can_verify_nothing_are_refused() {
    for (exponent, is_good) in [
        (&[3][..], true),
        (&[1, 0, 1], true),
        (&[1, 0xff, 0xff, 0xff, 0xff], true),
        (&[2, 0, 0, 0, 1], false),
        (&[1, 0, 0, 0, 0, 0, 0, 0, 1], false),
        (&[1], false),
        (&[2], false),
        (&[0], false),
    ] {
        let jwk = format!(r#"{{"kty":"RSA","n":{},"e":"{}"}}"#, published()["thumbed"]["n"], super::encode(exponent));
        assert_eq!(keys(&jwk).is_ok(), is_good, "{exponent:?}: {:?}", keys(&jwk));
    }
    let ed25519 = |first: u8, rest: u8, last: u8| {
        let point = [&[first][..], &[rest; 30], &[last]].concat();
        keys(&format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, super::encode(&point)))
    };
    assert!(ed25519(3, 0, 0).is_ok(), "y = 3 is on the curve");
    for (point, problem) in [
        ((2, 0, 0), "not on the curve"),
        ((2, 0, 0x80), "not on the curve"),
        // y = p + 3 is another encoding of 3.
        ((0xf0, 0xff, 0x7f), "not canonically encoded"),
    ] {
        let error = ed25519(point.0, point.1, point.2).expect_err("no point of use");
        assert!(error.contains(problem), "{point:?}: {error}");
    }
    // A point of P-256 whose x is too large for the field, one that is not on the curve, and the point at infinity.
    let coordinates = |x: &[u8], y: &[u8]| {
        let (x, y) = (super::encode(x), super::encode(y));
        keys(&format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#))
    };
    for (x, y) in [([0xff; 32], [1; 32]), ([1; 32], [1; 32]), ([0; 32], [0; 32])] {
        assert!(coordinates(&x, &y).is_err(), "{x:?}");
    }
}

/// The key of Wycheproof's json_web_key 7, which a faulty generator made.
#[test]
fn keys_of_the_roca_generator_are_refused() {
    let jwk = |name: &str| keys(&format!(r#"{{"kty":"RSA","n":{},"e":"AQAB"}}"#, published()[name]["n"]));
    let error = jwk("roca").expect_err("a weak key");
    assert!(error.contains("CVE-2017-15361"), "{error}");
    assert!(jwk("thumbed").is_ok());
}

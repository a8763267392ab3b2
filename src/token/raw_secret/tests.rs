use std::sync::{
    LazyLock,
    atomic::{AtomicUsize, Ordering},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
        RsaKeyPair,
    },
};
use base64::{Engine, prelude::*};
use proptest::{collection::vec, prelude::*};

use super::check;
use crate::token::{Algorithm, KeyDefaults, read_keys};

const WEAK: KeyDefaults = KeyDefaults { algorithm: Algorithm::HS256, allow_weak_secret: true };

/// Keys in DER, private and public, of each kind.
static KEYS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let random = SystemRandom::new();
    let mut keys = Vec::new();
    for algorithm in [&ECDSA_P256_SHA256_FIXED_SIGNING, &ECDSA_P384_SHA384_FIXED_SIGNING] {
        let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key").as_ref().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, &key).expect("a key");
        let public: PublicKeyX509Der = pair.public_key().as_der().expect("a key");
        keys.extend([key, public.as_ref().to_vec()]);
    }
    let key = Ed25519KeyPair::generate_pkcs8(&random).expect("a key").as_ref().to_vec();
    let pair = Ed25519KeyPair::from_pkcs8(&key).expect("a key");
    keys.extend([key, [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", pair.public_key().as_ref()].concat()]);
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let key: Pkcs8V1Der = pair.as_der().expect("a key");
    let public: PublicKeyX509Der = pair.public_key().as_der().expect("a key");
    keys.extend([key.as_ref().to_vec(), public.as_ref().to_vec(), pair.public_key().as_ref().to_vec()]);
    keys
});

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pem(der: &[u8]) -> String {
    pem::encode(&pem::Pem::new("PUBLIC KEY", der))
}

/// A way to write a key, or to encode what is written.
fn encode_key(way: u8, bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    match way {
        0 => BASE64_STANDARD.encode(bytes).into(),
        1 => BASE64_URL_SAFE_NO_PAD.encode(bytes).into(),
        2 => hex(bytes).into(),
        3 => hex(bytes).to_uppercase().into(),
        4 => hex(bytes).as_bytes().chunks(2).map(String::from_utf8_lossy).collect::<Vec<_>>().join(":").into(),
        5 => pem(bytes).lines().filter(|line| !line.starts_with("-----B")).collect::<Vec<_>>().join("\n").into(),
        6 => pem(bytes).lines().filter(|line| !line.starts_with("-----")).collect::<Vec<_>>().join(" ").into(),
        7 => [bytes, b"\n"].concat(),
        8 => [bytes, b"\0"].concat(),
        9 => bytes[..bytes.len() - bytes.len() / 8].to_vec(),
        10 => format!("\"{text}\"").into(),
        11 => format!("'{text}'").into(),
        12 => [b"\xef\xbb\xbf", bytes].concat(),
        13 => format!("# the key\n{text}").into(),
        14 => format!("JWT_PUBLIC_KEY={text}").into(),
        15 => format!("export KEY=\"{text}\"").into(),
        16 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        17 => [b"\xfe\xff".to_vec(), text.encode_utf16().flat_map(u16::to_be_bytes).collect()].concat(),
        18 => serde_json::json!(text).to_string().into(),
        19 => format!("  {text}\r\n").into(),
        20 => format!("public key: {text};").into(),
        21 => pem(bytes).replace('\n', "\\n").into(),
        22 => format!("{{\"kty\":\"OKP\",\"x\":\"{}\"}}", BASE64_URL_SAFE_NO_PAD.encode(bytes)).into(),
        23 => pem(bytes).into(),
        24 => joined(bytes, "-", |byte| format!("{byte:02X}")),
        25 => joined(bytes, ", ", |byte| format!("{byte:#04x}")),
        26 => joined(bytes, "", |byte| format!("%{byte:02x}")),
        27 => joined(bytes, ",", |byte| byte.to_string()),
        28 => format!("\\x{}", hex(bytes)).into(),
        29 => format!("{{\"kty\":\"oct\",\"k\":\"{}\"}}", BASE64_URL_SAFE_NO_PAD.encode(bytes)).into(),
        _ => format!("data:application/x-pem-file;base64,{text}").into(),
    }
}

fn joined(bytes: &[u8], between: &str, write: impl Fn(&u8) -> String) -> Vec<u8> {
    bytes.iter().map(write).collect::<Vec<_>>().join(between).into()
}

/// Whether a way keeps binary input.
const BINARY: [u8; 19] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 21, 22, 23, 24, 25, 26, 27, 28, 29];

static REFUSED: AtomicUsize = AtomicUsize::new(0);

fn never_a_secret(file: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(ring) = read_keys(file, WEAK) {
        let is_secret = ring.keys().iter().any(|key| key.algorithm_name().starts_with("HS"));
        prop_assert!(!is_secret, "{}", String::from_utf8_lossy(file));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn encoded_keys_are_refused(key in 0..9_usize, first in 0..BINARY.len(), then in vec(0..31_u8, 0..2)) {
        let mut file = encode_key(BINARY[first], &KEYS[key]);
        for way in then {
            // Ways for text would lose other bytes.
            if str::from_utf8(&file).is_ok() || BINARY.contains(&way) {
                file = encode_key(way, &file);
            }
        }
        never_a_secret(&file)?;
    }

    #[test]
    fn random_secrets_are_accepted(bytes in vec(any::<u8>(), 16..128), end in prop_oneof![Just(""), Just("\n"), Just("\r\n")]) {
        for secret in [BASE64_STANDARD.encode(&bytes), BASE64_URL_SAFE.encode(&bytes), BASE64_URL_SAFE_NO_PAD.encode(&bytes), hex(&bytes)] {
            let file = format!("{secret}{end}");
            // A path or a JSON text may begin so; no other reader takes these.
            prop_assert_eq!(check(file.as_bytes()), Ok(()), "{}", file);
        }
    }

    // The generators of Django, WordPress and password managers, and secrets that begin like a token.
    #[test]
    fn passwords_of_all_characters_are_accepted(
        secret in "(django-insecure-)?[a-z0-9!@#$%^&*(_=+)-]{50}|[!-Z^-z|~][!-~]{31,63}|e[yw][a-z]{2,6}\\.[a-z]{5,12}\\.[a-z]{5,12}"
    ) {
        let is_refused = check(secret.as_bytes()).is_err();
        REFUSED.fetch_add(usize::from(is_refused), Ordering::Relaxed);
        // A few look like `key=value` by chance.
        prop_assert!(REFUSED.load(Ordering::Relaxed) <= 5, "{}", secret);
    }

    #[test]
    fn letters_digits_and_words_are_accepted(secret in "[A-Za-z0-9]{16,128}|([a-z]{2,9} ){3,12}[a-z]{2,9}={0,2}|[A-Z]{16,64}|[0-9]{16,64}") {
        prop_assert_eq!(check(secret.as_bytes()), Ok(()), "{}", secret);
    }
}

#[test]
fn ordinary_secrets_are_accepted() {
    for secret in [
        "my secret",
        "a secret of 64 bytes, which is as long as HS512 wants it: 314159",
        "correct horse battery staple, twice as long as it was",
        "correct-horse-battery-keys",
        "it is = to nothing, and begins with no name",
        "two plus two = four",
        "пароль, который никто не угадает 1234",
        "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0cw==",
        "KEY5c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2Vjcg=",
        "/zI3LmQ0oVYw8bqK1nUe5sT7xRj2hPcG9aDfZtXvNkM=",
        "//I3LmQ0oVYw8bqK1nUe5sT7xRj2hPcG9aDfZtXvNkM=",
        "0192f3a4-7c1e-7abc-8def-0123456789ab",
        "xK9#mP2$vL5!nQ8@wR3%tY6^uI1&oA4*sD7(fG0)",
        "tab\tbetween words of a long secret",
        "eyes and keys, and a dot. Or two.",
        "\"quoted words are what they are, quotes included\"",
    ] {
        assert_eq!(check(secret.as_bytes()), Ok(()), "{secret}");
        assert_eq!(check(format!("{secret}\n").as_bytes()), Ok(()), "{secret}");
    }
}

#[test]
fn other_texts_are_named() {
    let jwks = r#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"a"}]}"#;
    let token = format!(
        "{}.{}.c2lnbmF0dXJl",
        BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#),
        BASE64_URL_SAFE_NO_PAD.encode("{}")
    );
    let ed = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJIcsuDDtzbbVPxALcaz2lawncGH294reB89Ds0rMnFD test";
    for (file, what) in [
        (format!("restrict {ed}"), "an SSH Ed25519 key"),
        (format!("|1|abc=|def= {ed}"), "an SSH Ed25519 key"),
        (format!("github.com,140.82.121.3 {ed}"), "an SSH Ed25519 key"),
        (ed.split(' ').nth(1).expect("a blob").to_owned(), "an SSH Ed25519 key in base64"),
        ("example.org ssh-rsa AAAAB3NzaC1yc2E".to_owned(), "an SSH key"),
        ("SHA256:yS2mSgK0b2ZbFcDUwO3h5dF7B6r5pQmT1K8G5bM8v3M".to_owned(), "an SSH key"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n".to_owned(), "a PuTTY key"),
        (
            "<RSAKeyValue><Modulus>yrkFSviBuvt2</Modulus><Exponent>AQAB</Exponent></RSAKeyValue>".to_owned(),
            "XML or HTML",
        ),
        ("<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>".to_owned(), "XML or HTML"),
        ("<head><title>404 Not Found</title></head>".to_owned(), "XML or HTML"),
        ("Modulus=CAB9054AF881BAFB76FBFD52E014DB51C1C379780DB4B3C185CC898B902B494A".to_owned(), "NAME=value"),
        ("JWT_SECRET=abcdefghijklmnopqrstuvwxyz0123456789\n".to_owned(), "NAME=value"),
        ("export jwt.secret = abcdefghijklmnopqrstuvwxyz0123456789".to_owned(), "NAME=value"),
        ("jwtSecret: abcdefghijklmnopqrstuvwxyz0123456789".to_owned(), "NAME=value"),
        ("LOG=x\nJWT_SECRET=abcdefghijklmnopqrstuvwxyz0123456789\n".to_owned(), "NAME=value"),
        ("https://tenant.example/.well-known/jwks.json\n".to_owned(), "a URL"),
        ("tenant.example/.well-known/jwks.json".to_owned(), "a URL"),
        ("HTTPS://tenant.example/keys".to_owned(), "a URL"),
        ("s3://bucket/keys".to_owned(), "a URL"),
        ("arn:aws:secretsmanager:eu-west-1:1:secret:jwt".to_owned(), "a reference or a placeholder"),
        ("${JWT_SECRET:-none}".to_owned(), "a reference or a placeholder"),
        ("<your-256-bit-secret-goes-here>".to_owned(), "a reference or a placeholder"),
        ("curl: (6) Could not resolve host: tenant.example".to_owned(), "a reference or a placeholder"),
        ("a-string-secret-at-least-256-bits-long".to_owned(), "the secret of a published example"),
        ("/etc/jrs/keys.pem".to_owned(), "the name of a file"),
        (token.clone(), "JSON in base64"),
        (format!("Bearer {token}"), "JSON in base64"),
        ("eyJ0eXA.e30.x".to_owned(), "a token"),
        ("a".repeat(40) + "\n" + &"b".repeat(40) + "\n", "several lines"),
        ("a".repeat(40) + "\n\n", "several lines"),
        ("a".repeat(40) + "\r" + &"b".repeat(40), "several lines"),
        ("\u{feff}".to_owned() + &"a".repeat(40), "text with a byte order mark"),
        ("a\0".to_owned() + &"b".repeat(40), "a binary file"),
        ("a\u{1b}".to_owned() + &"b".repeat(40), "a binary file"),
        (format!("// keys\n{jwks}"), "JSON"),
        (format!("var keys = {jwks};"), "JSON"),
        (format!("'{jwks}'"), "JSON in quotes"),
        (serde_json::json!(jwks).to_string(), "JSON in quotes"),
        (BASE64_STANDARD.encode(jwks), "JSON in base64"),
        (BASE64_STANDARD.encode(BASE64_STANDARD.encode(jwks)), "JSON in base64 in base64"),
        (hex(jwks.as_bytes()), "JSON in hexadecimal"),
        ("kty: RSA, n: AQAB".to_owned(), "JSON"),
        (r"b'\x30\x82\x01\x22\x30\x0d\x06\x09'".to_owned(), "escaped text"),
        (BASE64_STANDARD.encode(b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01"), "a Java key store in base64"),
    ] {
        let problem = check(file.as_bytes()).expect_err(&file);
        assert!(problem.starts_with(&format!("it looks like {what}, not like a secret: ")), "{file}: {problem}");
        assert!(problem.len() < 300 && problem.is_ascii(), "{problem}");
    }
    for (file, what) in [
        (&b"\xfe\xed\xfe\xed\0\0\0\x02"[..], "a Java key store"),
        (b"\x1f\x8b\x08\0\0", "a compressed file"),
        (b"\xc3\x28 a secret that is not UTF-8", "a binary file"),
        (b"\x30\x82\x01\x22\x02\x01\x03\x30\x82\x01\x1b", "a PKCS#12 file"),
    ] {
        let problem = check(file).expect_err(what);
        assert!(problem.starts_with(&format!("it looks like {what}, not like a secret: ")), "{what}: {problem}");
    }
    assert!(check(&[b'a'; 16 * 1024 + 1]).expect_err("long").starts_with("it has more than 16384 bytes"));
}

#[test]
fn the_point_of_a_key_is_public() {
    for (key, length) in [(1, 65), (3, 97)] {
        let point = &KEYS[key][KEYS[key].len() - length..];
        for text in [BASE64_URL_SAFE_NO_PAD.encode(point), hex(point), format!("0x{}", hex(point))] {
            assert!(check(text.as_bytes()).is_err(), "{text}");
        }
        let mut random = point.to_vec();
        random[40] ^= 1;
        assert_eq!(check(BASE64_URL_SAFE_NO_PAD.encode(random).as_bytes()), Ok(()));
    }
}

#[test]
fn a_jwk_holds_any_bytes_but_keys() {
    let read = |bytes: &[u8]| {
        let jwk = format!("{{\"kty\":\"oct\",\"k\":\"{}\"}}", BASE64_URL_SAFE_NO_PAD.encode(bytes));
        read_keys(jwk.as_bytes(), WEAK).map(drop)
    };
    for secret in
        [&b"two lines\nof a secret\n"[..], b"\0\x01\xff binary", b"JWT_SECRET=abcdef", b"# PRIVATE <your> https://a"]
    {
        assert_eq!(read(secret), Ok(()));
    }
    for key in KEYS.iter() {
        for text in [key.clone(), pem(key).into(), BASE64_STANDARD.encode(key).into()] {
            let problem = read(&text).expect_err("a key");
            assert!(problem.starts_with("key 1: its 'k' is refused: it looks like "), "{problem}");
        }
    }
}

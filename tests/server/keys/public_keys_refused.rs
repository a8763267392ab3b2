//! Key files of public-key algorithms that are refused: the error names the key and the problem, and the active keys stay.

use std::fs;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use redis::Connection;
use serde_json::{Value, json};

use crate::support::{
    Server,
    cases::each,
    keypairs::{generate, openssl, pem, public_pem, set, text, with},
    sessions::{create, get, send},
    tokens::{SECRET, header, jwk, part},
};

/// The error for a block that is not a supported key.
const UNSUPPORTED: &str = "not a valid RSA, P-256, P-384 or Ed25519 key";

/// A server with a valid key, and a token of it.
struct Target {
    server: Server,
    conn: Connection,
    old: String,
}

impl Target {
    fn start() -> Self {
        let server = Server::builder().keys(jwk("old", "HS256", SECRET.as_bytes()).to_string().as_bytes()).start();
        let mut conn = server.conn();
        let old = create(&mut conn, "ada", "{}", &[]);
        Self { server, conn, old }
    }

    /// Checks that a file is refused with an error that names the key and the problem and has no text of the file.
    fn refuses(&mut self, file: &(impl AsRef<[u8]> + ?Sized), problem: &str) {
        let conn = &mut self.conn;
        fs::write(self.server.dir().join("keys"), file).unwrap();
        let file = &*String::from_utf8_lossy(file.as_ref());
        let Err(error) = send::<redis::Value>(conn, &["JRS.RELOAD"]) else { panic!("{problem}: accepted: {file}") };
        assert_eq!(error.code(), Some("ERR"), "{error}");
        let words = error.detail().unwrap_or_default();
        let (_, found) = words.split_once("keys' is refused: ").unwrap_or_else(|| panic!("{words}"));
        assert!(found.starts_with(problem), "{found:?} is not {problem:?}: {file}");
        for line in file.split(['\n', '"', '-']).filter(|line| line.len() > 20) {
            assert!(!words.contains(line) && !self.server.log().contains(line), "{words}");
        }
        assert!(get(conn, &self.old).is_some());
        assert_eq!(header(&create(conn, "ada", "{}", &[]))["kid"], "old", "{file}");
    }
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A member of a JWK, decoded.
fn bytes(jwk: &Value, name: &str) -> Vec<u8> {
    part(jwk[name].as_str().unwrap(), 0)
}

/// A new key from openssl, with an algorithm and its options.
fn new_key(options: &str) -> String {
    text(&openssl(&format!("genpkey -algorithm {options}"), ""))
}

#[test]
fn unusable_pem_blocks_are_refused() {
    let (mut target, good) = (Target::start(), pem("ES256"));
    let rsa = new_key("RSA -pkeyopt rsa_keygen_bits:2048");
    let file = target.server.dir().join("rsa.pem");
    fs::write(&file, &rsa).unwrap();
    let certificate = text(&openssl(&format!("req -x509 -subj /CN=a -key {}", file.display()), ""));
    let small = new_key("RSA -pkeyopt rsa_keygen_bits:1024");
    for (bad, problem) in [
        (text(&openssl("pkcs8 -topk8 -v2 aes-256-cbc -passout pass:secret", &rsa)), "the key is encrypted"),
        (text(&openssl("rsa -traditional -aes128 -passout pass:secret", &rsa)), "the key is encrypted"),
        (certificate, "a certificate"),
        (small.clone(), "the RSA key must have at least 2048 bits"),
        (new_key("RSA -pkeyopt rsa_keygen_bits:2047"), "the RSA key must have at least 2048 bits"),
        (new_key("RSA-PSS -pkeyopt rsa_keygen_bits:1024"), "the RSA key must have at least 2048 bits"),
        (text(&openssl("rsa -traditional", &small)), "the RSA key must have at least 2048 bits"),
        (public_pem(&small), "the RSA key has 1024 bits"),
        (text(&openssl("rsa -RSAPublicKey_out", &small)), "the RSA key has 1024 bits"),
        (public_pem(&new_key("RSA -pkeyopt rsa_keygen_bits:2047")), "the RSA key has 2047 bits"),
        (new_key("EC -pkeyopt ec_paramgen_curve:P-521"), UNSUPPORTED),
        (public_pem(&new_key("EC -pkeyopt ec_paramgen_curve:P-521")), UNSUPPORTED),
        (text(&openssl("ecparam -genkey -noout -name secp521r1", "")), UNSUPPORTED),
        (new_key("EC -pkeyopt ec_paramgen_curve:secp256k1"), UNSUPPORTED),
        (public_pem(&new_key("EC -pkeyopt ec_paramgen_curve:secp256k1")), UNSUPPORTED),
        (new_key("X25519"), UNSUPPORTED),
        (public_pem(&new_key("X25519")), UNSUPPORTED),
        (new_key("ED448"), UNSUPPORTED),
        (good.replace("PRIVATE", "OPENSSH PRIVATE"), "an SSH key: convert a copy"),
        (good.replace("PRIVATE", "PRIVATE SOMETHING"), "the PEM block is not a PRIVATE KEY or PUBLIC KEY"),
        (good.replace("PRIVATE", "PUBLIC"), UNSUPPORTED),
        (public_pem(&good).replace("PUBLIC", "PRIVATE"), UNSUPPORTED),
        (public_pem(&good).replace("PUBLIC", "RSA PUBLIC"), UNSUPPORTED),
    ] {
        target.refuses(&format!("{}{bad}", pem("EdDSA")), &format!("key 2: {problem}"));
    }
    target.refuses(&format!("{good}{good}"), "key 2: an earlier key has the same 'kid'");
    target.refuses(&format!("{good}{}", public_pem(&good)), "key 2: an earlier key has the same 'kid'");
    target.refuses(&good.replacen('M', "!", 1), "a PEM block is malformed");
    target.refuses(
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
        "it contains no key",
    );
}

/// If a public key in DER were used as a secret, each client that knows it could sign.
#[test]
fn der_is_never_a_raw_secret() {
    let mut target = Target::start();
    for options in each(["RSA -pkeyopt rsa_keygen_bits:2048", "EC -pkeyopt ec_paramgen_curve:P-256", "ED25519"]) {
        let key = new_key(options);
        let file = target.server.dir().join("key.pem");
        fs::write(&file, &key).unwrap();
        let certificate = format!("req -x509 -subj /CN=a -outform DER -key {}", file.display());
        for der in
            [openssl("pkey -outform DER", &key), openssl("pkey -pubout -outform DER", &key), openssl(&certificate, "")]
        {
            target.refuses(&der, "it looks like a ");
        }
    }
    let key = new_key("EC -pkeyopt ec_paramgen_curve:P-384");
    target.refuses(&openssl("ec -outform DER", &key), "it looks like a ");
    let key = new_key("RSA -pkeyopt rsa_keygen_bits:2048");
    target.refuses(&openssl("rsa -traditional -outform DER", &key), "it looks like a ");
    target.refuses(&openssl("rsa -RSAPublicKey_out -outform DER", &key), "it looks like a ");
}

#[test]
fn invalid_jwks_are_refused() {
    let mut target = Target::start();
    let mut good = generate(&["RS256", "ES256", "ES384", "EdDSA", "RS256", "ES256", "EdDSA"]).into_iter();
    let [rsa, p256, p384, ed, other_rsa, other_p256, other_ed] = std::array::from_fn(|_| good.next().unwrap());
    let shorter = |jwk: &Value, name: &str| json!({name: encode(&bytes(jwk, name)[1..])});
    let longer = |jwk: &Value, name: &str| json!({name: encode(&[&[0], &*bytes(jwk, name)].concat())});
    let mut off_curve = bytes(&p256.public, "y");
    off_curve[31] ^= 1;
    let (p256_private, ed_private) = (&p256.private, &ed.private);
    let numbers = "its numbers do not form an RSA key";
    for (jwk, changes, problem) in [
        (&rsa.private, json!({"d": other_rsa.private["d"]}), numbers),
        (&rsa.private, json!({"n": other_rsa.private["n"]}), numbers),
        (&rsa.private, json!({"p": other_rsa.private["p"]}), numbers),
        (&rsa.private, json!({"dp": other_rsa.private["dp"]}), numbers),
        (&rsa.private, json!({"dq": other_rsa.private["dq"]}), numbers),
        (&rsa.private, json!({"qi": other_rsa.private["qi"]}), numbers),
        (&rsa.private, json!({"p": null}), "its 'p' must be a string"),
        (&rsa.private, json!({"oth": []}), "RSA keys with more than two primes are not supported"),
        (&rsa.public, json!({"e": ""}), "it is not a valid key"),
        (&rsa.public, json!({"n": ""}), "the RSA key has 0 bits"),
        (&rsa.public, json!({"n": encode(&[0xff; 128])}), "the RSA key has 1024 bits"),
        (&rsa.public, json!({"n": encode(&[0xff; 1025])}), "the RSA key has 8200 bits"),
        (&rsa.public, json!({"alg": "ES256"}), "its 'alg'"),
        (&rsa.public, json!({"alg": "HS256"}), "its 'alg'"),
        (&rsa.public, json!({"alg": "none"}), "its 'alg'"),
        (p256_private, json!({"d": other_p256.private["d"]}), "its 'd' does not match"),
        (p256_private, json!({"x": other_p256.private["x"], "y": other_p256.private["y"]}), "its 'd' does not match"),
        (p256_private, json!({"d": encode(&[0; 32])}), "its 'd' does not match"),
        (p256_private, shorter(p256_private, "d"), "its 'd' must be 32 bytes long"),
        (p256_private, longer(p256_private, "d"), "its 'd' must be 32 bytes long"),
        (&p256.public, json!({"y": encode(&off_curve)}), "it is not a valid key"),
        (&p256.public, json!({"x": encode(&[0; 32]), "y": encode(&[0; 32])}), "it is not a valid key"),
        (&p256.public, shorter(&p256.public, "x"), "its 'x' must be 32 bytes long"),
        (&p256.public, longer(&p256.public, "y"), "its 'y' must be 32 bytes long"),
        (&p256.public, json!({"y": null}), "its 'y' must be a string"),
        (&p256.public, json!({"crv": "P-384"}), "its 'x' must be 48 bytes long"),
        (&p384.public, json!({"crv": "P-256"}), "its 'x' must be 32 bytes long"),
        (&p256.public, json!({"crv": null}), "its 'crv' must be a string"),
        (&p256.public, json!({"alg": "ES384"}), "its 'alg'"),
        (&p384.public, json!({"alg": "ES256"}), "its 'alg'"),
        (ed_private, json!({"d": other_ed.private["d"]}), "its 'd' does not match"),
        (ed_private, json!({"x": other_ed.private["x"]}), "its 'd' does not match"),
        (ed_private, shorter(ed_private, "d"), "its 'd' does not match"),
        (&ed.public, shorter(&ed.public, "x"), "its 'x' must be 32 bytes long"),
        (&ed.public, json!({"alg": "ES256"}), "its 'alg'"),
        (&ed.public, json!({"kid": "first"}), "an earlier key has the same 'kid'"),
    ] {
        let first = with(&other_ed.public, &json!({"kid": "first"}));
        target.refuses(&set(&[first, with(jwk, &changes)]), &format!("key 2: {problem}"));
        if changes.get("kid").is_none() {
            target.refuses(&with(jwk, &changes).to_string(), &format!("key 1: {problem}"));
        }
    }
    // A key that is not supported, or not for signatures, is skipped. A file with only such keys is refused.
    for (jwk, changes, problem) in [
        (&rsa.public, json!({"alg": "RSA-OAEP"}), "its 'alg'"),
        (&p384.public, json!({"crv": "P-521"}), "its 'crv'"),
        (&p256.public, json!({"crv": "secp256k1"}), "its 'crv'"),
        (&p256.public, json!({"alg": "ES256K"}), "its 'alg'"),
        (&ed.public, json!({"crv": "X25519"}), "its 'crv'"),
        (&ed.public, json!({"crv": "Ed448"}), "its 'crv'"),
        (&ed.public, json!({"kty": "EC"}), "its 'crv'"),
        (&ed.public, json!({"kty": "okp"}), "its 'kty'"),
        (&rsa.private, json!({"use": "enc"}), "its 'use'"),
        (&rsa.private, json!({"key_ops": ["encrypt", "decrypt"]}), "its 'key_ops'"),
    ] {
        let problem = format!("it contains no key for signatures: key 1 is skipped: {problem}");
        target.refuses(&with(jwk, &changes).to_string(), &problem);
        target.refuses(&set(&[with(jwk, &changes)]), &problem);
    }
    // A key without a kid has its thumbprint as kid.
    target.refuses(&set(&[ed.public.clone(), with(&p256.public, &json!({"kid": ed.thumbprint}))]), "key 2: an earlier");
}

#[test]
fn ed25519_keys_of_low_order_are_refused() {
    let mut target = Target::start();
    let point = |first: u8, rest: u8, last: u8| [&[first][..], &[rest; 30], &[last]].concat();
    let eighth = |hex: &str| -> Vec<u8> {
        (0..64).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    };
    let points = [
        point(0, 0, 0),
        point(1, 0, 0),
        point(0xec, 0xff, 0x7f),
        point(0xed, 0xff, 0x7f),
        point(0xee, 0xff, 0x7f),
        eighth("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        eighth("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ];
    let prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    for mut point in points {
        for sign in [0, 0x80] {
            point[31] = point[31] & 0x7f | sign;
            let key = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&point)});
            target.refuses(&key.to_string(), "key 1: the Ed25519 key has low order");
            let block = pem::encode(&pem::Pem::new("PUBLIC KEY", [&prefix[..], &point].concat()));
            target.refuses(&block, "key 1: ");
        }
    }
}

/// PKCS#8 and SEC1 may have the public key beside the private one. The two must match.
#[test]
fn mismatched_key_pairs_are_refused() {
    let mut target = Target::start();
    let der = |pem_text: &str| pem::parse(pem_text).unwrap().into_contents();
    let swap = |label: &str, one: &str, other: &str, length: usize| {
        let (mut one, other) = (der(one), der(other));
        let start = one.len() - length;
        one[start..].copy_from_slice(&other[other.len() - length..]);
        pem::encode(&pem::Pem::new(label, one))
    };
    for (algorithm, length) in [("ES256", 64), ("ES384", 96)] {
        target
            .refuses(&swap("PRIVATE KEY", &pem(algorithm), &pem(algorithm), length), &format!("key 1: {UNSUPPORTED}"));
        let sec1 = || text(&openssl("ec", &pem(algorithm)));
        target.refuses(&swap("EC PRIVATE KEY", &sec1(), &sec1(), length), &format!("key 1: {UNSUPPORTED}"));
    }
    let rsa = || text(&openssl("rsa -traditional", &pem("RS256")));
    target.refuses(&swap("RSA PRIVATE KEY", &rsa(), &rsa(), 100), &format!("key 1: {UNSUPPORTED}"));
}

#[test]
fn a_pem_block_without_an_end_is_refused() {
    let (mut target, good, other) = (Target::start(), pem("ES256"), pem("EdDSA"));
    for broken in [good.replace("-----END", "-----BEGIN"), good[..100].to_owned(), good.replace("-----END", "----END")]
    {
        target.refuses(&broken, "");
        target.refuses(&format!("{broken}\n{other}"), "");
        // The broken key must not be skipped silently.
        target.refuses(&format!("{other}{broken}"), "");
    }
}

#[test]
fn invalid_rsa_numbers_are_refused() {
    let mut target = Target::start();
    let rsa = generate(&["RS256"]).remove(0).public;
    for key in [
        with(&rsa, &json!({"e": "AQ"})),
        with(&rsa, &json!({"e": "Ag"})),
        with(&rsa, &json!({"n": encode(&[0xfe; 256])})),
    ] {
        target.refuses(&key.to_string(), "key 1: ");
    }
}

#[test]
fn errors_count_keys_in_the_order_of_the_file() {
    let mut target = Target::start();
    let ec = text(&openssl("ecparam -genkey -name prime256v1", ""));
    let small = new_key("RSA -pkeyopt rsa_keygen_bits:1024");
    target.refuses(&format!("{ec}{}", public_pem(&small)), "key 2: the RSA key has 1024 bits");
    target.refuses(&format!("{ec}{small}"), "key 2: ");
    let keys = generate(&["ES256", "EdDSA"]);
    let unused = with(&keys[0].public, &json!({"use": "enc"}));
    target.refuses(&set(&[unused, keys[1].public.clone(), keys[1].public.clone()]), "key 3: an earlier key");
}

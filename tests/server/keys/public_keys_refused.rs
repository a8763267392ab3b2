//! Files of public-key algorithms that are refused: the error names the key and the problem, and the old keys stay.

use std::fs;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use redis::Connection;
use serde_json::{Value, json};

use crate::support::{
    Server,
    keypairs::{generate, openssl, pem, public_pem, set, text, with},
    sessions::{create, get, send},
    tokens::{SECRET, header, jwk, part},
};

/// The problem of a block that cannot be read as any key.
const NONE: &str = "not a valid RSA, P-256, P-384 or Ed25519 key";

/// A server with a good key, and a token that it made.
struct Tried {
    server: Server,
    conn: Connection,
    old: String,
}

impl Tried {
    fn start() -> Self {
        let server = Server::builder().keys(jwk("old", "HS256", SECRET.as_bytes()).to_string().as_bytes()).start();
        let mut conn = server.conn();
        let old = create(&mut conn, "ada", "{}", &[]);
        Self { server, conn, old }
    }

    /// Checks that a file is refused, with an error that names the key and the problem and shows nothing of the file.
    fn refuses(&mut self, file: &(impl AsRef<[u8]> + ?Sized), problem: &str) {
        let conn = &mut self.conn;
        fs::write(self.server.dir().join("keys"), file).unwrap();
        let file = &*String::from_utf8_lossy(file.as_ref());
        let Err(error) = send::<redis::Value>(conn, &["JRS.RELOAD"]) else { panic!("{problem}: accepted: {file}") };
        assert_eq!(error.code(), Some("ERR"), "{error}");
        let words = error.detail().unwrap_or_default();
        let (_, found) = words.split_once("keys' is refused: ").unwrap_or_else(|| panic!("{words}"));
        assert!(found.starts_with(problem), "{found:?} instead of {problem:?}: {file}");
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

/// A new key of openssl's, with an algorithm and its options.
fn new(options: &str) -> String {
    text(&openssl(&format!("genpkey -algorithm {options}"), ""))
}

#[test]
fn pem_blocks_that_are_no_key_to_use() {
    let (mut tried, good) = (Tried::start(), pem("ES256"));
    let rsa = new("RSA -pkeyopt rsa_keygen_bits:2048");
    let file = tried.server.dir().join("rsa.pem");
    fs::write(&file, &rsa).unwrap();
    let certificate = text(&openssl(&format!("req -x509 -subj /CN=a -key {}", file.display()), ""));
    let small = new("RSA -pkeyopt rsa_keygen_bits:1024");
    for (bad, problem) in [
        (text(&openssl("pkcs8 -topk8 -v2 aes-256-cbc -passout pass:secret", &rsa)), "the key is encrypted"),
        (text(&openssl("rsa -traditional -aes128 -passout pass:secret", &rsa)), "the key is encrypted"),
        (certificate, "a certificate"),
        (small.clone(), "the RSA key must have at least 2048 bits"),
        (new("RSA -pkeyopt rsa_keygen_bits:2047"), "the RSA key must have at least 2048 bits"),
        (new("RSA-PSS -pkeyopt rsa_keygen_bits:1024"), "the RSA key must have at least 2048 bits"),
        (text(&openssl("rsa -traditional", &small)), "the RSA key must have at least 2048 bits"),
        (public_pem(&small), "the RSA key has 1024 bits"),
        (text(&openssl("rsa -RSAPublicKey_out", &small)), "the RSA key has 1024 bits"),
        (public_pem(&new("RSA -pkeyopt rsa_keygen_bits:2047")), "the RSA key has 2047 bits"),
        (new("EC -pkeyopt ec_paramgen_curve:P-521"), NONE),
        (public_pem(&new("EC -pkeyopt ec_paramgen_curve:P-521")), NONE),
        (text(&openssl("ecparam -genkey -noout -name secp521r1", "")), NONE),
        (new("EC -pkeyopt ec_paramgen_curve:secp256k1"), NONE),
        (public_pem(&new("EC -pkeyopt ec_paramgen_curve:secp256k1")), NONE),
        (new("X25519"), NONE),
        (public_pem(&new("X25519")), NONE),
        (new("ED448"), NONE),
        (good.replace("PRIVATE", "OPENSSH PRIVATE"), "an SSH key: convert a copy"),
        (good.replace("PRIVATE", "PRIVATE SOMETHING"), "the PEM block is not a PRIVATE KEY or PUBLIC KEY"),
        (good.replace("PRIVATE", "PUBLIC"), NONE),
        (public_pem(&good).replace("PUBLIC", "PRIVATE"), NONE),
        (public_pem(&good).replace("PUBLIC", "RSA PUBLIC"), NONE),
    ] {
        tried.refuses(&format!("{}{bad}", pem("EdDSA")), &format!("key 2: {problem}"));
    }
    tried.refuses(&format!("{good}{good}"), "key 2: an earlier key has the same 'kid'");
    tried.refuses(&format!("{good}{}", public_pem(&good)), "key 2: an earlier key has the same 'kid'");
    tried.refuses(&good.replacen('M', "!", 1), "a PEM block is malformed");
    tried.refuses(
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
        "it contains no key",
    );
}

/// As secrets, the public ones would let anybody sign who knows them.
#[test]
fn keys_in_der_are_no_raw_secrets() {
    let mut tried = Tried::start();
    for options in ["RSA -pkeyopt rsa_keygen_bits:2048", "EC -pkeyopt ec_paramgen_curve:P-256", "ED25519"] {
        let key = new(options);
        let file = tried.server.dir().join("key.pem");
        fs::write(&file, &key).unwrap();
        let certificate = format!("req -x509 -subj /CN=a -outform DER -key {}", file.display());
        for der in
            [openssl("pkey -outform DER", &key), openssl("pkey -pubout -outform DER", &key), openssl(&certificate, "")]
        {
            tried.refuses(&der, "it looks like a ");
        }
    }
    let key = new("EC -pkeyopt ec_paramgen_curve:P-384");
    tried.refuses(&openssl("ec -outform DER", &key), "it looks like a ");
    let key = new("RSA -pkeyopt rsa_keygen_bits:2048");
    tried.refuses(&openssl("rsa -traditional -outform DER", &key), "it looks like a ");
    tried.refuses(&openssl("rsa -RSAPublicKey_out -outform DER", &key), "it looks like a ");
}

#[test]
fn jwks_whose_numbers_are_no_key() {
    let mut tried = Tried::start();
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
        tried.refuses(&set(&[first, with(jwk, &changes)]), &format!("key 2: {problem}"));
        if changes.get("kid").is_none() {
            tried.refuses(&with(jwk, &changes).to_string(), &format!("key 1: {problem}"));
        }
    }
    // Alone a key that is not understood, or not for signatures, is no better; in a set it is left out.
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
        tried.refuses(&with(jwk, &changes).to_string(), &problem);
        tried.refuses(&set(&[with(jwk, &changes)]), &problem);
    }
    // The one that is named by its thumbprint has a name too.
    tried.refuses(&set(&[ed.public.clone(), with(&p256.public, &json!({"kid": ed.thumbprint}))]), "key 2: an earlier");
}

#[test]
fn ed25519_keys_for_which_anybody_can_sign() {
    let mut tried = Tried::start();
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
            tried.refuses(&key.to_string(), "key 1: the Ed25519 key has low order");
            let block = pem::encode(&pem::Pem::new("PUBLIC KEY", [&prefix[..], &point].concat()));
            tried.refuses(&block, "key 1: ");
        }
    }
}

/// PKCS#8 and SEC1 may hold the public key beside the private one: one that does not belong there is refused.
#[test]
fn pem_whose_halves_do_not_belong_together() {
    let mut tried = Tried::start();
    let der = |pem_text: &str| pem::parse(pem_text).unwrap().into_contents();
    let swap = |label: &str, one: &str, other: &str, length: usize| {
        let (mut one, other) = (der(one), der(other));
        let start = one.len() - length;
        one[start..].copy_from_slice(&other[other.len() - length..]);
        pem::encode(&pem::Pem::new(label, one))
    };
    for (algorithm, length) in [("ES256", 64), ("ES384", 96)] {
        tried.refuses(&swap("PRIVATE KEY", &pem(algorithm), &pem(algorithm), length), &format!("key 1: {NONE}"));
        let sec1 = || text(&openssl("ec", &pem(algorithm)));
        tried.refuses(&swap("EC PRIVATE KEY", &sec1(), &sec1(), length), &format!("key 1: {NONE}"));
    }
    let rsa = || text(&openssl("rsa -traditional", &pem("RS256")));
    tried.refuses(&swap("RSA PRIVATE KEY", &rsa(), &rsa(), 100), &format!("key 1: {NONE}"));
}

#[test]
fn a_pem_block_that_does_not_end() {
    let (mut tried, good, other) = (Tried::start(), pem("ES256"), pem("EdDSA"));
    for broken in [good.replace("-----END", "-----BEGIN"), good[..100].to_owned(), good.replace("-----END", "----END")]
    {
        tried.refuses(&broken, "");
        tried.refuses(&format!("{broken}\n{other}"), "");
        // The key that is left out without a word may be the one that was to verify.
        tried.refuses(&format!("{other}{broken}"), "");
    }
}

#[test]
fn public_numbers_that_are_no_key() {
    let mut tried = Tried::start();
    let rsa = generate(&["RS256"]).remove(0).public;
    for key in [
        with(&rsa, &json!({"e": "AQ"})),
        with(&rsa, &json!({"e": "Ag"})),
        with(&rsa, &json!({"n": encode(&[0xfe; 256])})),
    ] {
        tried.refuses(&key.to_string(), "key 1: ");
    }
}

#[test]
fn keys_are_counted_as_they_stand_in_the_file() {
    let mut tried = Tried::start();
    let ec = text(&openssl("ecparam -genkey -name prime256v1", ""));
    let small = new("RSA -pkeyopt rsa_keygen_bits:1024");
    tried.refuses(&format!("{ec}{}", public_pem(&small)), "key 2: the RSA key has 1024 bits");
    tried.refuses(&format!("{ec}{small}"), "key 2: ");
    let keys = generate(&["ES256", "EdDSA"]);
    let unused = with(&keys[0].public, &json!({"use": "enc"}));
    tried.refuses(&set(&[unused, keys[1].public.clone(), keys[1].public.clone()]), "key 3: an earlier key");
}

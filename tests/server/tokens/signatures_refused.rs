//! Signatures that are almost valid: another encoding or length, numbers out of range, another salt.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;

use crate::support::{
    Server,
    keypairs::{assert_bad, generate, jwks, openssl, pem, put_session, unsigned, with},
    sessions::{create, get},
    tokens::{key, part},
};

/// The order of P-256. Both numbers of a signature must be less.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order L of Ed25519, little-endian.
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// A server that accepts tokens without a known start.
fn server(file: &str, algorithm: &str) -> Server {
    Server::builder().keys(file.as_bytes()).args(&["algorithm", algorithm, "max-lifetime", "0"]).start()
}

/// The token with another signature.
fn signed(token: &str, signature: &[u8]) -> String {
    let (text, _) = token.rsplit_once('.').unwrap();
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn an_ecdsa_signature_is_two_numbers_in_range() {
    let server = Server::builder().keys(pem("ES256").as_bytes()).start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let good = part(&token, 2);
    let (r, s) = good.split_at(32);
    let der = |number: &[u8]| {
        let sign: &[u8] = if number[0] & 0x80 == 0 { &[] } else { &[0] };
        [&[2, u8::try_from(sign.len() + 32).unwrap()], sign, number].concat()
    };
    let both = [der(r), der(s)].concat();
    let sequence = [&[0x30, u8::try_from(both.len()).unwrap()], &*both].concat();
    let (zero, one): (&[u8], _) = (&[0; 32], [&[0; 31][..], &[1]].concat());
    let halves: [[&[u8]; 2]; 16] = [
        [zero, s],
        [r, zero],
        [zero, zero],
        [s, r],
        [r, r],
        [&ORDER, s],
        [r, &ORDER],
        [&ORDER, &ORDER],
        [&ORDER, zero],
        [zero, &ORDER],
        [&one, &one],
        [&[0xff; 32], &[0xff; 32]],
        [&[0xff; 32], s],
        [r, &[0xff; 32]],
        [&good[..31], s],
        [r, &s[..31]],
    ];
    let longer = [[&[0], r, s].concat(), [r, s, &[0]].concat(), [r, &[0], s].concat(), [&[0], r, &[0], s].concat()];
    for bad in halves.map(|halves| halves.concat()).into_iter().chain(longer).chain([sequence, both, vec![0]]) {
        assert_bad(conn, &signed(&token, &bad), &key(&token));
    }
    let nothing = signed(&token, &[]);
    assert_bad(conn, &nothing, &key(&token));
    assert!(get(conn, &token).is_some());
}

#[test]
fn an_ed25519_signature_has_one_encoding() {
    let pair = generate(&["EdDSA"]).remove(0);
    let server = Server::builder().keys(pair.private.to_string().as_bytes()).start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let good = part(&token, 2);
    let (point, scalar) = good.split_at(32);
    // The scalar plus L is the same number modulo L; RFC 8032 section 5.1.7 forbids it.
    let mut carry = 0;
    let sum: Vec<u8> = scalar
        .iter()
        .zip(L)
        .map(|(a, b)| {
            let sum = u16::from(*a) + u16::from(b) + carry;
            carry = sum >> 8;
            sum.to_le_bytes()[0]
        })
        .collect();
    let (identity, x) = ([&[1][..], &[0; 31]].concat(), part(&format!("..{}", pair.public["x"].as_str().unwrap()), 2));
    for bad in [
        [0; 64].to_vec(),
        [0xff; 64].to_vec(),
        [point, &sum].concat(),
        [point, &[0; 32]].concat(),
        [&[0; 32], scalar].concat(),
        [&*identity, &[0; 32]].concat(),
        [&*x, &[0; 32]].concat(),
        [point, &L].concat(),
        [scalar, point].concat(),
        good[..63].to_vec(),
        good[..32].to_vec(),
        [&*good, &[0]].concat(),
        vec![0],
    ] {
        assert_bad(conn, &signed(&token, &bad), &key(&token));
    }
    assert!(get(conn, &token).is_some());
}

#[test]
fn an_rsa_signature_is_as_long_as_its_key() {
    let private = pem("RS256");
    for own in ["RS256", "PS256"] {
        let server = server(&private, own);
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        let good = part(&token, 2);
        assert_eq!(good.len(), 256);
        let modulus = BASE64_URL_SAFE_NO_PAD.decode(jwks(conn)["keys"][0]["n"].as_str().unwrap()).unwrap();
        for bad in [
            good[..255].to_vec(),
            good[1..].to_vec(),
            good[..128].to_vec(),
            good[..1].to_vec(),
            [&[0], &*good].concat(),
            [&*good, &[0]].concat(),
            [&*good, &*good].concat(),
            vec![0; 256],
            vec![1; 256],
            vec![0xff; 256],
            modulus,
            [vec![0; 255], vec![1]].concat(),
            vec![7; 1024],
            vec![7; 5000],
        ] {
            assert_bad(conn, &signed(&token, &bad), &key(&token));
        }
        assert!(get(conn, &token).is_some());
    }
}

#[test]
fn a_pss_salt_is_as_long_as_the_hash() {
    let private = pem("PS256");
    let server = server(&private, "PS256");
    let conn = &mut server.conn();
    put_session(conn, "a");
    let text_to_sign = unsigned(&json!({"alg": "PS256", "kid": jwks(conn)["keys"][0]["kid"]}), &json!({"jti": "a"}));
    let file = server.dir().join("private.pem");
    std::fs::write(&file, &private).unwrap();
    for (salt, mask, accepted) in [
        ("32", "sha256", true),
        ("20", "sha256", false),
        ("0", "sha256", false),
        ("max", "sha256", false),
        ("32", "sha1", false),
    ] {
        let options = format!("-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:{salt} -sigopt rsa_mgf1_md:{mask}");
        let signature = openssl(&format!("dgst -sha256 {options} -sign {}", file.display()), &text_to_sign);
        let token = format!("{text_to_sign}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
        if accepted {
            assert!(get(conn, &token).is_some());
        } else {
            assert_bad(conn, &token, "sess:a");
        }
    }
}

/// With the exponent 1 the padded hash is its own signature, which needs no private key.
#[test]
fn an_rsa_key_of_exponent_one_verifies_nothing() {
    let rsa = with(&generate(&["RS256"])[0].public, &json!({"e": "AQ", "kid": "k"}));
    let Ok(server) = Server::builder().keys(rsa.to_string().as_bytes()).try_start() else { return };
    let conn = &mut server.conn();
    put_session(conn, "a");
    let text = unsigned(&json!({"alg": "RS256", "kid": "k"}), &json!({"jti": "a"}));
    let info = [
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
        0x20,
    ];
    let hash = openssl("dgst -sha256 -binary", &text);
    let padded = [&[0, 1][..], &[0xff; 202], &[0], &info, &hash].concat();
    assert_eq!(padded.len(), 256);
    assert_bad(conn, &format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(padded)), "sess:a");
}

//! Attacks on public-key algorithms: only the algorithms, keys and kids of the key file are accepted.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use redis::Connection;
use serde_json::{Value, json};

use crate::support::{
    Server,
    cases::each,
    keypairs::{self, assert_bad, jwks, openssl, pem, public_pem, put_session, set, sign, with},
    sessions::{self, assert_refused, get},
    tokens::{SECRET, jwk, sign_bytes},
};

/// A server that accepts tokens without a known start.
fn server(file: &str, algorithm: &str) -> Server {
    Server::builder().keys(file.as_bytes()).args(&["algorithm", algorithm, "max-lifetime", "0"]).start()
}

/// The encodings of a public key that an attacker may use as an HMAC secret.
fn encodings(conn: &mut Connection, private: &str) -> Vec<Vec<u8>> {
    let public = public_pem(private);
    let set = jwks(conn);
    let key = &set["keys"][0];
    let mut all = vec![
        openssl("pkey -pubout -outform DER", private),
        public.replace('\n', "\r\n").into_bytes(),
        public.trim_end().as_bytes().to_vec(),
        public.lines().filter(|line| !line.starts_with('-')).collect::<String>().into_bytes(),
        set.to_string().into_bytes(),
        key.to_string().into_bytes(),
        sessions::send::<String>(conn, &["JRS.JWKS"]).unwrap().into_bytes(),
        key["kid"].as_str().unwrap().as_bytes().to_vec(),
        public.into_bytes(),
    ];
    if key["kty"] == "RSA" {
        for form in ["PEM", "DER"] {
            all.push(openssl(&format!("rsa -RSAPublicKey_out -outform {form}"), private));
        }
    }
    for number in ["n", "x", "y"].iter().filter_map(|name| key[*name].as_str()) {
        all.push(number.as_bytes().to_vec());
        all.push(BASE64_URL_SAFE_NO_PAD.decode(number).unwrap());
    }
    all.extend([Vec::new(), vec![0], vec![0; 32]]);
    all
}

#[test]
fn a_public_key_is_never_used_as_a_secret() {
    for algorithm in each(["RS256", "PS512", "ES384", "EdDSA"]) {
        let private = pem(algorithm);
        // The setting `algorithm` must not turn a public key into a secret.
        for (file, setting) in [(private.clone(), algorithm), (public_pem(&private), "HS256")] {
            let server = server(&file, setting);
            let conn = &mut server.conn();
            put_session(conn, "a");
            let kid = jwks(conn)["keys"][0]["kid"].clone();
            for secret in encodings(conn, &private) {
                for hash in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                    for alg in [json!(format!("{hash:?}")), jwks(conn)["keys"][0]["alg"].clone()] {
                        for header in [json!({"alg": alg, "kid": kid}), json!({"alg": alg})] {
                            let header = header.to_string();
                            let token = sign_bytes(header.as_bytes(), br#"{"jti":"a"}"#, hash, &secret);
                            assert_refused(conn, "BADTOKEN", &["JRS.GET", &token]);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_key_is_used_only_with_its_own_algorithm() {
    let names = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "HS256", "none"];
    let rsa = pem("RS256");
    for own in ["RS256", "PS256", "PS384", "ES256", "ES384", "EdDSA"] {
        let private = if own.starts_with(['R', 'P']) { rsa.clone() } else { pem(own) };
        let server = server(&private, own);
        let conn = &mut server.conn();
        put_session(conn, "a");
        let (kid, claims) = (jwks(conn)["keys"][0]["kid"].clone(), json!({"jti": "a"}));
        let signers: Vec<Algorithm> = match own {
            "ES256" => vec![Algorithm::ES256],
            "ES384" => vec![Algorithm::ES384],
            "EdDSA" => vec![Algorithm::EdDSA],
            _ => names[..6].iter().map(|name| name.parse().unwrap()).collect(),
        };
        for signer in signers {
            for name in names {
                let token = sign(&json!({"alg": name, "kid": kid}), &claims, &private, signer);
                if name == own && signer == own.parse().unwrap() {
                    assert!(get(conn, &token).is_some(), "{own}");
                } else {
                    assert_bad(conn, &token, "sess:a");
                }
            }
            // The key has no kid in the file, so it is tried for tokens without one, but only with its algorithm.
            for name in names {
                let token = sign(&json!({"alg": name}), &claims, &private, signer);
                if name == own && signer == own.parse().unwrap() {
                    assert!(get(conn, &token).is_some(), "{own}");
                } else {
                    assert_bad(conn, &token, "sess:a");
                }
            }
        }
    }
}

#[test]
fn keys_in_the_header_are_ignored() {
    for (algorithm, signer) in [("RS256", Algorithm::RS256), ("ES256", Algorithm::ES256), ("EdDSA", Algorithm::EdDSA)] {
        let (ours, evil) = (pem(algorithm), pem(algorithm));
        let server = server(&ours, "HS256");
        let conn = &mut server.conn();
        put_session(conn, "a");
        let kid = jwks(conn)["keys"][0]["kid"].clone();
        let pair = keypairs::read(std::slice::from_ref(&evil)).remove(0);
        let named = with(&pair.public, &json!({"kid": kid, "alg": algorithm}));
        let der = openssl("pkey -pubout -outform DER", &evil);
        let certificate = base64::prelude::BASE64_STANDARD.encode(der);
        for header in [
            json!({"jwk": pair.public}),
            json!({"jwk": named}),
            json!({"jku": "https://evil.example/jwks.json"}),
            json!({"jku": "file:///dev/zero", "x5u": "http://127.0.0.1:1/"}),
            json!({"x5c": [certificate]}),
            json!({"x5c": [certificate], "x5t": "AAAA", "x5t#S256": "AAAA"}),
            json!({"keys": [named]}),
        ] {
            for alg in [
                json!({"alg": algorithm}),
                json!({"alg": algorithm, "kid": kid}),
                json!({"alg": algorithm, "kid": pair.thumbprint}),
            ] {
                let header = with(&header, &alg);
                assert_bad(conn, &sign(&header, &json!({"jti": "a"}), &evil, signer), "sess:a");
                // A token of the server's key is accepted with any of these headers.
                if header["kid"] == kid {
                    assert!(get(conn, &sign(&header, &json!({"jti": "a"}), &ours, signer)).is_some(), "{header}");
                }
            }
        }
    }
}

#[test]
fn a_kid_is_only_a_name() {
    let ec = pem("ES256");
    let pair = keypairs::read(std::slice::from_ref(&ec)).remove(0);
    let keys = [with(&pair.private, &json!({"kid": "k"})), jwk("s", "HS256", SECRET.as_bytes())];
    let server = Server::builder().keys(set(&keys).as_bytes()).arg("max-lifetime", "0").start();
    let conn = &mut server.conn();
    put_session(conn, "a");
    let signed = |kid: &Value| sign(&json!({"alg": "ES256", "kid": kid}), &json!({"jti": "a"}), &ec, Algorithm::ES256);
    assert!(get(conn, &signed(&json!("k"))).is_some());
    for kid in [
        json!(""),
        json!(" "),
        json!("K"),
        json!("k "),
        json!(" k"),
        json!("k\0"),
        json!("\0k"),
        json!("k\n"),
        json!("s"),
        json!("../../../../../../dev/null"),
        json!("/dev/zero"),
        json!("keys"),
        json!("file:///etc/passwd"),
        json!("k' OR '1'='1"),
        json!("k'; DROP TABLE keys; --"),
        json!("k|sleep 9"),
        json!("$(sleep 9)"),
        json!("*"),
        json!("%s%n%p"),
        json!("{k}"),
        json!("k\r\nX: y"),
        json!("\u{ff4b}"),
        json!("k\u{301}"),
        json!(pair.thumbprint),
        json!("k".repeat(5000)),
        json!("k".repeat(100_000)),
        json!("\u{0}".repeat(900)),
        json!(["k"]),
        json!([]),
        json!({"kid": "k"}),
        json!(null),
        json!(true),
        json!(0),
        json!(1e300),
    ] {
        assert_bad(conn, &signed(&kid), "sess:a");
        let header = json!({"alg": "HS256", "kid": kid}).to_string();
        if kid != "s" {
            assert_bad(
                conn,
                &sign_bytes(header.as_bytes(), br#"{"jti":"a"}"#, Algorithm::HS256, SECRET.as_bytes()),
                "sess:a",
            );
        }
    }
}

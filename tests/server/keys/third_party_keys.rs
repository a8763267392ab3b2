//! Keys and tokens of other software: JWK Sets with keys that JRS does not support, tokens without `kid`, RSA-PSS keys,
//! compressed points, the algorithm name `Ed25519`.

use std::fs;

use jsonwebtoken::Algorithm;
use redis::Connection;
use serde_json::{Value, json};

use crate::support::{
    Server,
    cases::{cases, each},
    keypairs::{assert_bad, jwks, openssl, pem, public_pem, put_session, read, set, sign, text, with},
    sessions::{create, exec, get, send},
    tokens::{SECRET, header, jwk, sign_bytes},
};

/// A server that accepts tokens without a known start, with a session of the id `a`.
fn start(file: &str) -> (Server, Connection) {
    let server = Server::builder().keys(file.as_bytes()).args(&["max-lifetime", "0"]).start();
    let mut conn = server.conn();
    put_session(&mut conn, "a");
    (server, conn)
}

fn claims() -> Value {
    json!({"jti": "a"})
}

/// The error of a command as one text. The command must be refused.
fn refused(conn: &mut Connection, words: &[&str]) -> String {
    let error = send::<redis::Value>(conn, words).expect_err("a refusal");
    format!("{} {}", error.code().unwrap_or_default(), error.detail().unwrap_or_default())
}

#[test]
fn unsupported_keys_of_a_set_are_skipped_and_logged() {
    let private = pem("RS256");
    let pair = read(std::slice::from_ref(&private)).remove(0);
    let good = with(&pair.public, &json!({"use": "sig", "alg": "RS256", "kid": "good"}));
    let rest = [
        json!({"kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA", "kid": "pq"}),
        json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "use": "sig", "alg": "ES512", "kid": "5"}),
        with(&pair.public, &json!({"alg": "RSA-OAEP", "kid": "enc"})),
        with(&pair.private, &json!({"key_ops": ["encrypt", "decrypt"], "kid": "good"})),
    ];
    let token = sign(&json!({"alg": "RS256", "kid": "good"}), &claims(), &private, Algorithm::RS256);
    for other in &rest {
        let (server, conn) = &mut start(&set(&[other.clone(), good.clone()]));
        assert!(get(conn, &token).is_some(), "{other}");
        assert_eq!(jwks(conn)["keys"].as_array().unwrap().len(), 1, "{other}");
        assert!(server.log().contains("key 1 is skipped: its '"), "{}", server.log());
    }
    // A supported key that is broken refuses the whole file.
    let (server, conn) = &mut start(&set(&[rest[0].clone(), good.clone()]));
    let broken = with(&pair.public, &json!({"n": "AQAB", "kid": "broken"}));
    for (file, problem) in [
        (set(&[rest[0].clone(), good.clone(), broken]), "key 3: the RSA key has 17 bits"),
        (set(&rest), "it contains no key for signatures: key 1 is skipped"),
        (rest[2].to_string(), "it contains no key for signatures: key 1 is skipped: its 'alg'"),
    ] {
        fs::write(server.dir().join("keys"), file).unwrap();
        let error = refused(conn, &["JRS.RELOAD"]);
        assert!(error.starts_with("ERR") && error.contains(problem), "{error}");
        assert!(get(conn, &token).is_some());
    }
}

#[test]
fn tokens_without_kid_are_tried_with_keys_without_kid() {
    for (name, signer) in [("RS256", Algorithm::RS256), ("ES256", Algorithm::ES256), ("EdDSA", Algorithm::EdDSA)] {
        let private = pem(name);
        let pair = read(std::slice::from_ref(&private)).remove(0);
        let sign = |header: &Value| sign(header, &claims(), &private, signer);
        for file in [public_pem(&private), set(std::slice::from_ref(&pair.public)), private.clone()] {
            let (_server, conn) = &mut start(&file);
            for header in
                [json!({"alg": name}), json!({"alg": name, "kid": ""}), json!({"alg": name, "kid": pair.thumbprint})]
            {
                assert!(get(conn, &sign(&header)).is_some(), "{header}");
            }
            assert_bad(conn, &sign(&json!({"alg": name, "kid": "other"})), "sess:a");
            assert_bad(conn, &sign(&json!({"alg": "HS256"})), "sess:a");
            // The published kid is the thumbprint.
            assert_eq!(jwks(conn)["keys"][0]["kid"], pair.thumbprint);
            // The public key cannot be used as an HMAC secret.
            for secret in [public_pem(&private), pair.public.to_string(), pair.thumbprint.clone()] {
                for alg in [name, "HS256"] {
                    let header = json!({"alg": alg}).to_string();
                    let forged = sign_bytes(header.as_bytes(), br#"{"jti":"a"}"#, Algorithm::HS256, secret.as_bytes());
                    assert_bad(conn, &forged, "sess:a");
                }
            }
        }
        // A key with a kid in the file is only for tokens with this kid.
        let (_server, conn) = &mut start(&set(&[with(&pair.public, &json!({"kid": "k"}))]));
        assert!(get(conn, &sign(&json!({"alg": name, "kid": "k"}))).is_some());
        for header in
            [json!({"alg": name}), json!({"alg": name, "kid": ""}), json!({"alg": name, "kid": pair.thumbprint})]
        {
            assert_bad(conn, &sign(&header), "sess:a");
        }
    }
}

/// With two realms of PEM keys, a token without kid is accepted if only one of them has such a key of its algorithm.
#[test]
fn a_token_without_kid_belongs_to_one_realm() {
    let (main, other, edwards) = (pem("ES256"), pem("ES256"), pem("EdDSA"));
    let (server, conn) = &mut start(&public_pem(&main));
    fs::write(server.dir().join("other.pem"), [public_pem(&other), public_pem(&edwards)].concat()).unwrap();
    let realms = "[realm.other]\nkeys-file = 'other.pem'\nkeyspace = 'other:'\nmax-lifetime = 0\n";
    fs::write(server.dir().join("realms.toml"), realms).unwrap();
    exec(conn, &["SET", "other:a", "{}"]);
    let unnamed = sign(&json!({"alg": "ES256"}), &claims(), &main, Algorithm::ES256);
    assert!(get(conn, &unnamed).is_some());
    exec(conn, &["CONFIG", "SET", "jrs.realms-file", "realms.toml"]);
    for (private, name, signer, is_good) in [
        (&main, "ES256", Algorithm::ES256, false),
        (&other, "ES256", Algorithm::ES256, false),
        (&edwards, "EdDSA", Algorithm::EdDSA, true),
        (&edwards, "Ed25519", Algorithm::EdDSA, true),
    ] {
        let token = sign(&json!({"alg": name}), &claims(), private, signer);
        if is_good {
            assert_eq!(get(conn, &token).expect("the session of the realm exists").data, "{}");
        } else {
            assert!(refused(conn, &["JRS.GET", &token]).starts_with("BADTOKEN no active key"), "{name}");
        }
        // With its kid each key is found.
        let kid = read(std::slice::from_ref(private)).remove(0).thumbprint;
        assert!(get(conn, &sign(&json!({"alg": name, "kid": kid}), &claims(), private, signer)).is_some());
    }
}

#[test]
fn ed25519_is_another_name_of_eddsa() {
    let private = pem("EdDSA");
    let pair = read(std::slice::from_ref(&private)).remove(0);
    for members in [json!({}), json!({"alg": "EdDSA"}), json!({"alg": "Ed25519", "ext": true, "key_ops": ["verify"]})] {
        let (_server, conn) = &mut start(&with(&with(&pair.public, &json!({"kid": "ed"})), &members).to_string());
        for name in ["EdDSA", "Ed25519"] {
            let token = sign(&json!({"alg": name, "kid": "ed"}), &claims(), &private, Algorithm::EdDSA);
            assert!(get(conn, &token).is_some(), "{name} with {members}");
        }
        for name in ["ed25519", "Ed448", "ES256"] {
            let token = sign(&json!({"alg": name, "kid": "ed"}), &claims(), &private, Algorithm::EdDSA);
            assert_bad(conn, &token, "sess:a");
        }
        assert_eq!(jwks(conn)["keys"][0]["alg"], "EdDSA", "the published name stays EdDSA");
    }
}

#[test]
fn rsa_pss_keys_are_never_used_with_pkcs1_signatures() {
    let limits = |hash: &str, salt: u8| {
        format!(
            " -pkeyopt rsa_pss_keygen_md:{hash} -pkeyopt rsa_pss_keygen_mgf1_md:{hash} -pkeyopt rsa_pss_keygen_saltlen:{salt}"
        )
    };
    for (limits, setting, expected) in [
        (String::new(), "HS256", "PS256"),
        (String::new(), "RS512", "PS256"),
        (String::new(), "PS384", "PS384"),
        (limits("sha256", 32), "PS512", "PS256"),
        (limits("sha512", 64), "HS256", "PS512"),
    ] {
        let options = format!("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048{limits}");
        let private = text(&openssl(&options, ""));
        let server = Server::builder().keys(private.as_bytes()).args(&["algorithm", setting]).start();
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        assert_eq!(header(&token)["alg"], expected);
        let published = jwks(conn);
        assert_eq!(published["keys"][0]["alg"], expected);
        // The public key and the published key verify the same token.
        for file in cases([("the public key", public_pem(&private)), ("the JWKS", published.to_string())]) {
            fs::write(server.dir().join("keys"), file).unwrap();
            exec(conn, &["JRS.RELOAD"]);
            assert_eq!(get(conn, &token).expect("a session").owner, "ada");
            assert_eq!(jwks(conn), published);
        }
    }
    let (server, conn) = &mut start(&jwk("old", "HS256", SECRET.as_bytes()).to_string());
    let private = openssl("genpkey -algorithm RSA-PSS -pkeyopt rsa_pss_keygen_md:sha1", "");
    fs::write(server.dir().join("keys"), private).unwrap();
    let error = refused(conn, &["JRS.RELOAD"]);
    assert!(error.contains("key 1: the RSA-PSS key's parameters do not fit PS256"), "{error}");
}

#[test]
fn compressed_points_are_accepted_and_trailing_bytes_refused() {
    for (name, signer) in each([("ES256", Algorithm::ES256), ("ES384", Algorithm::ES384)]) {
        let private = pem(name);
        let compressed = text(&openssl("ec -pubout -conv_form compressed", &private));
        assert!(compressed.len() < public_pem(&private).len());
        let (server, conn) = &mut start(&compressed);
        let kid = read(std::slice::from_ref(&private)).remove(0).thumbprint;
        assert_eq!(jwks(conn)["keys"][0]["kid"], kid);
        let token = sign(&json!({"alg": name, "kid": kid}), &claims(), &private, signer);
        assert!(get(conn, &token).is_some());
        // Bytes after a key, such as the point of another key: neither key is loaded.
        let parts = [&private, &pem(name)].map(|private| openssl("pkey -pubout -outform DER", private));
        let (tag, spki) = ("PUBLIC KEY", &parts[0]);
        let point = &parts[1][parts[1].len() - 65..];
        for tail in cases([("a point", point), ("NUL", b"\0"), ("LF", b"\n"), ("a second key", spki)]) {
            let block = pem::encode(&pem::Pem::new(tag, [spki, tail].concat()));
            fs::write(server.dir().join("keys"), block).unwrap();
            let error = refused(conn, &["JRS.RELOAD"]);
            assert!(error.contains("key 1: the key is truncated, or followed by other bytes"), "{error}");
            assert!(get(conn, &token).is_some());
        }
    }
}

//! Tokens interoperate: PyJWT, jsonwebtoken and jose verify what JRS signs, and JRS verifies what they sign.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod programs;
mod sessions;
mod support;

use redis::Connection;
use serde_json::{Value, json};
use sessions::{get, now, refusal, send};
use support::Server;

/// Long enough for every hash: 64 bytes.
const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
/// [`SECRET`] in base64url.
const SECRET_K: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg";
const OTHER_SECRET: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
const KID: &str = "2026-01";

const ISSUER: &str = "https://shop.example";
const AUDIENCE: &str = "checkout";

const ALGORITHMS: [&str; 3] = ["HS256", "HS384", "HS512"];
const LIBRARIES: [Library; 3] = [Library::Jose, Library::Jsonwebtoken, Library::PyJwt];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Library {
    Jose,
    Jsonwebtoken,
    PyJwt,
}

impl Library {
    /// The token that the library makes of these claims.
    fn sign(self, key: &Key, algorithm: &str, claims: &Value) -> String {
        let task = json!({"key": key.material, "kid": key.kid, "algorithm": algorithm, "claims": claims});
        let signed = self.run("sign.mjs", "pyjwt_sign.py", task);
        signed["token"].as_str().unwrap_or_else(|| panic!("{self:?} signed nothing: {signed}")).to_owned()
    }

    /// The header and the claims as the library sees them, or its refusal. `demands`: issuer and audience, if any.
    fn verify(self, key: &Key, algorithm: &str, token: &str, demands: &Value) -> Value {
        let mut task = demands.clone();
        task["key"] = key.material.clone();
        task["algorithm"] = json!(algorithm);
        task["token"] = json!(token);
        self.run("verify.mjs", "pyjwt_verify.py", task)
    }

    fn run(self, npm: &str, python: &str, mut task: Value) -> Value {
        let program = if self == Self::PyJwt { python } else { npm };
        task["library"] = json!(format!("{self:?}").to_lowercase());
        programs::run(program, &task)
    }
}

/// One key, as JRS and as the libraries take it.
struct Key {
    /// The content of the keys-file.
    file: String,
    /// See `tests/interop/key.mjs`.
    material: Value,
    kid: Option<&'static str>,
}

impl Key {
    /// A secret without a name. The algorithm is that of the realm.
    fn raw(secret: &str) -> Self {
        Self { file: secret.to_owned(), material: json!({"secret": secret}), kid: None }
    }

    /// A named key that is pinned to its algorithm.
    fn jwk(algorithm: &str) -> Self {
        let jwk = json!({"kty": "oct", "alg": algorithm, "kid": KID, "k": SECRET_K});
        Self { file: jwk.to_string(), material: json!({"jwk": jwk}), kid: Some(KID) }
    }

    fn both_shapes(algorithm: &str) -> [Self; 2] {
        [Self::raw(SECRET), Self::jwk(algorithm)]
    }

    fn server(&self, algorithm: &str, arguments: &[(&str, &str)]) -> Server {
        let mut builder = Server::builder().keys(self.file.as_bytes()).arg("algorithm", algorithm);
        for (name, value) in arguments {
            builder = builder.arg(name, value);
        }
        builder.start()
    }
}

/// Writes a session for the id without JRS, as an application that signs its own tokens would.
fn put_session(connection: &mut Connection, id: &str) {
    send::<()>(connection, &["SET", &format!("sess:{id}"), r#"{"a":1}"#, "EX", "100"]).unwrap();
}

fn libraries_accept_what_jrs_signs(algorithm: &str) {
    for key in Key::both_shapes(algorithm) {
        let server = key.server(algorithm, &[("issuer", ISSUER), ("audience", AUDIENCE)]);
        let connection = &mut server.conn();
        let before = now();
        let deadline = before + 1000;
        let claims = r#"{"role":"admin","name":"Zoë","limit":1.5,"groups":["a",{"b":null}]}"#;
        let create = ["JRS.CREATE", "alice", "{}", "CLAIMS", claims, "EXAT", &deadline.to_string()];
        let token: String = send(connection, &create).unwrap();
        let session = get(connection, &token).unwrap();
        assert!(session.id.starts_with("{alice}:"), "{}", session.id);

        for library in LIBRARIES {
            let demands = json!({"issuer": ISSUER, "audience": AUDIENCE});
            let seen = library.verify(&key, algorithm, &token, &demands);
            let claims = &seen["claims"];
            let issued_at = claims["iat"].as_i64().unwrap_or_else(|| panic!("{library:?} has no iat: {seen}"));
            assert!((before..=now()).contains(&issued_at), "{library:?}: {seen}");
            let expected = json!({
                "jti": session.id, "iat": issued_at, "sub": "alice", "iss": ISSUER, "aud": AUDIENCE, "exp": deadline,
                "role": "admin", "name": "Zoë", "limit": 1.5, "groups": ["a", {"b": null}],
            });
            assert_eq!(claims, &expected, "{library:?}");
            assert_eq!(claims, &session.claims, "{library:?} and JRS.GET read the same");
            assert_eq!(seen["header"]["alg"], json!(algorithm), "{library:?}");
            assert_eq!(seen["header"]["kid"], json!(key.kid), "{library:?}");

            for demands in [json!({"issuer": "another", "audience": AUDIENCE}), json!({"audience": "another"})] {
                let refused = library.verify(&key, algorithm, &token, &demands);
                assert!(refused["refused"].is_string(), "{library:?} takes any {demands}: {refused}");
            }
            let refused = library.verify(&Key::raw(OTHER_SECRET), algorithm, &token, &demands);
            assert!(refused["refused"].is_string(), "{library:?} takes any key: {refused}");
        }
    }
}

#[test]
fn libraries_accept_what_jrs_signs_hs256() {
    libraries_accept_what_jrs_signs("HS256");
}

#[test]
fn libraries_accept_what_jrs_signs_hs384() {
    libraries_accept_what_jrs_signs("HS384");
}

#[test]
fn libraries_accept_what_jrs_signs_hs512() {
    libraries_accept_what_jrs_signs("HS512");
}

#[test]
fn libraries_accept_the_plainest_token_of_jrs() {
    let key = Key::raw(SECRET);
    let server = key.server("HS256", &[]);
    let connection = &mut server.conn();
    let token: String = send(connection, &["JRS.CREATE", "", "{}"]).unwrap();
    let session = get(connection, &token).unwrap();
    let expected = json!({"jti": session.id, "iat": session.claims["iat"]});
    assert_eq!(session.claims, expected, "anonymous, without a deadline: nothing more to say");
    for library in LIBRARIES {
        assert_eq!(library.verify(&key, "HS256", &token, &json!({}))["claims"], expected, "{library:?}");
    }
}

#[test]
fn jrs_accepts_what_libraries_sign() {
    for algorithm in ALGORITHMS {
        for key in Key::both_shapes(algorithm) {
            let server = key.server(algorithm, &[]);
            let connection = &mut server.conn();
            for library in LIBRARIES {
                let id = format!("from {library:?}");
                put_session(connection, &id);
                let claims = json!({"jti": id, "iat": now(), "sub": "alice", "name": "Zoë", "limit": 1.5});
                let token = library.sign(&key, algorithm, &claims);
                let session = get(connection, &token).expect("the session was put there");
                assert_eq!((session.id.as_str(), session.owner.as_str()), (id.as_str(), "alice"), "{library:?}");
                assert_eq!((session.data.as_str(), &session.claims), (r#"{"a":1}"#, &claims), "{library:?}");
                assert_eq!(session.ttl, 86_400, "{library:?}: reading slides it from the 100 seconds it had");
            }
        }
    }
}

#[test]
fn a_token_of_jrs_and_one_of_a_library_open_the_same_session() {
    for library in LIBRARIES {
        let key = Key::jwk("HS256");
        let server = key.server("HS256", &[]);
        let connection = &mut server.conn();
        let ours: String = send(connection, &["JRS.CREATE", "alice", r#"{"n":1}"#]).unwrap();
        let session = get(connection, &ours).unwrap();
        let theirs = library.sign(&key, "HS256", &session.claims);
        send::<String>(connection, &["JRS.UPDATE", &theirs, r#"{"n":2}"#]).unwrap();
        assert_eq!(get(connection, &ours).unwrap().data, r#"{"n":2}"#, "{library:?}");
        assert_eq!(send::<i64>(connection, &["JRS.DESTROY", &theirs]).unwrap(), 1, "{library:?}");
        assert!(get(connection, &ours).is_none(), "{library:?}");
    }
}

#[test]
fn jrs_refuses_what_libraries_sign_with_another_key_or_algorithm() {
    for key in Key::both_shapes("HS256") {
        let server = key.server("HS256", &[]);
        let connection = &mut server.conn();
        for library in LIBRARIES {
            put_session(connection, "x");
            let claims = json!({"jti": "x", "iat": now()});
            let good = library.sign(&key, "HS256", &claims);
            assert!(get(connection, &good).is_some(), "{library:?}: what is refused below differs in one thing only");

            let other = Key { kid: key.kid, ..Key::raw(OTHER_SECRET) };
            let unknown = Key { kid: Some("nobody's"), ..Key::raw(SECRET) };
            let bad = [
                ("another key", library.sign(&other, "HS256", &claims)),
                ("an unknown kid", library.sign(&unknown, "HS256", &claims)),
                ("none", library.sign(&key, "none", &claims)),
                ("HS384", library.sign(&Key { kid: key.kid, ..Key::raw(SECRET) }, "HS384", &claims)),
                ("HS512", library.sign(&Key { kid: key.kid, ..Key::raw(SECRET) }, "HS512", &claims)),
            ];
            for (what, token) in bad {
                assert_eq!(refusal(connection, &token), "BADTOKEN", "{library:?}, {what}");
            }
        }
    }
}

#[test]
fn jrs_refuses_what_is_expired_or_not_valid_yet() {
    let key = Key::raw(SECRET);
    let server = key.server("HS256", &[]);
    let connection = &mut server.conn();
    for library in LIBRARIES {
        put_session(connection, "x");
        let token_with = |claim: &str, time: i64| library.sign(&key, "HS256", &json!({"jti": "x", claim: time}));
        let (past, future) = (now() - 1, now() + 1000);
        assert_eq!(refusal(connection, &token_with("exp", past)), "EXPIREDTOKEN", "{library:?}");
        assert_eq!(refusal(connection, &token_with("nbf", future)), "BADTOKEN", "{library:?}");
        assert!(get(connection, &token_with("exp", future)).is_some(), "{library:?}");
        assert!(get(connection, &token_with("nbf", past)).is_some(), "{library:?}");
    }
}

#[test]
fn jrs_insists_on_the_issuer_and_audience_of_its_realm() {
    let key = Key::raw(SECRET);
    let server = key.server("HS256", &[("issuer", ISSUER), ("audience", AUDIENCE)]);
    let connection = &mut server.conn();
    for library in LIBRARIES {
        put_session(connection, "x");
        let token = |issuer: &str, audience: Value| {
            library.sign(&key, "HS256", &json!({"jti": "x", "iss": issuer, "aud": audience}))
        };
        for audience in [json!(AUDIENCE), json!(["another", AUDIENCE])] {
            assert!(get(connection, &token(ISSUER, audience.clone())).is_some(), "{library:?}: {audience}");
            assert_eq!(refusal(connection, &token("another", audience)), "BADTOKEN", "{library:?}");
        }
        assert_eq!(refusal(connection, &token(ISSUER, json!("another"))), "BADTOKEN", "{library:?}");
        assert_eq!(refusal(connection, &library.sign(&key, "HS256", &json!({"jti": "x"}))), "BADTOKEN", "{library:?}");
    }
}

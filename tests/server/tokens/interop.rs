//! HMAC tokens interoperate: PyJWT, jsonwebtoken and jose verify tokens of JRS, and JRS verifies their tokens.

use redis::Connection;
use serde_json::{Value, json};

use crate::support::{
    Server,
    cases::each,
    programs,
    sessions::{exec, get, now, refusal, send},
};

/// 64 bytes, long enough for each hash.
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
    /// The tokens of the library, one for each task of [`Key::signing`].
    fn sign(self, tasks: &[Value]) -> Vec<String> {
        let tokens = self.run("sign.mjs", "pyjwt_sign.py", tasks);
        serde_json::from_value(tokens).unwrap_or_else(|error| panic!("{self:?} did not print tokens: {error}"))
    }

    /// The result for each token of a task of [`Key::verifying`]: header and claims, or why the library refuses it.
    fn verify(self, tasks: &[Value]) -> Vec<Value> {
        let outcomes = self.run("verify.mjs", "pyjwt_verify.py", tasks);
        let outcomes = outcomes.as_array().expect("a result for each task");
        assert_eq!(outcomes.len(), tasks.len(), "{self:?}");
        outcomes.clone()
    }

    /// Runs all tasks in one process, because starting it takes longer than the tasks.
    fn run(self, npm: &str, python: &str, tasks: &[Value]) -> Value {
        let program = if self == Self::PyJwt { python } else { npm };
        programs::run(program, &json!({"library": format!("{self:?}").to_lowercase(), "tasks": tasks}))
    }
}

/// A key for JRS and for the libraries.
struct Key {
    /// The content of the key file.
    file: String,
    /// The key for `tests/interop/key.mjs`.
    material: Value,
    kid: Option<&'static str>,
}

impl Key {
    /// A secret without a kid. The realm has the algorithm.
    fn raw(secret: &str) -> Self {
        Self { file: secret.to_owned(), material: json!({"secret": secret}), kid: None }
    }

    /// A JWK with a kid and an algorithm.
    fn jwk(algorithm: &str) -> Self {
        let jwk = json!({"kty": "oct", "alg": algorithm, "kid": KID, "k": SECRET_K});
        Self { file: jwk.to_string(), material: json!({"jwk": jwk}), kid: Some(KID) }
    }

    /// A raw secret with the kid of this key.
    fn with_same_kid(&self, secret: &str) -> Self {
        Self { kid: self.kid, ..Self::raw(secret) }
    }

    /// The same secret as raw text and as a JWK.
    fn both_forms(algorithm: &str) -> [Self; 2] {
        [Self::raw(SECRET), Self::jwk(algorithm)]
    }

    /// A task to sign a token.
    fn signing(&self, algorithm: &str, claims: &Value) -> Value {
        json!({"key": self.material, "kid": self.kid, "algorithm": algorithm, "claims": claims})
    }

    /// A task to verify a token. `rules` are the issuer and the audience that the library requires, if any.
    fn verifying(&self, algorithm: &str, token: &str, rules: &Value) -> Value {
        let mut task = rules.clone();
        task["key"] = self.material.clone();
        task["algorithm"] = json!(algorithm);
        task["token"] = json!(token);
        task
    }

    fn server(&self, algorithm: &str, arguments: &[(&str, &str)]) -> Server {
        let mut builder = Server::builder().keys(self.file.as_bytes()).arg("algorithm", algorithm);
        for (name, value) in arguments {
            builder = builder.arg(name, value);
        }
        builder.start()
    }
}

/// Writes a session for the id without JRS, as an application that signs its own tokens does.
fn put_session(connection: &mut Connection, id: &str) {
    exec(connection, &["SET", &format!("sess:{id}"), r#"{"a":1}"#, "EX", "100"]);
}

#[test]
fn libraries_accept_tokens_of_jrs() {
    for algorithm in each(ALGORITHMS) {
        for key in Key::both_forms(algorithm) {
            let server = key.server(algorithm, &[("issuer", ISSUER), ("audience", AUDIENCE)]);
            let connection = &mut server.conn();
            let before = now();
            let claims = r#"{"role":"admin","name":"Zoë","limit":1.5,"groups":["a",{"b":null}]}"#;
            let deadline = before + 1000;
            let create = ["JRS.CREATE", "alice", "{}", "CLAIMS", claims, "EXAT", &deadline.to_string()];
            let token: String = send(connection, &create).unwrap();
            let session = get(connection, &token).unwrap();
            assert!(session.id.starts_with("{alice}:"), "{}", session.id);
            let issued_at = session.claims["iat"].as_i64().expect("iat is whole seconds");
            assert!((before..=now()).contains(&issued_at), "{issued_at}");
            let expected = json!({
                "jti": session.id, "iat": issued_at, "sub": "alice", "iss": ISSUER, "aud": AUDIENCE, "exp": deadline,
                "role": "admin", "name": "Zoë", "limit": 1.5, "groups": ["a", {"b": null}],
            });
            assert_eq!(session.claims, expected);

            let rules = json!({"issuer": ISSUER, "audience": AUDIENCE});
            let tasks = [
                key.verifying(algorithm, &token, &rules),
                key.verifying(algorithm, &token, &json!({"issuer": "another", "audience": AUDIENCE})),
                key.verifying(algorithm, &token, &json!({"issuer": ISSUER, "audience": "another"})),
                key.with_same_kid(OTHER_SECRET).verifying(algorithm, &token, &rules),
            ];
            for library in LIBRARIES {
                let seen = library.verify(&tasks);
                assert_eq!(seen[0]["claims"], expected, "{library:?}");
                let header = &seen[0]["header"];
                assert_eq!((&header["alg"], &header["kid"]), (&json!(algorithm), &json!(key.kid)), "{library:?}");
                for outcome in &seen[1..] {
                    assert!(outcome["refused"].is_string(), "{library:?} must refuse the token: {outcome}");
                }
            }
        }
    }
}

#[test]
fn libraries_accept_a_minimal_token_of_jrs() {
    let key = Key::raw(SECRET);
    let server = key.server("HS256", &[]);
    let connection = &mut server.conn();
    let token: String = send(connection, &["JRS.CREATE", "", "{}"]).unwrap();
    let session = get(connection, &token).unwrap();
    let expected = json!({"jti": session.id, "iat": session.claims["iat"]});
    assert_eq!(session.claims, expected, "an anonymous session without a deadline has no other claims");
    for library in LIBRARIES {
        let seen = library.verify(&[key.verifying("HS256", &token, &json!({}))]);
        assert_eq!(seen[0]["claims"], expected, "{library:?}");
    }
}

#[test]
fn jrs_accepts_tokens_of_libraries() {
    let claims = json!({"jti": "theirs", "iat": now(), "sub": "alice", "name": "Zoë", "limit": 1.5});
    let keys = ALGORITHMS.map(|algorithm| Key::both_forms(algorithm).map(|key| (algorithm, key)));
    let keys: Vec<_> = keys.into_iter().flatten().collect();
    let tasks: Vec<_> = keys.iter().map(|(algorithm, key)| key.signing(algorithm, &claims)).collect();
    for library in LIBRARIES {
        for ((algorithm, key), token) in keys.iter().zip(library.sign(&tasks)) {
            let server = key.server(algorithm, &[]);
            let connection = &mut server.conn();
            put_session(connection, "theirs");
            let session = get(connection, &token).expect("the session exists");
            assert_eq!((session.id.as_str(), session.owner.as_str()), ("theirs", "alice"), "{library:?}, {algorithm}");
            assert_eq!((session.data.as_str(), &session.claims), (r#"{"a":1}"#, &claims), "{library:?}, {algorithm}");
            assert_eq!(session.ttl, 86_400, "{library:?}, {algorithm}: GET extends the TTL of 100 seconds");
        }
    }
}

#[test]
fn a_token_of_jrs_and_one_of_a_library_open_the_same_session() {
    let key = Key::jwk("HS256");
    let server = key.server("HS256", &[]);
    let connection = &mut server.conn();
    for library in LIBRARIES {
        let ours: String = send(connection, &["JRS.CREATE", "alice", r#"{"n":1}"#]).unwrap();
        let session = get(connection, &ours).unwrap();
        let theirs = &library.sign(&[key.signing("HS256", &session.claims)])[0];
        send::<String>(connection, &["JRS.UPDATE", theirs, r#"{"n":2}"#]).unwrap();
        assert_eq!(get(connection, &ours).unwrap().data, r#"{"n":2}"#, "{library:?}");
        assert_eq!(send::<i64>(connection, &["JRS.DESTROY", theirs]).unwrap(), 1, "{library:?}");
        assert!(get(connection, &ours).is_none(), "{library:?}");
    }
}

#[test]
fn jrs_refuses_tokens_of_another_key_or_algorithm() {
    for key in Key::both_forms("HS256") {
        let server = key.server("HS256", &[]);
        let connection = &mut server.conn();
        put_session(connection, "x");
        let claims = json!({"jti": "x", "iat": now()});
        let good = key.signing("HS256", &claims);
        let mut bad = vec![
            ("another secret", key.with_same_kid(OTHER_SECRET).signing("HS256", &claims)),
            ("an unknown kid", Key { kid: Some("unknown"), ..Key::raw(SECRET) }.signing("HS256", &claims)),
            ("none", key.signing("none", &claims)),
            ("HS384", key.with_same_kid(SECRET).signing("HS384", &claims)),
            ("HS512", key.with_same_kid(SECRET).signing("HS512", &claims)),
        ];
        if key.kid.is_some() {
            bad.push(("no kid", Key::raw(SECRET).signing("HS256", &claims)));
        }
        let tasks: Vec<_> = std::iter::once(good).chain(bad.iter().map(|(_, task)| task.clone())).collect();
        for library in LIBRARIES {
            let tokens = library.sign(&tasks);
            assert!(
                get(connection, &tokens[0]).is_some(),
                "{library:?}: the refused tokens differ from this one in one point"
            );
            for ((name, _), token) in bad.iter().zip(&tokens[1..]) {
                assert_eq!(refusal(connection, token), "BADTOKEN", "{library:?}, {name}");
            }
        }
    }
}

#[test]
fn jrs_refuses_expired_and_not_yet_valid_tokens() {
    let key = Key::raw(SECRET);
    let server = key.server("HS256", &[]);
    let connection = &mut server.conn();
    put_session(connection, "x");
    let (past, future) = (now() - 1, now() + 1000);
    let tasks = [("exp", past), ("nbf", future), ("exp", future), ("nbf", past)]
        .map(|(claim, time)| key.signing("HS256", &json!({"jti": "x", "iat": past, claim: time})));
    for library in LIBRARIES {
        let tokens = library.sign(&tasks);
        assert_eq!(refusal(connection, &tokens[0]), "EXPIREDTOKEN", "{library:?}");
        assert_eq!(refusal(connection, &tokens[1]), "BADTOKEN", "{library:?}");
        assert!(get(connection, &tokens[2]).is_some(), "{library:?}: exp in the future");
        assert!(get(connection, &tokens[3]).is_some(), "{library:?}: nbf in the past");
    }
}

#[test]
fn jrs_requires_the_issuer_and_audience_of_the_realm() {
    let key = Key::raw(SECRET);
    let server = key.server("HS256", &[("issuer", ISSUER), ("audience", AUDIENCE)]);
    let connection = &mut server.conn();
    put_session(connection, "x");
    let good = [
        json!({"jti": "x", "iat": now(), "iss": ISSUER, "aud": AUDIENCE}),
        json!({"jti": "x", "iat": now(), "iss": ISSUER, "aud": ["another", AUDIENCE]}),
    ];
    let bad = [
        json!({"jti": "x", "iat": now(), "iss": "another", "aud": AUDIENCE}),
        json!({"jti": "x", "iat": now(), "iss": ISSUER, "aud": "another"}),
        json!({"jti": "x", "iat": now(), "iss": ISSUER}),
        json!({"jti": "x", "iat": now(), "aud": AUDIENCE}),
    ];
    let tasks: Vec<_> = good.iter().chain(&bad).map(|claims| key.signing("HS256", claims)).collect();
    for library in LIBRARIES {
        let tokens = library.sign(&tasks);
        let (accepted, refused) = tokens.split_at(good.len());
        for (token, claims) in accepted.iter().zip(&good) {
            assert!(get(connection, token).is_some(), "{library:?}: {claims}");
        }
        for (token, claims) in refused.iter().zip(&bad) {
            assert_eq!(refusal(connection, token), "BADTOKEN", "{library:?}: {claims}");
        }
    }
}

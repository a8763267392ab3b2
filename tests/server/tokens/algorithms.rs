//! Tokens of public-key algorithms interoperate: libraries verify tokens of JRS with the keys that JRS.JWKS publishes, and
//! JRS verifies tokens of libraries, also with only the public key.

use serde_json::{Value, json};

use crate::support::{
    Server,
    keypairs::{ALGORITHMS, Pair, generate, jwks, openssl, pem, public_pem, put_session, read, set, text, with},
    programs,
    sessions::{create, get, now, refusal, refused, send},
    tokens::{SECRET, claims, header, jwk},
};

/// The default max-lifetime, in seconds.
const MAX_LIFETIME: i64 = 2_592_000;

/// A key for JRS and for the libraries.
struct Case {
    algorithm: &'static str,
    /// A key file with the private key.
    private: String,
    /// A key file with the public key.
    public: String,
    pair: Pair,
    kid: String,
}

impl Case {
    fn server(&self, file: &str) -> Server {
        Server::builder().keys(file.as_bytes()).arg("algorithm", self.algorithm).start()
    }

    /// A private key and its public key in PEM, without an algorithm or a kid.
    fn pem(algorithm: &'static str, private: String, public: String) -> Self {
        let pair = read(std::slice::from_ref(&private)).remove(0);
        let kid = pair.thumbprint.clone();
        Self { algorithm, private, public, pair, kid }
    }
}

/// The libraries that know the algorithm.
fn libraries(algorithm: &str) -> &'static [&'static str] {
    // The npm package jsonwebtoken does not know EdDSA.
    if algorithm == "EdDSA" { &["jose", "pyjwt"] } else { &["jose", "pyjwt", "jsonwebtoken"] }
}

/// Runs the library's program for these tasks.
fn run(library: &str, npm: &str, python: &str, tasks: &[Value]) -> Vec<Value> {
    let program = if library == "pyjwt" { python } else { npm };
    let results = programs::run(program, &json!({"library": library, "tasks": tasks}));
    let results = results.as_array().expect("a result for each task").clone();
    assert_eq!(results.len(), tasks.len());
    results
}

/// Tokens of a library with the jti `theirs`, one for each case.
fn sign(library: &str, cases: &[&Case]) -> Vec<String> {
    let claims = json!({"jti": "theirs", "iat": now(), "sub": "alice", "name": "Zoë"});
    let task = |case: &&Case| json!({"key": {"jwk": case.pair.private}, "kid": case.kid, "algorithm": case.algorithm, "claims": claims});
    let tokens = run(library, "sign.mjs", "pyjwt_sign.py", &cases.iter().map(task).collect::<Vec<_>>());
    tokens.iter().map(|token| token.as_str().expect("a token").to_owned()).collect()
}

/// Checks signing, verifying and publishing with each key, in JRS and in the libraries.
fn check(cases: &[Case]) {
    let mut verifying = Vec::new();
    let mut signed: Vec<Vec<String>> = cases.iter().map(|_| Vec::new()).collect();
    for library in ["jose", "pyjwt", "jsonwebtoken"] {
        let able = |at: &usize| libraries(cases[*at].algorithm).contains(&library);
        let positions: Vec<usize> = (0..cases.len()).filter(able).collect();
        let tokens = sign(library, &positions.iter().map(|at| &cases[*at]).collect::<Vec<_>>());
        for (at, token) in positions.into_iter().zip(tokens) {
            signed[at].push(token);
        }
    }
    for (case, theirs) in cases.iter().zip(&signed) {
        let (algorithm, file) = (case.algorithm, &case.private);
        let published = json!({"keys": [case.pair.published(&case.kid, algorithm)]});

        let server = case.server(&case.private);
        let conn = &mut server.conn();
        put_session(conn, "theirs");
        let before = now();
        let token = create(conn, "alice", r#"{"n":1}"#, &["CLAIMS", r#"{"name":"Zoë"}"#]);
        assert_eq!(header(&token), json!({"alg": algorithm, "typ": "JWT", "kid": case.kid}), "{file}");
        let end = claims(&token)["exp"].as_i64().expect("a token that others can verify has an exp");
        assert!((before + MAX_LIFETIME..=now() + MAX_LIFETIME + 1).contains(&end), "{end}");
        assert_eq!(get(conn, &token).expect("a session").claims, claims(&token));
        assert_eq!(jwks(conn), published, "{file}");
        for token in theirs {
            let session = get(conn, token).expect("the session exists");
            assert_eq!((session.id.as_str(), session.data.as_str()), ("theirs", r#"{"a":1}"#), "{algorithm}");
        }

        let server = case.server(&case.public);
        let conn = &mut server.conn();
        put_session(conn, "theirs");
        for token in theirs {
            assert_eq!(get(conn, token).expect("the session exists").owner, "alice", "{algorithm}: {file}");
        }
        assert!(get(conn, &token).is_none(), "the token is accepted, but its session is on another server");
        assert_eq!(refused(conn, &["JRS.CREATE", "alice", "{}"]), "NOKEYS", "{algorithm}: {file}");
        assert_eq!(jwks(conn), published, "{}", case.public);

        // Shows that the libraries check signatures.
        let mut forged = token.clone().into_bytes();
        let at = forged.len() - 10;
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        assert_eq!(refusal(conn, &forged), "BADTOKEN");
        for token in [token, forged] {
            verifying.push(json!({"key": {"jwks": published}, "algorithm": algorithm, "token": token}));
        }
    }
    for library in ["jose", "pyjwt"] {
        for (outcome, task) in run(library, "verify.mjs", "pyjwt_verify.py", &verifying).chunks(2).zip(cases) {
            assert_eq!(outcome[0]["claims"]["sub"], "alice", "{library}, {}: {}", task.algorithm, outcome[0]);
            assert!(outcome[1]["refused"].is_string(), "{library}, {}: {}", task.algorithm, outcome[1]);
        }
    }
}

#[test]
fn keys_from_openssl_interoperate() {
    let rsa = pem("RS256");
    let mut cases = Vec::new();
    for algorithm in ALGORITHMS {
        let private = if algorithm.contains('S') && !algorithm.starts_with('E') { rsa.clone() } else { pem(algorithm) };
        let public = public_pem(&private);
        cases.push(Case::pem(algorithm, private, public));
    }
    let traditional = text(&openssl("rsa -traditional", &rsa));
    assert!(traditional.starts_with("-----BEGIN RSA PRIVATE KEY-----"), "PKCS#1");
    let public = text(&openssl("rsa -RSAPublicKey_out", &rsa));
    assert!(public.starts_with("-----BEGIN RSA PUBLIC KEY-----"), "PKCS#1");
    cases.push(Case::pem("RS256", traditional, public));
    for (algorithm, curve) in [("ES256", "prime256v1"), ("ES384", "secp384r1")] {
        let private = text(&openssl(&format!("ecparam -genkey -name {curve}"), ""));
        assert!(private.starts_with("-----BEGIN EC PARAMETERS-----") && private.contains("-----BEGIN EC PRIVATE KEY"));
        let public = public_pem(&private);
        cases.push(Case::pem(algorithm, private, public));
    }
    check(&cases);
}

#[test]
fn keys_from_jose_interoperate() {
    let cases: Vec<Case> = ALGORITHMS
        .into_iter()
        .zip(generate(&ALGORITHMS))
        .enumerate()
        .map(|(at, (algorithm, pair))| {
            // Each third key has no kid: its thumbprint is used.
            let (kid, members) = match at % 3 {
                0 => (pair.thumbprint.clone(), json!({"alg": algorithm})),
                1 => ("key \"1\" \\ 2026".to_owned(), json!({"alg": algorithm, "kid": "key \"1\" \\ 2026"})),
                _ => ("k".to_owned(), json!({"kid": "k", "use": "sig", "ext": true, "x5t": "nonsense"})),
            };
            let file = |jwk: &Value| if at % 2 == 0 { jwk.to_string() } else { set(std::slice::from_ref(jwk)) };
            let (private, public) = (file(&with(&pair.private, &members)), file(&with(&pair.public, &members)));
            Case { algorithm, private, public, pair, kid }
        })
        .collect();
    check(&cases);
}

#[test]
fn a_pem_file_may_have_several_keys() {
    let ec = text(&openssl("ecparam -genkey -name prime256v1", ""));
    let (rsa, ed, other) = (pem("RS256"), pem("EdDSA"), pem("ES384"));
    let traditional = text(&openssl("rsa -traditional", &rsa));
    let pairs = read(&[public_pem(&other), ec.clone(), traditional.clone(), ed.clone()]);
    let file = format!("# public\n{}\n# ours\r\n{ec}\n\n{traditional}trailing\n{ed}", public_pem(&other));
    let server = Server::builder().keys(file.as_bytes()).start();
    let conn = &mut server.conn();
    assert_eq!(header(&create(conn, "ada", "{}", &[]))["kid"], pairs[1].thumbprint, "the first key that can sign");
    let algorithms = ["ES384", "ES256", "RS256", "EdDSA"];
    let published = pairs.iter().zip(algorithms).map(|(pair, algorithm)| pair.published(&pair.thumbprint, algorithm));
    assert_eq!(jwks(conn), json!({"keys": published.collect::<Vec<_>>()}));
    put_session(conn, "theirs");
    for (pair, algorithm) in read(&[other, ec, traditional, ed]).into_iter().zip(algorithms) {
        let kid = pair.thumbprint.clone();
        let case = Case { algorithm, private: String::new(), public: String::new(), pair, kid };
        assert!(get(conn, &sign("jose", &[&case])[0]).is_some(), "{algorithm}");
    }
}

#[test]
fn private_keys_are_not_published() {
    let pairs = generate(&["RS256", "ES256", "EdDSA", "ES384"]);
    let names = ["a", "b", "c", "d"];
    let keys =
        pairs.iter().zip(names).map(|(pair, kid)| with(&pair.private, &json!({"kid": kid, "key_ops": ["sign"]})));
    let mut keys: Vec<Value> = keys.collect();
    keys.insert(2, jwk("secret", "HS256", SECRET.as_bytes()));
    let server = Server::builder().keys(set(&keys).as_bytes()).start();
    let conn = &mut server.conn();
    let algorithms = ["RS256", "ES256", "EdDSA", "ES384"];
    let published = pairs.iter().zip(names).zip(algorithms).map(|((pair, kid), name)| pair.published(kid, name));
    assert_eq!(jwks(conn), json!({"keys": published.collect::<Vec<_>>()}));
    let realms = format!("{:?}", send::<redis::Value>(conn, &["JRS.REALMS"]).unwrap());
    for secret in keys.iter().flat_map(|key| ["d", "p", "q", "dp", "dq", "qi", "k"].map(|name| &key[name])) {
        if let Some(secret) = secret.as_str() {
            let text: String = send(conn, &["JRS.JWKS"]).unwrap();
            assert!(!text.contains(secret) && !realms.contains(secret) && !server.log().contains(secret));
        }
    }
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    assert_eq!(jwks(&mut server.conn()), json!({"keys": []}));
}

#[test]
fn use_and_key_ops_limit_a_key() {
    let pair = generate(&["ES256"]).remove(0);
    let case = |kid: &str| {
        let (pair, kid) = (pair.clone(), kid.to_owned());
        Case { algorithm: "ES256", private: String::new(), public: String::new(), pair, kid }
    };
    let theirs = sign("jose", &[&case("k")]).remove(0);
    let other = with(&generate(&["EdDSA"])[0].private, &json!({"kid": "other"}));
    let (private, public) = (&pair.private, &pair.public);
    for (jwk, purpose, signs, verifies) in [
        (private, json!({}), true, true),
        (private, json!({"use": "sig"}), true, true),
        (private, json!({"use": "enc"}), false, false),
        (private, json!({"use": "SIG"}), false, false),
        (private, json!({"key_ops": ["sign", "verify"]}), true, true),
        (private, json!({"key_ops": ["sign"]}), true, true),
        (private, json!({"key_ops": ["verify"]}), false, true),
        (public, json!({"key_ops": ["verify"]}), false, true),
        (public, json!({"key_ops": ["verify", "encrypt"], "use": "sig"}), false, true),
        (public, json!({"key_ops": ["sign"]}), false, false),
        (public, json!({"key_ops": []}), false, false),
        (public, json!({"use": "enc", "alg": "ECDH-ES", "key_ops": ["verify"]}), false, false),
    ] {
        let key = with(&with(jwk, &purpose), &json!({"kid": "k"}));
        let server = Server::builder().keys(set(&[key.clone(), other.clone()]).as_bytes()).start();
        let conn = &mut server.conn();
        put_session(conn, "theirs");
        let signer = header(&create(conn, "ada", "{}", &[]))["kid"].clone();
        assert_eq!(signer, if signs { "k" } else { "other" }, "{key}");
        if verifies {
            assert!(get(conn, &theirs).is_some(), "{key}");
        } else {
            assert_eq!(refusal(conn, &theirs), "BADTOKEN", "{key}");
        }
        let published = jwks(conn)["keys"].as_array().unwrap().iter().any(|key| key["kid"] == "k");
        assert_eq!(published, verifies, "{key}");
        // A file whose only key cannot be used is refused.
        let alone = Server::builder().keys(key.to_string().as_bytes()).try_start();
        assert_eq!(alone.is_ok(), verifies, "{key}");
    }
}

#[test]
fn tokens_that_others_can_verify_have_an_exp() {
    let ec = with(&generate(&["ES256"])[0].private, &json!({"kid": "k"}));
    let secret = jwk("s", "HS256", SECRET.as_bytes());
    for (keys, lifetime, has_exp) in [
        (vec![ec.clone()], "1000", true),
        (vec![ec.clone(), secret.clone()], "1000", true),
        (vec![ec.clone()], "0", false),
        (vec![secret], "1000", false),
    ] {
        let server = Server::builder().keys(set(&keys).as_bytes()).arg("max-lifetime", lifetime).start();
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        let (end, start) = (claims(&token)["exp"].as_i64(), claims(&token)["iat"].as_i64().unwrap());
        assert_eq!(end.is_some(), has_exp, "{keys:?}, {lifetime}");
        assert!(end.is_none_or(|end| (start + 999..=start + 1001).contains(&end)), "{end:?} after {start}");
        let deadline = (now() + 500).to_string();
        let token = create(conn, "ada", "{}", &["EXAT", &deadline]);
        assert_eq!(claims(&token)["exp"].to_string(), deadline);
    }
}

//! Asymmetric keys, made by openssl or jose, and what Node and jose read in them.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use redis::Connection;
use serde_json::{Value, json};

use crate::support::{
    programs,
    sessions::{assert_refused, exec, send},
};

pub(crate) const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// A key as Node and jose read it: the numbers alone.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The private JWK; null for a public key.
    pub(crate) private: Value,
    /// The public JWK.
    pub(crate) public: Value,
    /// Its RFC 7638 thumbprint.
    pub(crate) thumbprint: String,
}

impl Pair {
    /// The public key as JRS is to publish it.
    pub(crate) fn published(&self, kid: &str, algorithm: &str) -> Value {
        with(&self.public, &json!({"use": "sig", "alg": algorithm, "kid": kid}))
    }
}

/// New keys for these algorithms, made by jose.
pub(crate) fn generate(algorithms: &[&str]) -> Vec<Pair> {
    described(algorithms.iter().map(|algorithm| json!({"generate": algorithm})).collect())
}

/// What is in these PEM files of one key each.
pub(crate) fn read(files: &[String]) -> Vec<Pair> {
    described(files.iter().map(|file| json!({"pem": file})).collect())
}

fn described(tasks: Vec<Value>) -> Vec<Pair> {
    let answers = programs::run("keys.mjs", &json!({"tasks": tasks}));
    let pair = |answer: &Value| Pair {
        private: answer["private"].clone(),
        public: answer["public"].clone(),
        thumbprint: answer["thumbprint"].as_str().expect("a thumbprint").to_owned(),
    };
    answers.as_array().expect("an answer for each task").iter().map(pair).collect()
}

/// A JWK with more members, or other values of them.
pub(crate) fn with(jwk: &Value, members: &Value) -> Value {
    let mut jwk = jwk.clone();
    let added = members.as_object().expect("members are an object").clone();
    jwk.as_object_mut().expect("a JWK is an object").extend(added);
    jwk
}

/// The content of a key file that holds these JWKs.
pub(crate) fn set(jwks: &[Value]) -> String {
    json!({"keys": jwks}).to_string()
}

/// A new private key for an algorithm, in PKCS#8 PEM, made by openssl.
pub(crate) fn pem(algorithm: &str) -> String {
    text(&match algorithm {
        "ES256" => openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", ""),
        "ES384" => openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384", ""),
        "EdDSA" => openssl("genpkey -algorithm ED25519", ""),
        _ => openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048", ""),
    })
}

/// The public half of a private key in PEM, in SPKI PEM.
pub(crate) fn public_pem(private: &str) -> String {
    text(&openssl("pkey -pubout", private))
}

/// What openssl prints for these arguments and this input.
pub(crate) fn openssl(arguments: &str, input: &str) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments.split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("openssl is installed");
    // It may well end without having read anything.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("openssl ends");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// PEM and other text that openssl printed.
pub(crate) fn text(printed: &[u8]) -> String {
    String::from_utf8(printed.to_vec()).expect("text")
}

/// The public keys that a server publishes.
pub(crate) fn jwks(connection: &mut Connection) -> Value {
    let set: String = send(connection, &["JRS.JWKS"]).expect("the public keys");
    serde_json::from_str(&set).expect("a JWK Set is JSON")
}

/// Writes a session for the id without JRS, as an application that signs its own tokens would.
pub(crate) fn put_session(connection: &mut Connection, id: &str) {
    exec(connection, &["SET", &format!("sess:{id}"), r#"{"a":1}"#, "EX", "100"]);
}

/// Checks that a token is refused wherever one is taken.
pub(crate) fn assert_bad(conn: &mut Connection, token: &str, key: &str) {
    for words in [vec!["JRS.GET", token], vec!["JRS.GET", key, token], vec!["JRS.DESTROY", token]] {
        assert_refused(conn, "BADTOKEN", &words);
    }
    let report: Vec<redis::Value> = redis::cmd("JRS.INSPECT").arg(token).query(conn).expect("a report");
    assert_eq!(report[1], redis::Value::Int(0), "{token}");
}

/// What is to be signed.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string())).join(".")
}

/// A token by the owner of a private key in PKCS#8 PEM, whatever its header says.
pub(crate) fn sign(header: &Value, claims: &Value, pem: &str, algorithm: Algorithm) -> String {
    let key = match algorithm {
        Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pem.as_bytes()),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(pem.as_bytes()),
        _ => EncodingKey::from_rsa_pem(pem.as_bytes()),
    };
    let text = unsigned(header, claims);
    let signature = crypto::sign(text.as_bytes(), &key.unwrap(), algorithm).unwrap();
    format!("{text}.{signature}")
}

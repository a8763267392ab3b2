//! Makes and reads tokens without code of the module.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Value, json};

use crate::support::{
    cases::{Cases, cases},
    sessions::now,
};

/// A secret that is long enough for each HMAC algorithm.
pub(crate) const SECRET: &str = "a secret of 64 bytes, which is as long as HS512 wants it: 314159";

/// An HS256 token with these claims, signed with [`SECRET`]. Without an `iat` it gets the present time, because a token with
/// no known start is refused.
pub(crate) fn token(claims: &Value) -> String {
    let mut claims = claims.clone();
    if claims.get("iat").is_none() {
        claims["iat"] = now().into();
    }
    sign(&json!({"alg": "HS256", "typ": "JWT"}), &claims, SECRET.as_bytes())
}

/// A token signed with HMAC-SHA-256, regardless of its header.
pub(crate) fn sign(header: &Value, claims: &Value, secret: &[u8]) -> String {
    sign_bytes(header.to_string().as_bytes(), claims.to_string().as_bytes(), Algorithm::HS256, secret)
}

/// A token of these bytes, signed with this algorithm, regardless of the header.
pub(crate) fn sign_bytes(header: &[u8], payload: &[u8], algorithm: Algorithm, secret: &[u8]) -> String {
    let signed = [header, payload].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".");
    let key = EncodingKey::from_secret(secret);
    let signature = crypto::sign(signed.as_bytes(), &key, algorithm).expect("the algorithm takes secrets");
    format!("{signed}.{signature}")
}

/// A JWK of an `oct` key.
pub(crate) fn jwk(id: &str, algorithm: &str, secret: &[u8]) -> Value {
    json!({"kty": "oct", "kid": id, "alg": algorithm, "k": BASE64_URL_SAFE_NO_PAD.encode(secret)})
}

/// The private ES256 key of RFC 7515 appendix A.3 as a JWK: its signatures are computed on a crypto thread.
pub(crate) fn elliptic_jwk() -> Value {
    json!({
        "kty": "EC", "crv": "P-256", "kid": "slow", "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

/// A secret, whose signatures are fast, and a key whose signatures are computed on a crypto thread.
pub(crate) fn signing_keys() -> Cases<String> {
    cases([("HS256", SECRET.to_owned()), ("ES256", elliptic_jwk().to_string())])
}

/// A new private RSA key of 4096 bits in PEM: a signature takes milliseconds.
pub(crate) fn rsa_pem() -> String {
    let pair = KeyPair::generate(KeySize::Rsa4096).expect("a new key");
    let der: Pkcs8V1Der<'_> = pair.as_der().expect("a private key has an encoding");
    pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_ref()))
}

pub(crate) fn header(token: &str) -> Value {
    serde_json::from_slice(&part(token, 0)).expect("a header is JSON")
}

pub(crate) fn claims(token: &str) -> Value {
    serde_json::from_slice(&part(token, 1)).expect("a payload is JSON")
}

/// The key of the token's session, in the default keyspace.
pub(crate) fn key(token: &str) -> String {
    format!("sess:{}", id(token))
}

/// The id of the token's session.
pub(crate) fn id(token: &str) -> String {
    claims(token)["jti"].as_str().expect("a token has a jti").to_owned()
}

/// The claims as text.
pub(crate) fn payload(token: &str) -> String {
    String::from_utf8(part(token, 1)).expect("a payload is text")
}

/// A part of a token, decoded: header, payload or signature.
pub(crate) fn part(token: &str, position: usize) -> Vec<u8> {
    let part = token.split('.').nth(position).expect("a token has three parts");
    BASE64_URL_SAFE_NO_PAD.decode(part).expect("a part of a token is base64url")
}

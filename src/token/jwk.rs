//! What a key file may hold: a JWK Set or a JWK (RFC 7517), or a raw secret.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{
    Algorithm, Key, KeyRing,
    json::{Members, text, texts},
    jws::decode_part,
};

/// How keys that do not say everything about themselves are read.
#[derive(Clone, Copy, Debug)]
pub struct Parsing {
    /// The algorithm of a raw secret, and of a JWK without `alg`.
    pub algorithm: Algorithm,
    /// Lets secrets in that are shorter than their algorithm's hash.
    pub allow_weak_secret: bool,
}

/// Reads the text of a key file.
///
/// # Errors
/// A sentence that names the key and the problem, and never repeats key material. One bad key refuses the whole file.
pub fn read_keys(file: &[u8], parsing: Parsing) -> Result<KeyRing, String> {
    let start = file.trim_ascii_start();
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let keys = if start.starts_with(b"{") || start.starts_with(b"[") {
        read_jwks(start, parsing)?
    } else if file.windows(11).any(|window| window == b"-----BEGIN ") || start.starts_with(b"ssh-") {
        return Err("PEM and SSH keys are not supported by this version".to_owned());
    } else {
        vec![read_secret(file, parsing)?]
    };
    if keys.is_empty() {
        return Err("there is no key for signatures in it".to_owned());
    }
    for (at, key) in keys.iter().enumerate() {
        if key.id().is_some() && keys.iter().take(at).any(|earlier| earlier.id() == key.id()) {
            return Err(format!("key {}: an earlier key has the same 'kid'", at + 1));
        }
    }
    Ok(KeyRing::new(keys))
}

/// The text of the key file of a server that makes its own key: a JWK Set of one HS256 secret.
pub fn self_made(id: &str, secret: &[u8; 32]) -> Zeroizing<String> {
    let secret = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(secret));
    let secret = secret.as_str();
    Zeroizing::new(format!(
        "{{\"keys\":[{{\"kty\":\"oct\",\"kid\":\"{id}\",\"alg\":\"HS256\",\"k\":\"{secret}\"}}]}}\n"
    ))
}

/// A file of nothing but a secret: its bytes, without the line end that editors add.
fn read_secret(file: &[u8], parsing: Parsing) -> Result<Key, String> {
    let secret = file.strip_suffix(b"\n").unwrap_or(file);
    let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    check_strength(secret, parsing.algorithm, parsing)?;
    Ok(Key::from_secret(None, parsing.algorithm, true, secret))
}

fn read_jwks(json: &[u8], parsing: Parsing) -> Result<Vec<Key>, String> {
    // The parser's own message could quote the text, so it is not passed on.
    let document = Members::read(json).map_err(|_| "it is no JSON object with unique members".to_owned())?;
    let Some(set) = document.get("keys") else {
        return Ok(read_jwk(&document, parsing).map_err(|problem| format!("key 1: {problem}"))?.into_iter().collect());
    };
    let set: Vec<&RawValue> =
        serde_json::from_str(set.get()).map_err(|_| "its member 'keys' is no array".to_owned())?;
    let mut keys = Vec::with_capacity(set.len());
    for (at, jwk) in set.into_iter().enumerate() {
        let read = Members::read(jwk.get().as_bytes())
            .map_err(|_| "it is no JSON object with unique members".to_owned())
            .and_then(|jwk| read_jwk(&jwk, parsing));
        keys.extend(read.map_err(|problem| format!("key {}: {problem}", at + 1))?);
    }
    Ok(keys)
}

/// One JWK, or `None` for a key that is not meant for signatures (`use` or `key_ops` say so).
fn read_jwk(jwk: &Members<'_>, parsing: Parsing) -> Result<Option<Key>, String> {
    let member = |name: &str| match jwk.get(name) {
        Some(value) => text(value).map(Some).ok_or_else(|| format!("its member '{name}' is no string")),
        None => Ok(None),
    };
    let kind = member("kty")?.ok_or("it has no 'kty'")?;
    if member("use")?.is_some_and(|purpose| purpose != "sig") {
        return Ok(None);
    }
    let operations = match jwk.get("key_ops") {
        Some(value) => Some(texts(value).ok_or("its member 'key_ops' is no array of strings")?),
        None => None,
    };
    let may = |operation: &str| operations.as_ref().is_none_or(|all| all.iter().any(|one| one == operation));
    // What may sign verifies too: a server that refused its own tokens would be of no use.
    if !may("sign") && !may("verify") {
        return Ok(None);
    }
    if kind != "oct" {
        return Err("its 'kty' is not supported by this version, which reads 'oct' keys".to_owned());
    }
    let algorithm = match member("alg")? {
        Some(name) => Algorithm::from_name(&name).ok_or("its 'alg' is none of HS256, HS384 and HS512")?,
        None => parsing.algorithm,
    };
    let id = member("kid")?.filter(|id| !id.is_empty());
    if id.as_ref().is_some_and(|id| id.chars().any(char::is_control)) {
        return Err("its 'kid' holds control characters".to_owned());
    }
    let encoded = member("k")?.ok_or("it has no 'k'")?;
    let secret = Zeroizing::new(decode_part(encoded.as_bytes()).map_err(|_| "its 'k' is no unpadded base64url")?);
    check_strength(&secret, algorithm, parsing)?;
    Ok(Some(Key::from_secret(id.map(|id| id.into_owned()), algorithm, may("sign"), &secret)))
}

/// RFC 7518 section 3.2: a secret is at least as long as the hash.
fn check_strength(secret: &[u8], algorithm: Algorithm, parsing: Parsing) -> Result<(), String> {
    if secret.is_empty() {
        return Err("the secret is empty".to_owned());
    }
    let least = algorithm.shortest_secret();
    if secret.len() < least && !parsing.allow_weak_secret {
        let name = algorithm.name();
        return Err(format!(
            "the secret has {} bytes, {name} needs at least {least} (jrs.allow-weak-secret yes lets an old one in)",
            secret.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, KeyRing, Parsing, read_keys, self_made};

    const STRICT: Parsing = Parsing { algorithm: Algorithm::Hs256, allow_weak_secret: false };
    const WEAK: Parsing = Parsing { algorithm: Algorithm::Hs512, allow_weak_secret: true };
    /// 32 bytes in base64url.
    const K: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn keys(file: &str) -> Result<Vec<(Option<String>, &'static str, bool)>, String> {
        let describe = |ring: KeyRing| {
            let keys = ring.keys().iter();
            keys.map(|key| (key.id().map(str::to_owned), key.algorithm().name(), key.signs())).collect()
        };
        read_keys(file.as_bytes(), STRICT).map(describe)
    }

    #[test]
    fn jwk_sets_and_single_jwks() {
        let two = format!(
            r#" {{"keys":[{{"kty":"oct","k":"{K}","kid":"a"}},{{"kty":"oct","k":"{K}","kid":"b","key_ops":["verify"]}},
            {{"kty":"oct","k":"{K}","use":"enc"}},{{"kty":"oct","k":"{K}"}}]}}"#
        );
        let id = |id: &str| Some(id.to_owned());
        assert_eq!(
            keys(&two).expect("keys"),
            [(id("a"), "HS256", true), (id("b"), "HS256", false), (None, "HS256", true)]
        );
        assert_eq!(
            keys(&format!(r#"{{"kty":"oct","k":"{K}","alg":"HS256"}}"#)).expect("a key"),
            [(None, "HS256", true)]
        );
        assert_eq!(keys(&self_made("x", &[7; 32])).expect("a key"), [(id("x"), "HS256", true)]);
    }

    #[test]
    fn bad_files_are_refused_whole_and_name_the_key() {
        let good = format!(r#"{{"kty":"oct","k":"{K}","kid":"a"}}"#);
        for (bad, problem) in [
            (r#"{"kty":"oct"}"#.to_owned(), "key 2: it has no 'k'"),
            (r#"{"k":"AA"}"#.to_owned(), "key 2: it has no 'kty'"),
            (r#"{"kty":"RSA","n":"AA"}"#.to_owned(), "key 2: its 'kty'"),
            (format!(r#"{{"kty":"oct","k":"{K}="}}"#), "key 2: its 'k' is no unpadded base64url"),
            (format!(r#"{{"kty":"oct","k":"{K}","k":"{K}"}}"#), "key 2: it is no JSON object"),
            (format!(r#"{{"kty":"oct","k":"{K}","alg":"none"}}"#), "key 2: its 'alg'"),
            (format!(r#"{{"kty":"oct","k":"{K}","alg":"HS512"}}"#), "key 2: the secret has 32 bytes, HS512 needs"),
            (format!(r#"{{"kty":"oct","k":"{K}","kid":1}}"#), "key 2: its member 'kid' is no string"),
            (format!(r#"{{"kty":"oct","k":"{K}","kid":"a"}}"#), "key 2: an earlier key has the same 'kid'"),
            (format!(r#"{{"kty":"oct","k":"{K}","kid":"a\u0000"}}"#), "key 2: its 'kid' holds control"),
            (r#"{"kty":"oct","k":""}"#.to_owned(), "key 2: the secret is empty"),
            ("7".to_owned(), "key 2: it is no JSON object"),
        ] {
            let refusal = keys(&format!(r#"{{"keys":[{good},{bad}]}}"#)).expect_err(&bad);
            assert!(refusal.starts_with(problem), "{bad}: {refusal}");
            assert!(!refusal.contains(K), "{refusal}");
        }
        for bad in [r#"{"keys":[]}"#, r#"{"keys":{}}"#, "[]", "{", r#"[{"kty":"oct"}]"#, "  {}", "\u{feff}{"] {
            assert!(keys(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_raw_secret_loses_its_line_end_only() {
        let token = |file: &str| {
            let ring = read_keys(file.as_bytes(), WEAK).expect("a secret");
            ring.signer().expect("a signer").sign("{}")
        };
        assert_eq!(token("secret"), token("secret\n"));
        assert_eq!(token("secret"), token("secret\r\n"));
        assert_ne!(token("secret"), token("secret\n\n"));
        assert_ne!(token("secret"), token(" secret"));
        assert!(token("secret").starts_with("eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9."));
    }

    #[test]
    fn weak_and_misplaced_secrets_are_refused() {
        for bad in
            ["", "\n", "short", "-----BEGIN PRIVATE KEY-----\nMII", "x\n-----BEGIN EC PRIVATE KEY-----", "ssh-rsa AAAA"]
        {
            assert!(keys(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "\n", "-----BEGIN PRIVATE KEY-----\nMII", "ssh-ed25519 AAAA", "{\"a\":1}"] {
            assert!(read_keys(bad.as_bytes(), WEAK).is_err(), "{bad:?}");
        }
        assert_eq!(keys("0123456789abcdef0123456789abcdef\n").expect("a secret"), [(None, "HS256", true)]);
    }
}

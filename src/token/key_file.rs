//! What a key file may hold: a JWK Set or a JWK (RFC 7517), PEM blocks (RFC 7468), or a raw secret.

use std::collections::HashSet;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{
    Algorithm, Key, KeyRing,
    algorithm::Family,
    json::Members,
    jwk::{Jwk, Material},
    jws::encode,
    pem, raw_secret,
};

/// How keys that do not say everything about themselves are read.
#[derive(Clone, Copy, Debug)]
pub struct Parsing {
    /// The algorithm of keys that do not say theirs, where it fits them.
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
    if let Some(problem) = raw_secret::utf16_problem(file) {
        return Err(problem);
    }
    let keys = if start.starts_with(b"{") || start.starts_with(b"[") {
        read_jwks(start, parsing)?
    } else if file.windows(pem::BEGIN.len()).any(|window| window == pem::BEGIN) {
        read_pem(file, parsing)?
    } else {
        vec![read_secret(file, parsing)?]
    };
    if keys.is_empty() {
        return Err("there is no key for signatures in it".to_owned());
    }
    Ok(KeyRing::new(keys))
}

/// The keys of a file as they are read. No two have the same `kid`.
#[derive(Default)]
struct Keys {
    list: Vec<Key>,
    ids: HashSet<String>,
}

impl Keys {
    /// Adds a key, unless it has the `kid` of an earlier one.
    fn add(&mut self, key: Key) -> Result<(), String> {
        if let Some(id) = key.id()
            && !self.ids.insert(id.to_owned())
        {
            return Err("an earlier key has the same 'kid'".to_owned());
        }
        self.list.push(key);
        Ok(())
    }
}

/// The text of the key file of a server that makes its own key: a JWK Set of one HS256 secret.
pub fn self_made(id: &str, secret: &[u8; 32]) -> Zeroizing<String> {
    let secret = Zeroizing::new(encode(secret));
    let pieces =
        ["{\"keys\":[{\"kty\":\"oct\",\"kid\":\"", id, "\",\"alg\":\"HS256\",\"k\":\"", secret.as_str(), "\"}]}\n"];
    // Joined into a buffer of the right size: one that grows would leave copies behind.
    Zeroizing::new(pieces.concat())
}

/// A file of nothing but a secret: its bytes, without the line end that editors add.
fn read_secret(file: &[u8], parsing: Parsing) -> Result<Key, String> {
    raw_secret::check(file)?;
    let secret = file.strip_suffix(b"\n").unwrap_or(file);
    let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    let algorithm = choose(Family::Secret, None, parsing)?;
    check_strength(secret, algorithm, parsing)?;
    Ok(Key::from_secret(None, algorithm, true, secret))
}

fn read_pem(file: &[u8], parsing: Parsing) -> Result<Vec<Key>, String> {
    let mut keys = Keys::default();
    for (at, (public, private)) in pem::read(file)?.into_iter().enumerate() {
        let algorithm = choose(public.family(), None, parsing)?;
        Key::from_pair(None, algorithm, public, private)
            .and_then(|key| keys.add(key))
            .map_err(|problem| format!("key {}: {problem}", at + 1))?;
    }
    Ok(keys.list)
}

fn read_jwks(json: &[u8], parsing: Parsing) -> Result<Vec<Key>, String> {
    // The parser's own message could quote the text, so it is not passed on.
    let document = Members::read(json).map_err(|_| "it is no JSON object with unique members".to_owned())?;
    let Some(set) = document.get("keys") else {
        if document.get("kty").is_none()
            && let Some(advice) = raw_secret::json_file::advice(&document)
        {
            return Err(advice);
        }
        return Ok(read_jwk(&document, parsing).map_err(|problem| format!("key 1: {problem}"))?.into_iter().collect());
    };
    let set: Vec<&RawValue> =
        serde_json::from_str(set.get()).map_err(|_| "its member 'keys' is no array".to_owned())?;
    let mut keys = Keys::default();
    for (at, jwk) in set.into_iter().enumerate() {
        let read = Members::read(jwk.get().as_bytes())
            .map_err(|_| "it is no JSON object with unique members".to_owned())
            .and_then(|jwk| read_jwk(&jwk, parsing))
            .and_then(|key| key.map_or(Ok(()), |key| keys.add(key)));
        read.map_err(|problem| format!("key {}: {problem}", at + 1))?;
    }
    Ok(keys.list)
}

/// One JWK, or `None` for a key that is not meant for signatures.
fn read_jwk(members: &Members<'_>, parsing: Parsing) -> Result<Option<Key>, String> {
    let Some(jwk) = Jwk::read(members)? else { return Ok(None) };
    let named = jwk.algorithm.as_deref();
    Ok(Some(match jwk.material {
        Material::Secret(secret) => {
            let algorithm = choose(Family::Secret, named, parsing)?;
            check_strength(&secret, algorithm, parsing)?;
            Key::from_secret(jwk.id, algorithm, jwk.may_sign, &secret)
        }
        Material::Pair((public, private)) => {
            let algorithm = choose(public.family(), named, parsing)?;
            Key::from_pair(jwk.id, algorithm, public, private.filter(|_| jwk.may_sign))?
        }
    }))
}

/// The algorithm that a key is pinned to: the one that it names, or else the one that the setting names if it fits, or
/// else the usual one of such keys.
fn choose(family: Family, named: Option<&str>, parsing: Parsing) -> Result<Algorithm, String> {
    match named {
        Some(name) => Algorithm::from_name(name)
            .filter(|algorithm| algorithm.family() == family)
            .ok_or_else(|| "its 'alg' is not supported, or does not fit its 'kty' and 'crv'".to_owned()),
        None if parsing.algorithm.family() == family => Ok(parsing.algorithm),
        None => Ok(family.usual_algorithm()),
    }
}

/// RFC 7518 section 3.2: a secret is at least as long as the hash.
fn check_strength(secret: &[u8], algorithm: Algorithm, parsing: Parsing) -> Result<(), String> {
    if secret.is_empty() {
        return Err("the secret is empty".to_owned());
    }
    let least = match algorithm {
        Algorithm::Hs384 => 48,
        Algorithm::Hs512 => 64,
        _ => 32,
    };
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
#[path = "key_file_tests.rs"]
mod tests;

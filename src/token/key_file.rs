//! Reads key files: a JWK Set or a JWK (RFC 7517), PEM blocks (RFC 7468), or a raw secret.

use std::collections::HashSet;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{
    Algorithm, AlgorithmExt, Key, KeyRing,
    algorithm::KeyType,
    base64url::encode,
    json::Members,
    jwk::{Jwk, Material, Reading},
    keyring::check_unnamed,
    pem, raw_secret,
};
use crate::session::UnixMillis;

/// Defaults for keys that do not specify everything.
#[derive(Clone, Copy, Debug)]
pub struct KeyDefaults {
    /// The algorithm of keys that do not name one, if it fits the key.
    pub algorithm: Algorithm,
    /// Accepts secrets that are shorter than their algorithm's hash.
    pub allow_weak_secret: bool,
}

/// Reads the text of a key file.
///
/// # Errors
/// A sentence that names the key and the problem, without key material. One malformed key refuses the whole file.
pub fn read_keys(file: &[u8], defaults: KeyDefaults) -> Result<KeyRing, String> {
    let start = file.trim_ascii_start();
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    if let Some(problem) = raw_secret::utf16_problem(file) {
        return Err(problem);
    }
    let keys = if start.starts_with(b"{") || start.starts_with(b"[") {
        read_jwks(start, defaults)?
    } else if file.windows(pem::BEGIN.len()).any(|window| window == pem::BEGIN) {
        read_pem(file, defaults)?
    } else {
        Keys { list: vec![read_secret(file, defaults)?], ..Keys::default() }
    };
    keys.finish()
}

/// Collects the keys of a file. No two have the same `kid`.
#[derive(Default)]
pub(super) struct Keys {
    list: Vec<Key>,
    ids: HashSet<String>,
    /// The first skipped keys, each with the reason, and the number of all skipped keys.
    left_out: Vec<String>,
    left_out_count: usize,
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

    fn leave_out(&mut self, number: usize, reason: &str) {
        if self.left_out.len() < NAMED {
            self.left_out.push(format!("key {number} is skipped: {reason}"));
        }
        self.left_out_count += 1;
    }

    /// The first key.
    pub(super) fn into_first(self) -> Option<Key> {
        self.list.into_iter().next()
    }

    fn finish(self) -> Result<KeyRing, String> {
        if self.list.is_empty() {
            let reason = self.left_out.first().map(|reason| format!(": {reason}")).unwrap_or_default();
            return Err(format!("it contains no key for signatures{reason}"));
        }
        let mut warnings = self.left_out;
        if let Some(more @ 1..) = self.left_out_count.checked_sub(warnings.len()) {
            warnings.push(format!("{more} more keys are skipped"));
        }
        warnings.extend(check_unnamed(self.list.iter())?);
        Ok(KeyRing::new(self.list).with_warnings(warnings))
    }
}

/// The number of skipped keys that warnings name one by one.
const NAMED: usize = 8;

/// A JWK of an HS256 secret, made at `time`.
pub fn jwk_of_secret(id: &str, secret: &[u8; 32], time: UnixMillis) -> Zeroizing<String> {
    let secret = Zeroizing::new(encode(secret));
    let seconds = time.as_i64().div_euclid(1000).to_string();
    let pieces = [
        "{\"kty\":\"oct\",\"kid\":\"",
        id,
        "\",\"alg\":\"HS256\",\"iat\":",
        &seconds,
        ",\"k\":\"",
        secret.as_str(),
        "\"}",
    ];
    // A buffer of the right size: a growing one would leave copies of the secret behind.
    Zeroizing::new(pieces.concat())
}

/// The text of a JWK Set with one key.
pub fn key_set_of(jwk: &str) -> Zeroizing<String> {
    Zeroizing::new(["{\"keys\":[", jwk, "]}\n"].concat())
}

/// Reads a raw secret: the bytes of the file, without the line end that editors add.
fn read_secret(file: &[u8], defaults: KeyDefaults) -> Result<Key, String> {
    raw_secret::check(file)?;
    let secret = file.strip_suffix(b"\n").unwrap_or(file);
    let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    let algorithm = choose(KeyType::Secret, None, &[], defaults)?;
    check_strength(secret, algorithm, defaults)?;
    Ok(Key::from_secret(None, algorithm, true, secret))
}

fn read_pem(file: &[u8], defaults: KeyDefaults) -> Result<Keys, String> {
    let mut keys = Keys::default();
    for (at, key) in pem::read(file)?.into_iter().enumerate() {
        let (public, private) = key.pair;
        let algorithm = choose(public.key_type(), None, key.algorithms, defaults)?;
        Key::from_pair(None, algorithm, public, private)
            .and_then(|key| keys.add(key))
            .map_err(|problem| format!("key {}: {problem}", at + 1))?;
    }
    Ok(keys)
}

fn read_jwks(json: &[u8], defaults: KeyDefaults) -> Result<Keys, String> {
    // The parser's message could quote the text, so it is left out.
    let document = Members::read(json).map_err(|_| {
        "it must be a JSON object with unique names (store a secret that begins with { or [ as a JWK, see docs/keys.md)"
            .to_owned()
    })?;
    let mut keys = Keys::default();
    let Some(set) = document.get("keys") else {
        if document.get("kty").is_none()
            && let Some(advice) = raw_secret::json_file::advice(&document)
        {
            return Err(advice);
        }
        read_jwk(&document, 1, defaults, &mut keys).map_err(|problem| format!("key 1: {problem}"))?;
        return Ok(keys);
    };
    let set: Vec<&RawValue> = serde_json::from_str(set.get()).map_err(|_| "its 'keys' must be an array".to_owned())?;
    for (number, jwk) in (1..).zip(set) {
        Members::read(jwk.get().as_bytes())
            .map_err(|_| "it must be a JSON object with unique names".to_owned())
            .and_then(|jwk| read_jwk(&jwk, number, defaults, &mut keys))
            .map_err(|problem| format!("key {number}: {problem}"))?;
    }
    Ok(keys)
}

/// Adds the JWK with this number to the keys, or skips it.
pub(super) fn read_jwk(
    members: &Members<'_>,
    number: usize,
    defaults: KeyDefaults,
    keys: &mut Keys,
) -> Result<(), String> {
    let jwk = match Jwk::read(members)? {
        Reading::Key(jwk) => jwk,
        Reading::LeftOut(reason) => {
            keys.leave_out(number, reason);
            return Ok(());
        }
    };
    let named = jwk.algorithm.as_deref();
    let key = match jwk.material {
        Material::Secret(secret) => {
            raw_secret::check_bytes(&secret)?;
            let algorithm = choose(KeyType::Secret, named, &[], defaults)?;
            check_strength(&secret, algorithm, defaults)?;
            Key::from_secret(jwk.id, algorithm, jwk.may_sign, &secret)
        }
        Material::Pair((public, private)) => {
            let algorithm = choose(public.key_type(), named, &[], defaults)?;
            Key::from_pair(jwk.id, algorithm, public, private.filter(|_| jwk.may_sign))?
        }
    };
    keys.add(key.with_times(jwk.issued_at, jwk.retired_at))
}

/// The algorithm to which a key is pinned: the one that it names, or that of the settings if it fits, or the usual one
/// of its type. If not empty, `only` lists the algorithms that its encoding allows.
fn choose(
    family: KeyType,
    named: Option<&str>,
    only: &[Algorithm],
    defaults: KeyDefaults,
) -> Result<Algorithm, String> {
    match named {
        Some(name) => Algorithm::from_name(name)
            .filter(|algorithm| algorithm.key_type() == family)
            .ok_or_else(|| "its 'alg' does not fit its 'kty' and 'crv'".to_owned()),
        None if only.contains(&defaults.algorithm) => Ok(defaults.algorithm),
        None if only.is_empty() && defaults.algorithm.key_type() == family => Ok(defaults.algorithm),
        None => Ok(only.first().copied().unwrap_or(family.usual_algorithm())),
    }
}

/// RFC 7518 section 3.2: a secret is at least as long as the hash.
fn check_strength(secret: &[u8], algorithm: Algorithm, defaults: KeyDefaults) -> Result<(), String> {
    if secret.is_empty() {
        return Err("the secret is empty".to_owned());
    }
    let least = match algorithm {
        Algorithm::HS384 => 48,
        Algorithm::HS512 => 64,
        _ => 32,
    };
    if secret.len() < least && !defaults.allow_weak_secret {
        let name = algorithm.name();
        return Err(format!(
            "the secret has {} bytes, but {name} needs at least {least} (jrs.allow-weak-secret yes accepts an old secret)",
            secret.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
#[path = "key_file_tests.rs"]
mod tests;

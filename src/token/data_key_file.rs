//! Reads the file of a realm's data keys: a JWK Set or a JWK (RFC 7517) of `oct` keys for AES-256-GCM.

use std::collections::HashSet;

use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::{
    KeyRing,
    base64url::base64url_decode,
    json::{Members, secret_text, text, texts},
};
use crate::session::{DataKey, DataKeys};

/// The longest `kid`, in bytes. It is part of each stored value.
const LONGEST_ID: usize = 64;

/// What to do with a key that is not a data key.
const FOR_SIGNATURES: &str = "a key for signatures belongs in keys-file, not in data-keys-file";

/// Reads the text of a data key file. `signing` are the keys that sign and verify tokens of the realm.
///
/// # Errors
/// A sentence that names the key and the problem, without key material. One unusable key refuses the whole file.
pub fn read_data_keys(file: &[u8], signing: &KeyRing) -> Result<DataKeys, String> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    // The parser's message could quote the text, so it is left out.
    let document = Members::read(file).map_err(|_| {
        "it must be a JWK Set of data keys, each with 'kty' oct, a 'kid', and 32 random bytes in base64url as 'k' (see \
         docs/keys.md)"
            .to_owned()
    })?;
    let mut reader = Reader { signing, ids: HashSet::new(), secrets: Vec::new() };
    let mut keys = Vec::new();
    let mut add = |number: usize, jwk: &Members<'_>| {
        keys.push(reader.read(jwk).map_err(|problem| format!("key {number}: {problem}"))?);
        Ok::<_, String>(())
    };
    if let Some(set) = document.get("keys") {
        let set: Vec<&RawValue> = serde_json::from_str(set.get()).map_err(|_| "its 'keys' must be an array")?;
        for (number, jwk) in (1..).zip(set) {
            let jwk = Members::read(jwk.get().as_bytes())
                .map_err(|_| format!("key {number}: it must be a JSON object with unique names"))?;
            add(number, &jwk)?;
        }
    } else {
        add(1, &document)?;
    }
    DataKeys::new(keys).ok_or_else(|| "it contains no key".to_owned())
}

/// Reads the keys of a file, and compares them with each other and with the signing keys.
struct Reader<'r> {
    signing: &'r KeyRing,
    ids: HashSet<String>,
    secrets: Vec<Zeroizing<[u8; 32]>>,
}

impl Reader<'_> {
    fn read(&mut self, jwk: &Members<'_>) -> Result<DataKey, String> {
        let member = |name: &str| {
            let read = |value| text(value).ok_or_else(|| format!("its '{name}' must be a string"));
            jwk.get(name).map(read).transpose()
        };
        if member("kty")?.ok_or("it has no 'kty'")? != "oct" {
            return Err(format!("its 'kty' must be oct: {FOR_SIGNATURES}"));
        }
        if member("alg")?.is_some_and(|algorithm| algorithm != "A256GCM") {
            return Err(format!("its 'alg' must be A256GCM or left out: {FOR_SIGNATURES}"));
        }
        if member("use")?.is_some_and(|purpose| purpose != "enc") {
            return Err(format!("its 'use' must be enc or left out: {FOR_SIGNATURES}"));
        }
        if let Some(operations) = jwk.get("key_ops") {
            let operations = texts(operations).ok_or("its 'key_ops' must be an array of strings")?;
            if !["encrypt", "decrypt"].iter().all(|needed| operations.iter().any(|one| one == needed)) {
                return Err(format!("its 'key_ops' must allow encrypt and decrypt: {FOR_SIGNATURES}"));
            }
        }
        let id = member("kid")?.ok_or("it has no 'kid', which encrypted data refers to")?.into_owned();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if id.is_empty() || id.len() > LONGEST_ID || !id.bytes().all(is_plain) {
            return Err(format!("its 'kid' must be 1 to {LONGEST_ID} letters, digits, '-' or '_'"));
        }
        let secret = read_secret(jwk)?;
        if !self.ids.insert(id.clone()) {
            return Err("an earlier key has the same 'kid'".to_owned());
        }
        if self.secrets.contains(&secret) {
            return Err("an earlier key has the same 'k'".to_owned());
        }
        if self.signing.has_secret(&*secret) {
            return Err("it is also one of the realm's signing keys: generate another key for data".to_owned());
        }
        let key = DataKey::new(id, &secret).ok_or("it cannot be used")?;
        self.secrets.push(secret);
        Ok(key)
    }
}

fn read_secret(jwk: &Members<'_>) -> Result<Zeroizing<[u8; 32]>, String> {
    let encoded = secret_text(jwk.get("k").ok_or("it has no 'k'")?).ok_or("its 'k' must be a string")?;
    let bytes = base64url_decode(encoded.as_bytes()).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| "its 'k' must be unpadded base64url")?;
    let mut secret = Zeroizing::new([0; 32]);
    if bytes.len() != secret.len() {
        return Err(format!("its 'k' has {} bytes, but AES-256-GCM needs 32", bytes.len()));
    }
    secret.copy_from_slice(&bytes);
    Ok(secret)
}

#[cfg(test)]
#[path = "data_key_file_tests.rs"]
mod tests;

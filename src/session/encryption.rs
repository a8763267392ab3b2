//! Session data as its key stores it: plain, or encrypted with AES-256-GCM (NIST SP 800-38D).
//!
//! The encrypted form is `jrs1.<kid>.<nonce>.<ciphertext>`, with nonce and ciphertext in base64url. The name of the key
//! is the additional data, so a value that is copied to another key cannot be decrypted.

use std::{borrow::Cow, fmt};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce, UnboundKey};

/// The first bytes of encrypted data. No JSON text begins with them.
const MARK: &[u8] = b"jrs1.";

/// The longest encrypted form, in bytes: the server's limit for a string.
const LONGEST: usize = 512 << 20;

/// The number of random bytes that encrypt data once, and never again with the same key.
pub const DATA_NONCE: usize = NONCE_LEN;

/// Why stored data cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredDataError {
    /// It is encrypted, and the realm has no data keys.
    NoKeys,
    /// It is encrypted with a key that is not among the realm's data keys.
    UnknownKey,
    /// The realm has data keys, and the value is neither a JSON object nor complete encrypted data.
    Malformed,
    /// The value was changed or belongs to another key, or the data key with its `kid` is another one.
    NotAuthentic,
}

/// Reads the value of the key `name`. Plain data is borrowed.
///
/// # Errors
/// [`StoredDataError`]. Decrypted data is returned only if all of it is authentic.
#[inline]
pub fn read_stored<'v>(
    keys: Option<&DataKeys>,
    name: &[u8],
    value: &'v [u8],
) -> Result<Cow<'v, [u8]>, StoredDataError> {
    if value.first() == Some(&b'{') { Ok(Cow::Borrowed(value)) } else { read_other(keys, name, value) }
}

/// As [`read_stored`], for a value that does not begin as most JSON objects do.
fn read_other<'v>(keys: Option<&DataKeys>, name: &[u8], value: &'v [u8]) -> Result<Cow<'v, [u8]>, StoredDataError> {
    if value.starts_with(MARK) {
        return keys.ok_or(StoredDataError::NoKeys)?.open(name, value).map(Cow::Owned);
    }
    // Without data keys any value is returned as it is. With them it could be encrypted data that was damaged.
    if keys.is_some() && !value.trim_ascii_start().starts_with(b"{") {
        return Err(StoredDataError::Malformed);
    }
    Ok(Cow::Borrowed(value))
}

/// The data keys of a realm. The first one encrypts, all of them decrypt.
#[derive(Debug)]
pub struct DataKeys {
    first: DataKey,
    others: Vec<DataKey>,
}

impl DataKeys {
    /// The keys in the order of their file, each with another id. `None` if there are none.
    pub fn new(keys: Vec<DataKey>) -> Option<Self> {
        let mut keys = keys.into_iter();
        Some(Self { first: keys.next()?, others: keys.collect() })
    }

    /// The ids of the keys, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.all().map(|key| key.id.as_str())
    }

    fn all(&self) -> impl Iterator<Item = &DataKey> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Encrypts the data of the key `name`. The nonce must be random. `None` if the encrypted form is too long for a
    /// string of the server.
    pub fn seal(&self, name: &[u8], data: &[u8], nonce: [u8; DATA_NONCE]) -> Option<Vec<u8>> {
        let DataKey { id, cipher } = &self.first;
        let encoded = |length: usize| base64::encoded_len(length, false);
        let length = MARK.len() + id.len() + 2 + encoded(DATA_NONCE)? + encoded(data.len() + MAX_TAG_LEN)?;
        if length > LONGEST {
            return None;
        }
        let mut sealed = Vec::with_capacity(data.len() + MAX_TAG_LEN);
        sealed.extend_from_slice(data);
        let unique = Nonce::assume_unique_for_key(nonce);
        cipher.seal_in_place_append_tag(unique, Aad::from(name), &mut sealed).ok()?;
        let mut value = Vec::with_capacity(length);
        value.extend_from_slice(MARK);
        value.extend_from_slice(id.as_bytes());
        for part in [nonce.as_slice(), &sealed] {
            value.push(b'.');
            let start = value.len();
            value.resize(start + encoded(part.len())?, 0);
            BASE64URL.encode_slice(part, value.get_mut(start..)?).ok()?;
        }
        Some(value)
    }

    /// Decrypts the value of the key `name`.
    fn open(&self, name: &[u8], value: &[u8]) -> Result<Vec<u8>, StoredDataError> {
        let mut parts = value.strip_prefix(MARK).unwrap_or_default().split(|byte| *byte == b'.');
        let (Some(id), Some(nonce), Some(sealed), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(StoredDataError::Malformed);
        };
        let decode = |part: &[u8]| BASE64URL.decode(part).map_err(|_| StoredDataError::Malformed);
        let nonce: [u8; DATA_NONCE] = decode(nonce)?.try_into().map_err(|_| StoredDataError::Malformed)?;
        let key = self.all().find(|key| key.id.as_bytes() == id).ok_or(StoredDataError::UnknownKey)?;
        let mut data = decode(sealed)?;
        let length = key
            .cipher
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(name), &mut data)
            .map_err(|_| StoredDataError::NotAuthentic)?
            .len();
        data.truncate(length);
        Ok(data)
    }
}

/// A key that encrypts and decrypts data.
pub struct DataKey {
    id: String,
    cipher: LessSafeKey,
}

impl DataKey {
    /// Prepares a key. The id must not contain a `.`. `None` if the cipher refuses the key.
    pub fn new(id: String, secret: &[u8; 32]) -> Option<Self> {
        Some(Self { id, cipher: LessSafeKey::new(UnboundKey::new(&AES_256_GCM, secret).ok()?) })
    }
}

/// Never prints key material.
impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").field("id", &self.id).field("cipher", &"[redacted]").finish()
    }
}

#[cfg(test)]
#[path = "encryption_tests.rs"]
mod tests;

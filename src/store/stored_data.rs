//! The data of a session, as its key stores it.

use std::borrow::Cow;

use ring::rand::{SecureRandom, SystemRandom};

use crate::{
    error::Error,
    realm::Realm,
    redis::{RedisString, StringKey},
    session::{DATA_NONCE, DataKeys, read_stored},
};

/// The data of a session whose key is open. `name` is the name of the key, in a keyspace of `realm`.
///
/// # Errors
/// [`Error::StoredData`] if the data cannot be read.
#[inline]
pub fn read_data<'k>(realm: &Realm, name: &RedisString, key: &'k StringKey<'_>) -> Result<Cow<'k, [u8]>, Error> {
    read_stored(realm.data_keys.as_deref(), name.bytes(), key.bytes()).map_err(Error::StoredData)
}

/// The value to store for `data` in the key `name`, if the realm encrypts data. `None` if it is `data` itself.
#[inline]
pub(super) fn value_to_store(
    realm: &Realm,
    name: &RedisString,
    data: &RedisString,
) -> Result<Option<RedisString>, Error> {
    realm.data_keys.as_deref().map(|keys| encrypted(keys, name, data)).transpose()
}

fn encrypted(keys: &DataKeys, name: &RedisString, data: &RedisString) -> Result<RedisString, Error> {
    let mut nonce = [0; DATA_NONCE];
    SystemRandom::new()
        .fill(&mut nonce)
        .map_err(|_| Error::Other("the operating system returned no random numbers".into()))?;
    let value = keys.seal(name.bytes(), data.bytes(), nonce);
    value.map(|value| RedisString::new(&value)).ok_or(Error::EncryptedTooBig)
}

//! The data of a session, as its key stores it.

use std::borrow::Cow;

use crate::{
    error::Error,
    realm::Realm,
    redis::{RedisString, StringKey},
};

/// The data of a session whose key is open. `name` is the name of the key, in a keyspace of `realm`.
///
/// # Errors
/// An error if the data cannot be read. The session stays as it is.
#[inline]
pub fn read_data<'k>(_realm: &Realm, _name: &RedisString, key: &'k StringKey<'_>) -> Result<Cow<'k, [u8]>, Error> {
    Ok(Cow::Borrowed(key.bytes()))
}

/// The value to store for `data` in the key `name`. `None` if it is `data` itself.
#[inline]
pub(super) fn value_to_store(
    _realm: &Realm,
    _name: &RedisString,
    _data: &RedisString,
) -> Result<Option<RedisString>, Error> {
    Ok(None)
}

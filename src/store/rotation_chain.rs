//! Tombstones of rotation chains in the keyspace: plain keys with an expiry, in the slot of the chain's sessions.

use super::stored_data;
use crate::{
    error::Error,
    realm::{Realm, VerifiedToken},
    redis::{Ctx, RedisString},
    session::{RotationChain, TOMBSTONE_SUFFIX, UnixMillis},
};

/// The beginning of a tombstone's value, so that no session data and no other version is taken for one. A MAC, `:` and the
/// chain as JSON text follow.
const PREFIX: &str = "jrs-rotated-1:";

/// What a rotation does to the tombstone of its chain.
#[derive(Debug)]
pub enum ChainChange {
    /// Nothing: the session has no chain.
    None,
    /// Deletes the tombstone, if there is one. The name of its key.
    Delete(RedisString),
    /// Writes the tombstone: the name of its key, its value and its expiry.
    Write(RedisString, RotationChain, UnixMillis),
}

/// The name of the key with the tombstone of a token's chain. `None` in a cluster if it is in another slot than the
/// session, which happens only for ids that JRS did not write.
pub fn tombstone_name(ctx: Ctx<'_>, token: &VerifiedToken) -> Option<RedisString> {
    let first = token.chain();
    let name = RedisString::new([first.key_name(), TOMBSTONE_SUFFIX].concat().as_bytes());
    let is_in_slot = || {
        let slot = ctx.slot_of(&RedisString::new(token.key.name()));
        slot.is_some() && slot == ctx.slot_of(&name)
    };
    // The hash tag with the owner determines the slot of both.
    let same_owner = first.owner().is_some() && first.owner() == token.key.id.owner();
    (same_owner || !ctx.is_cluster_node() || is_in_slot()).then_some(name)
}

/// Reads a tombstone. `None` if there is none, or if its value cannot be read.
pub fn read_chain(ctx: Ctx<'_>, realm: &Realm, name: &RedisString) -> Option<RotationChain> {
    let key = ctx.open_no_touch(name)?;
    // A tombstone of the time before the realm had data keys is plain.
    let plain = parse(realm, name, key.bytes());
    plain.or_else(|| parse(realm, name, &stored_data::read_data(realm, name, &key).ok()?))
}

/// Reads the value of the tombstone `name`. `None` unless a key of the realm made its MAC: JRS signs the payload in it
/// again, so a client that can write keys must not choose it.
fn parse(realm: &Realm, name: &RedisString, value: &[u8]) -> Option<RotationChain> {
    let value = value.strip_prefix(PREFIX.as_bytes())?;
    let (mac, json) = value.split_at_checked(value.iter().position(|byte| *byte == b':')?)?;
    let json = json.get(1..)?;
    realm.keys.is_record_authentic(&record(name, json), mac).then(|| RotationChain::parse(json)).flatten()
}

/// The value of the tombstone `name`.
fn value(realm: &Realm, name: &RedisString, chain: &RotationChain) -> Result<RedisString, Error> {
    let json = chain.to_json();
    let mac = realm.keys.record_mac(&record(name, json.as_bytes()));
    let mac = mac.ok_or(Error::Other("cannot sign the record of the rotation".into()))?;
    let value = RedisString::new([PREFIX, &mac, ":", &json].concat().as_bytes());
    Ok(stored_data::value_to_store(realm, name, &value)?.unwrap_or(value))
}

/// What the MAC authenticates. No name of a session's key has a NUL.
fn record(name: &RedisString, json: &[u8]) -> Vec<u8> {
    [name.bytes(), b"\0", json].concat()
}

/// Deletes a tombstone, if there is one.
pub fn delete_chain(ctx: Ctx<'_>, name: &RedisString) -> Result<(), Error> {
    if ctx.open_no_touch(name).is_some() {
        ctx.delete(name)?.notify(ctx);
    }
    Ok(())
}

/// Moves the expiry of a tombstone, if there is one, after the expiry of its session moved to `session_expiry`. If the
/// server may refuse writes now, `accepts_writes` is false, and a refused write changes nothing.
#[cold]
pub fn move_chain(
    ctx: Ctx<'_>,
    realm: &Realm,
    name: &RedisString,
    session_expiry: UnixMillis,
    accepts_writes: bool,
) -> Result<(), Error> {
    let Some(chain) = read_chain(ctx, realm, name) else { return Ok(()) };
    let expiry = chain.ends_with(session_expiry).as_i64();
    if accepts_writes {
        ctx.expire_at(name, expiry)?;
    } else {
        ctx.expire_at_if_allowed(name, expiry);
    }
    Ok(())
}

/// Deletes the session `current` because an older token of its chain was used again, and marks the tombstone, which keeps
/// its expiry, or gets the default if a client removed it. Does nothing if the server refuses writes now.
pub fn end_reused_chain(
    ctx: Ctx<'_>,
    realm: &Realm,
    current: &RedisString,
    (tombstone, chain): (&RedisString, RotationChain),
    default_expiry: UnixMillis,
) -> Result<(), Error> {
    let value = value(realm, tombstone, &chain.into_ended())?;
    if !ctx.delete_if_allowed(current) {
        return Ok(());
    }
    realm.counters.ended_by_reuse.count();
    ctx.replace_if_allowed(tombstone, &value, default_expiry.as_i64());
    ctx.notify_jrs_event(c"jrs.reuse", current);
    Ok(())
}

impl ChainChange {
    /// Checks everything that can be refused.
    pub(super) fn prepare(self, ctx: Ctx<'_>, realm: &Realm) -> Result<PreparedChange, Error> {
        Ok(match self {
            Self::None => PreparedChange(None),
            Self::Delete(name) => PreparedChange(Some((name, None))),
            Self::Write(name, chain, expiry) => {
                // An error for a key of another type, which the write would replace.
                drop(ctx.open(&name)?);
                let value = value(realm, &name, &chain)?;
                PreparedChange(Some((name, Some((value, expiry)))))
            }
        })
    }
}

/// A change that is checked: the tombstone's name, and its new value and expiry or none.
#[derive(Debug)]
pub(super) struct PreparedChange(Option<(RedisString, Option<(RedisString, UnixMillis)>)>);

impl PreparedChange {
    /// Writes it.
    pub(super) fn apply(&self, ctx: Ctx<'_>) -> Result<(), Error> {
        match &self.0 {
            None => Ok(()),
            Some((name, None)) => delete_chain(ctx, name),
            Some((name, Some((value, expiry)))) => Ok(ctx.replace(name, value, expiry.as_i64())?),
        }
    }
}

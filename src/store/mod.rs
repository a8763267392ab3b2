//! Sessions in the keyspace: every write, and the owner index.
//!
//! All writes of sessions are here, so that each is replicated and sends its events. Everything that can be
//! refused is checked before the first write.
#![forbid(unsafe_code)]

mod bulk_destroy;
mod cursor;
mod eviction;
mod index_follower;
mod owner_index;
mod rotation_chain;
mod session_table;
mod stored_data;

pub use bulk_destroy::BulkDestroy;
pub use cursor::{IndexedSession, SessionCursor};
pub use index_follower::{
    begin_index, complete_index_scan, drop_index, index_matches_keyspace, index_totals, on_server_event,
};
pub use rotation_chain::{ChainChange, delete_chain, end_reused_chain, move_chain, read_chain, tombstone_name};
pub use stored_data::read_data;

use crate::{
    error::Error,
    metrics::COUNTERS,
    realm::{Realm, SessionKey},
    redis::{Ctx, RedisString, StringKey},
    session::UnixMillis,
};

/// When a session's key expires.
#[inline]
pub fn expiry(session: &StringKey<'_>) -> Option<UnixMillis> {
    session.expiry().map(UnixMillis::new)
}

/// Moves the expiry of an existing session after a use.
pub fn extend(ctx: Ctx<'_>, name: &RedisString, expiry: UnixMillis) -> Result<(), Error> {
    Ok(ctx.expire_at(name, expiry.as_i64())?)
}

/// As [`extend`]. False, and nothing changed, if the server refuses writes now or writes are paused.
pub fn extend_if_allowed(ctx: Ctx<'_>, name: &RedisString, expiry: UnixMillis) -> bool {
    ctx.expire_at_if_allowed(name, expiry.as_i64())
}

/// Moves the expiry of an existing session, as JRS.TOUCH asks.
pub fn touch(ctx: Ctx<'_>, name: &RedisString, expiry: UnixMillis) -> Result<(), Error> {
    extend(ctx, name, expiry)?;
    ctx.notify_jrs_event(c"jrs.touch", name);
    Ok(())
}

/// Why a session is deleted before it expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovalReason {
    /// A logout.
    Destroyed,
    /// The owner had more sessions than the realm allows.
    Evicted,
}

/// Writes a new session, and evicts those of the owner that exceed the realm's limit. `name` is the name of the key.
///
/// # Errors
/// [`Error::TooMany`]; [`Error::TryAgain`] where the realm has a limit and not all of the owner's sessions are known or on
/// this node; an error if the key exists.
pub fn create(
    ctx: Ctx<'_>,
    key: &SessionKey,
    name: &RedisString,
    data: &RedisString,
    expiry: UnixMillis,
) -> Result<(), Error> {
    add(ctx, key, name, data, expiry, None)?;
    key.realm.counters.created.count();
    ctx.notify_jrs_event(c"jrs.create", name);
    Ok(())
}

/// Writes a session, deletes `old` and changes the tombstone of the chain, atomically. With another owner than `old` the
/// session counts as new for the realm's limit.
///
/// # Errors
/// As [`create`].
pub fn replace_session(
    ctx: Ctx<'_>,
    (key, name): (&SessionKey, &RedisString),
    (old, old_name): (&SessionKey, &RedisString),
    (data, expiry): (&RedisString, UnixMillis),
    chain: ChainChange,
) -> Result<(), Error> {
    let chain = chain.prepare(ctx, &key.realm)?;
    if key.id.owner() == old.id.owner() {
        write(ctx, &key.realm, name, data, expiry, Some(old_name))?;
    } else {
        add(ctx, key, name, data, expiry, Some(old_name))?;
    }
    chain.apply(ctx)?;
    key.realm.counters.rotated.count();
    // Listeners on either key learn of the rotation.
    ctx.notify_jrs_event(c"jrs.rotate", old_name);
    ctx.notify_jrs_event(c"jrs.rotate", name);
    Ok(())
}

/// Replaces the data of an existing session of a realm.
pub fn update(
    ctx: Ctx<'_>,
    realm: &Realm,
    name: &RedisString,
    data: &RedisString,
    expiry: UnixMillis,
) -> Result<(), Error> {
    let value = stored_data::value_to_store(realm, name, data)?;
    ctx.replace(name, value.as_ref().unwrap_or(data), expiry.as_i64())?;
    COUNTERS.data_sizes.record(data.bytes().len());
    realm.counters.updated.count();
    ctx.notify_jrs_event(c"jrs.update", name);
    Ok(())
}

/// Deletes an existing session of a realm.
pub fn destroy(ctx: Ctx<'_>, realm: &Realm, name: &RedisString, reason: RemovalReason) -> Result<(), Error> {
    ctx.delete(name)?.notify(ctx);
    let (event, counter) = match reason {
        RemovalReason::Destroyed => (c"jrs.destroy", &realm.counters.destroyed),
        RemovalReason::Evicted => (c"jrs.evict", &realm.counters.evicted),
    };
    counter.count();
    ctx.notify_jrs_event(event, name);
    Ok(())
}

/// Writes one more session of an owner, and deletes the one that it replaces.
fn add(
    ctx: Ctx<'_>,
    key: &SessionKey,
    name: &RedisString,
    data: &RedisString,
    expiry: UnixMillis,
    old: Option<&RedisString>,
) -> Result<(), Error> {
    let evicted = eviction::plan(ctx, &key.realm, key.id.owner().unwrap_or_default())?;
    write(ctx, &key.realm, name, data, expiry, old)?;
    // Other modules may have deleted sessions in reaction to the new one's events.
    let mut left = evicted.iter().filter(|oldest| ctx.open_no_touch(&oldest.key).is_some());
    left.try_for_each(|oldest| destroy(ctx, &key.realm, &oldest.key, RemovalReason::Evicted))
}

/// Writes a session, and deletes the one that it replaces.
///
/// Sends the events at the end, when no key is open and the old session is deleted.
fn write(
    ctx: Ctx<'_>,
    realm: &Realm,
    name: &RedisString,
    data: &RedisString,
    expiry: UnixMillis,
    old: Option<&RedisString>,
) -> Result<(), Error> {
    let value = stored_data::value_to_store(realm, name, data)?;
    let value = value.as_ref().unwrap_or(data);
    let created = ctx.create(name, value, expiry.as_i64())?.ok_or(Error::SESSION_EXISTS)?;
    let deleted = old.map(|old| ctx.delete(old)).transpose()?;
    COUNTERS.data_sizes.record(data.bytes().len());
    BulkDestroy::exclude_new(ctx.database(), name.bytes());
    created.notify(ctx);
    deleted.into_iter().for_each(|deleted| deleted.notify(ctx));
    Ok(())
}

//! A session in the keyspace: every write, and which sessions an owner has.
//!
//! Whatever is written to a session goes through here, so that those who listen are told, and INFO counts. What can be refused is
//! checked before the first write.
#![forbid(unsafe_code)]

mod bulk_destroy;
mod cursor;
mod eviction;
mod index_follower;
mod owner_index;
mod session_table;

pub use bulk_destroy::BulkDestroy;
pub use cursor::{IndexedSession, SessionCursor};
pub use index_follower::{begin, complete, follow, forget, matches_keyspace, totals};

use crate::{
    error::Error,
    metrics::COUNTERS,
    realm::SessionKey,
    redis::{Ctx, RedisString, StringKey},
    session::UnixMillis,
};

/// When a session's key expires.
#[inline]
pub fn expiry(session: &StringKey<'_>) -> Option<UnixMillis> {
    session.expiry().map(UnixMillis::new)
}

/// Moves the expiry of a session that exists: it is used.
pub fn extend(ctx: Ctx<'_>, name: &RedisString, expiry: UnixMillis) -> Result<(), Error> {
    Ok(ctx.expire_at(name, expiry.as_i64())?)
}

/// Moves the expiry of a session that exists, as a client asks.
pub fn touch(ctx: Ctx<'_>, name: &RedisString, expiry: UnixMillis) -> Result<(), Error> {
    extend(ctx, name, expiry)?;
    ctx.notify_jrs_event(c"jrs.touch", name);
    Ok(())
}

/// Why a session ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A logout.
    Destroyed,
    /// Its owner has more sessions than the realm allows.
    Evicted,
}

/// Writes a new session, and ends the owner's oldest ones where the realm allows no more. `name` is the key's.
///
/// # Errors
/// [`Error::TooMany`], [`Error::TryAgain`] while the owner's sessions are not known, and an error for a key that exists.
pub fn create(
    ctx: Ctx<'_>,
    key: &SessionKey,
    name: &RedisString,
    data: &RedisString,
    expiry: UnixMillis,
) -> Result<(), Error> {
    add(ctx, key, name, data, expiry, None)?;
    COUNTERS.created.count();
    ctx.notify_jrs_event(c"jrs.create", name);
    Ok(())
}

/// Writes a session in place of `old`, which ends in the same instant. Where it has another owner than the old one, it counts as
/// new for the realm's limit.
///
/// # Errors
/// As [`create`].
pub fn replace_session(
    ctx: Ctx<'_>,
    (key, name): (&SessionKey, &RedisString),
    (old, old_name): (&SessionKey, &RedisString),
    data: &RedisString,
    expiry: UnixMillis,
) -> Result<(), Error> {
    if key.id.owner() == old.id.owner() {
        write(ctx, name, data, expiry, Some(old_name))?;
    } else {
        add(ctx, key, name, data, expiry, Some(old_name))?;
    }
    COUNTERS.rotated.count();
    // A client that follows the old key learns that it goes on elsewhere, and one that follows the new key where it is from.
    ctx.notify_jrs_event(c"jrs.rotate", old_name);
    ctx.notify_jrs_event(c"jrs.rotate", name);
    Ok(())
}

/// Replaces the data of a session that exists.
pub fn update(ctx: Ctx<'_>, name: &RedisString, data: &RedisString, expiry: UnixMillis) -> Result<(), Error> {
    ctx.replace(name, data, expiry.as_i64())?;
    COUNTERS.updated.count();
    ctx.notify_jrs_event(c"jrs.update", name);
    Ok(())
}

/// Ends a session that exists.
pub fn end(ctx: Ctx<'_>, name: &RedisString, reason: Reason) -> Result<(), Error> {
    ctx.delete(name)?.notify(ctx);
    let (event, counter) = match reason {
        Reason::Destroyed => (c"jrs.destroy", &COUNTERS.destroyed),
        Reason::Evicted => (c"jrs.evict", &COUNTERS.evicted),
    };
    counter.count();
    ctx.notify_jrs_event(event, name);
    Ok(())
}

/// Writes one more session of its owner, and deletes the one that it replaces.
fn add(
    ctx: Ctx<'_>,
    key: &SessionKey,
    name: &RedisString,
    data: &RedisString,
    expiry: UnixMillis,
    old: Option<&RedisString>,
) -> Result<(), Error> {
    let evicted = eviction::plan(ctx, &key.realm, key.id.owner().unwrap_or_default())?;
    write(ctx, name, data, expiry, old)?;
    // Other modules have heard of the new session, and may have deleted another one.
    let mut left = evicted.iter().filter(|oldest| ctx.open_no_touch(&oldest.key).is_some());
    left.try_for_each(|oldest| end(ctx, &oldest.key, Reason::Evicted))
}

/// Writes a session, and deletes the one that it replaces.
///
/// Other modules hear of this at its end: by then no key is open, and the old session is gone.
fn write(
    ctx: Ctx<'_>,
    name: &RedisString,
    data: &RedisString,
    expiry: UnixMillis,
    old: Option<&RedisString>,
) -> Result<(), Error> {
    let exists = || Error::Other("a key with the new session's name exists already, try again".into());
    let created = ctx.create(name, data, expiry.as_i64())?.ok_or_else(exists)?;
    let deleted = old.map(|old| ctx.delete(old)).transpose()?;
    BulkDestroy::exclude_new(ctx.database(), name.bytes());
    created.notify(ctx);
    deleted.into_iter().for_each(|deleted| deleted.notify(ctx));
    Ok(())
}

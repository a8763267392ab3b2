//! Sorted sets in the server's keyspace: members with times as scores.
//!
//! As for session keys, every change is replicated as its effect and announced as the server's own commands would.

use std::ptr;

use redis_module::raw;

use super::{
    api::{OK, api},
    call::Ctx,
    key::{DEL, EXPIRE, Key, READ, READ_WRITE, Written, cannot_open, check_replicated},
    text::Text,
};
use crate::{error::Error, session::UnixMillis};

/// A member and its score.
#[derive(Debug)]
pub struct Member {
    /// Its name.
    pub name: Text,
    /// Its score: milliseconds since the epoch.
    pub score: UnixMillis,
}

/// A sorted set that is open for reading. It must be dropped before anything is changed.
#[derive(Debug)]
pub struct SortedSet<'call>(Key<'call>);

impl<'call> Ctx<'call> {
    /// Opens a sorted set: `None` if there is none, an error if the key holds something else.
    pub fn open_set(self, name: &Text) -> Result<Option<SortedSet<'call>>, Error> {
        match self.open_key(name, READ) {
            None => Ok(None),
            Some(key) if key.kind() == raw::REDISMODULE_KEYTYPE_ZSET => Ok(Some(SortedSet(key))),
            Some(_) => Err(Error::WrongType),
        }
    }

    /// Up to `count` members at random, no two the same.
    pub fn random_members(self, set: &Text, count: usize) -> Vec<Text> {
        let count = Text::new(count.to_string().as_bytes());
        self.ask_strings(c"ZRANDMEMBER", &[set, &count]).unwrap_or_default()
    }

    /// Opens a sorted set, or the place for a new one, to add a member: an error if the key holds something else.
    pub fn open_set_to_add<'s>(self, name: &'s Text) -> Result<Adding<'call, 's>, Error> {
        let key = self.open_key(name, READ_WRITE).ok_or_else(cannot_open)?;
        match key.kind() {
            raw::REDISMODULE_KEYTYPE_EMPTY | raw::REDISMODULE_KEYTYPE_ZSET => Ok(Adding { ctx: self, key, name }),
            _ => Err(Error::WrongType),
        }
    }

    /// Removes members; the set goes with its last one (`ZREM`).
    pub fn remove_members(self, set: &Text, members: &[Text]) -> Result<(), Error> {
        if members.is_empty() {
            return Ok(());
        }
        let key = self.open_key(set, READ_WRITE).ok_or_else(cannot_open)?;
        let mut list: Vec<*mut raw::RedisModuleString> = members.iter().map(Text::as_ptr).collect();
        // SAFETY: the format names a string and an array with its length, and they follow in that order.
        let replicated = unsafe {
            let replicate = api(raw::RedisModule_Replicate);
            let (list, count) = (list.as_mut_ptr(), list.len());
            replicate(self.as_ptr(), c"ZREM".as_ptr(), c"sv".as_ptr(), set.as_ptr(), list, count)
        };
        check_replicated(replicated)?;
        for member in members {
            // SAFETY: the key is open for writing; a set that lost its last member reads as an empty key.
            unsafe { api(raw::RedisModule_ZsetRem)(key.raw.as_ptr(), member.as_ptr(), ptr::null_mut()) };
        }
        let is_gone = key.kind() == raw::REDISMODULE_KEYTYPE_EMPTY;
        drop(key);
        let zrem = (raw::REDISMODULE_NOTIFY_ZSET, c"zrem");
        Written { name: set, events: [Some(zrem), is_gone.then_some(DEL)] }.announce(self);
        Ok(())
    }
}

/// A sorted set, or the place for a new one, that is open for writing.
#[derive(Debug)]
pub struct Adding<'call, 's> {
    ctx: Ctx<'call>,
    key: Key<'call>,
    name: &'s Text,
}

impl<'s> Adding<'_, 's> {
    /// Adds a member (`ZADD`), and lets the set live until `expiry` at least (`PEXPIREAT`), or until `later` where it has to
    /// be moved at all. Says how many members there are then. The events are left to be announced.
    pub fn add(
        self,
        member: &Text,
        score: UnixMillis,
        expiry: UnixMillis,
        later: UnixMillis,
    ) -> Result<(usize, Written<'s>), Error> {
        let Self { ctx, key, name } = self;
        let is_new = key.kind() == raw::REDISMODULE_KEYTYPE_EMPTY;
        // SAFETY: the format names a string, a number and a string, and they follow in that order.
        let replicated = unsafe {
            let replicate = api(raw::RedisModule_Replicate);
            replicate(ctx.as_ptr(), c"ZADD".as_ptr(), c"sls".as_ptr(), name.as_ptr(), score, member.as_ptr())
        };
        check_replicated(replicated)?;
        // SAFETY: the key is open for writing, and holds a sorted set or nothing; no flags are asked for or told.
        unsafe { api(raw::RedisModule_ZsetAdd)(key.raw.as_ptr(), as_double(score), member.as_ptr(), ptr::null_mut()) };
        // SAFETY: the key is open.
        let length = unsafe { api(raw::RedisModule_ValueLength)(key.raw.as_ptr()) };
        // A set that never expires was made so by hand.
        let moves = is_new || key.expiry().is_some_and(|end| end < expiry);
        if moves {
            ctx.put_expiry(&key, name, later)?;
        }
        let zadd = (raw::REDISMODULE_NOTIFY_ZSET, c"zadd");
        Ok((length, Written { name, events: [Some(zadd), moves.then_some(EXPIRE)] }))
    }
}

impl SortedSet<'_> {
    /// How many members there are.
    pub fn len(&self) -> usize {
        // SAFETY: the key is open.
        unsafe { api(raw::RedisModule_ValueLength)(self.0.raw.as_ptr()) }
    }

    /// When the set expires, in milliseconds since the epoch.
    pub fn expiry(&self) -> Option<UnixMillis> {
        self.0.expiry()
    }

    /// Whether there is a member of that name.
    pub fn has(&self, member: &Text) -> bool {
        let mut score = 0.0;
        // SAFETY: the key is open and holds a sorted set; the member is alive.
        unsafe { api(raw::RedisModule_ZsetScore)(self.0.raw.as_ptr(), member.as_ptr(), &raw mut score) == OK }
    }

    /// Up to `count` members behind `after`, in the order of score and name.
    pub fn members(&self, after: Option<&Member>, count: usize) -> Vec<Member> {
        let key = self.0.raw.as_ptr();
        let mut members = Vec::new();
        let least = after.map_or(f64::NEG_INFINITY, |last| as_double(last.score));
        // SAFETY: the key is open and holds a sorted set, which nothing changes before the iteration is stopped.
        unsafe { api(raw::RedisModule_ZsetFirstInScoreRange)(key, least, f64::INFINITY, 0, 0) };
        // SAFETY: an iteration is under way.
        while members.len() < count && unsafe { api(raw::RedisModule_ZsetRangeEndReached)(key) } == 0 {
            let mut score = 0.0;
            // SAFETY: an iteration is under way; the server gives a reference that is ours.
            let name = unsafe { Text::from_raw(api(raw::RedisModule_ZsetRangeCurrentElement)(key, &raw mut score)) };
            let Some(name) = name else { break };
            let member = Member { name, score: as_millis(score) };
            let is_behind = |last: &Member| (member.score, member.name.bytes()) > (last.score, last.name.bytes());
            if after.is_none_or(is_behind) {
                members.push(member);
            }
            // SAFETY: an iteration is under way.
            unsafe { api(raw::RedisModule_ZsetRangeNext)(key) };
        }
        // SAFETY: the iteration that was begun above.
        unsafe { api(raw::RedisModule_ZsetRangeStop)(key) };
        members
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact for three hundred thousand years")]
const fn as_double(millis: UnixMillis) -> f64 {
    millis.as_i64() as f64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, and a score that somebody else wrote may be anything"
)]
const fn as_millis(score: f64) -> UnixMillis {
    UnixMillis::new(score as i64)
}

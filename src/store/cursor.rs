//! A cursor over an owner's sessions, in pages. Changes between pages do not disturb it.

use std::ffi::c_int;

use uuid::Uuid;

use super::index_follower;
use crate::{error::Error, redis::RedisString};

/// A session in the owner index. It may have expired, so look at its key.
#[derive(Debug)]
pub struct IndexedSession {
    /// The name of its key.
    pub key: RedisString,
    /// The UUID at the end of its id.
    pub uuid: Uuid,
}

/// A cursor over an owner's sessions, the oldest first. It returns a session that exists all the time exactly once.
#[derive(Debug)]
pub struct SessionCursor {
    database: c_int,
    prefix: Vec<u8>,
    last: Option<Uuid>,
}

impl SessionCursor {
    /// Begins after `last`, or at the oldest session. `prefix` is the common prefix of the owner's session keys.
    pub const fn new(database: c_int, prefix: Vec<u8>, last: Option<Uuid>) -> Self {
        Self { database, prefix, last }
    }

    /// Up to `count` more sessions. Empty at the end.
    ///
    /// # Errors
    /// [`Error::TryAgain`] while the index is incomplete.
    pub fn next(&mut self, count: usize) -> Result<Vec<IndexedSession>, Error> {
        let page = index_follower::with_complete(|index| index.page(self.database, &self.prefix, self.last, count))?;
        self.last = page.last().copied().or(self.last);
        let mut name = self.prefix.clone();
        Ok(page
            .into_iter()
            .map(|uuid| {
                name.truncate(self.prefix.len());
                name.extend_from_slice(uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes());
                IndexedSession { key: RedisString::new(&name), uuid }
            })
            .collect())
    }
}

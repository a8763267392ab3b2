//! A walk over an owner's sessions, a few at a time: what others do in between does not disturb it.

use std::ffi::c_int;

use uuid::Uuid;

use super::index_follower;
use crate::{error::Error, redis::RedisString};

/// A session in the owner index: it may have ended, so look at its key.
#[derive(Debug)]
pub struct IndexedSession {
    /// The name of its key.
    pub key: RedisString,
    /// The end of its id.
    pub uuid: Uuid,
}

/// A walk over an owner's sessions, the oldest first. A session that is there all the time is met once.
#[derive(Debug)]
pub struct SessionCursor {
    database: c_int,
    prefix: Vec<u8>,
    last: Option<Uuid>,
}

impl SessionCursor {
    /// Begins behind `last`, or at the oldest session. `prefix` is what the names of the owner's keys begin with.
    pub const fn new(database: c_int, prefix: Vec<u8>, last: Option<Uuid>) -> Self {
        Self { database, prefix, last }
    }

    /// Up to `count` more sessions; none at the end.
    ///
    /// # Errors
    /// [`Error::TryAgain`] while the server's keys are being read.
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

//! JRS.DESTROYALL in progress. It destroys the sessions that existed when it began.
//!
//! Sessions not yet processed count as destroyed, so JRS.ROTATE refuses them; otherwise their successors would stay.

use std::{
    collections::HashSet,
    ffi::c_int,
    sync::{Arc, Mutex},
};

use uuid::Uuid;

use crate::{session::SessionName, threads::lock};

static RUNNING: Mutex<Vec<Arc<BulkDestroy>>> = Mutex::new(Vec::new());

/// One running JRS.DESTROYALL.
#[derive(Debug)]
pub struct BulkDestroy {
    database: c_int,
    /// The common prefix of the owner's session keys.
    prefix: Vec<u8>,
    /// The sessions that stay: those created after it began, and the one of EXCEPT.
    excluded: Mutex<HashSet<Uuid>>,
}

impl BulkDestroy {
    /// Begins to destroy the sessions of an owner, except `except`.
    pub fn begin(database: c_int, prefix: Vec<u8>, except: Option<Uuid>) -> Arc<Self> {
        let excluded = Mutex::new(except.into_iter().collect());
        let destroy = Arc::new(Self { database, prefix, excluded });
        lock(&RUNNING).push(Arc::clone(&destroy));
        destroy
    }

    /// Whether it destroys this session of the owner.
    pub fn covers(&self, uuid: Uuid) -> bool {
        !lock(&self.excluded).contains(&uuid)
    }

    /// Removes it from the list of running ones.
    pub fn finish(self: &Arc<Self>) {
        let mut running = lock(&RUNNING);
        running.retain(|other| !Arc::ptr_eq(other, self));
        // Free the memory: the module may be unloaded.
        running.shrink_to_fit();
    }

    /// Excludes a new session from all running ones.
    pub fn exclude_new(database: c_int, key: &[u8]) {
        for destroy in lock(&RUNNING).iter() {
            if let Some(uuid) = destroy.uuid_of(database, key) {
                lock(&destroy.excluded).insert(uuid);
            }
        }
    }

    /// Whether a running one destroys this session.
    pub fn covers_key(database: c_int, key: &[u8]) -> bool {
        lock(&RUNNING).iter().any(|destroy| destroy.uuid_of(database, key).is_some_and(|uuid| destroy.covers(uuid)))
    }

    fn uuid_of(&self, database: c_int, key: &[u8]) -> Option<Uuid> {
        let name = SessionName::parse(key).filter(|name| database == self.database && name.prefix == self.prefix);
        name.map(|name| name.uuid)
    }
}

#[cfg(test)]
mod tests {
    use super::{BulkDestroy, Uuid};

    #[test]
    fn sessions_that_come_later_are_excluded() {
        let [old, mine, new] = [1, 2, 3].map(|number| Uuid::from_u128(0x7000_8000_0000_0000_0000 | number));
        let key = |owner, uuid: Uuid| format!("sess:{{{owner}}}:{uuid}").into_bytes();
        let destroy = BulkDestroy::begin(0, b"sess:{a}:".to_vec(), Some(mine));
        assert!(BulkDestroy::covers_key(0, &key("a", old)) && destroy.covers(old));
        assert!(!BulkDestroy::covers_key(0, &key("a", mine)));
        BulkDestroy::exclude_new(0, &key("a", new));
        BulkDestroy::exclude_new(1, &key("a", old));
        BulkDestroy::exclude_new(0, &key("b", old));
        assert!(!BulkDestroy::covers_key(0, &key("a", new)) && !destroy.covers(new));
        assert!(BulkDestroy::covers_key(0, &key("a", old)));
        assert!(!BulkDestroy::covers_key(1, &key("a", old)) && !BulkDestroy::covers_key(0, &key("b", old)));
        destroy.finish();
        assert!(!BulkDestroy::covers_key(0, &key("a", old)));
    }
}

//! The DESTROYALLs under way: each ends the sessions that an owner had when it began, and none that came after.
//!
//! While one goes on in steps, new sessions of its owner are noted as spared. A session that it has not reached yet is as
//! good as ended, so it cannot be rotated into a new one, which would be spared.

use std::{
    collections::HashSet,
    ffi::c_int,
    sync::{Arc, Mutex},
};

use crate::lock::lock;

static UNDER_WAY: Mutex<Vec<Arc<Ending>>> = Mutex::new(Vec::new());

/// One DESTROYALL.
#[derive(Debug)]
pub struct Ending {
    database: c_int,
    /// What the keys of the owner's sessions begin with.
    prefix: Vec<u8>,
    /// The UUIDs of sessions that stay: those that came after it began, and the one that it was told to spare.
    spared: Mutex<HashSet<Vec<u8>>>,
}

impl Ending {
    /// Begins to end the sessions of an owner, all but `except`.
    pub fn begin(database: c_int, prefix: Vec<u8>, except: Option<Vec<u8>>) -> Arc<Self> {
        let spared = Mutex::new(except.into_iter().collect());
        let ending = Arc::new(Self { database, prefix, spared });
        lock(&UNDER_WAY).push(Arc::clone(&ending));
        ending
    }

    /// Whether it ends this session.
    pub fn dooms(&self, uuid: &[u8]) -> bool {
        !lock(&self.spared).contains(uuid)
    }

    /// It is done.
    pub fn finish(self: &Arc<Self>) {
        let mut under_way = lock(&UNDER_WAY);
        under_way.retain(|other| !Arc::ptr_eq(other, self));
        // Nothing is left behind when the module is unloaded.
        under_way.shrink_to_fit();
    }

    /// Spares a new session from all that are under way.
    pub fn spare(database: c_int, key: &[u8]) {
        for ending in lock(&UNDER_WAY).iter() {
            if let Some(uuid) = ending.uuid_of(database, key) {
                lock(&ending.spared).insert(uuid.to_vec());
            }
        }
    }

    /// Whether a session is to be ended by one that is under way.
    pub fn dooms_key(database: c_int, key: &[u8]) -> bool {
        lock(&UNDER_WAY).iter().any(|ending| ending.uuid_of(database, key).is_some_and(|uuid| ending.dooms(uuid)))
    }

    fn uuid_of<'k>(&self, database: c_int, key: &'k [u8]) -> Option<&'k [u8]> {
        key.strip_prefix(self.prefix.as_slice()).filter(|_| database == self.database)
    }
}

#[cfg(test)]
mod tests {
    use super::Ending;

    #[test]
    fn sessions_that_come_later_are_spared() {
        let ending = Ending::begin(0, b"sess:{a}:".to_vec(), Some(b"mine".to_vec()));
        assert!(Ending::dooms_key(0, b"sess:{a}:old") && ending.dooms(b"old"));
        assert!(!Ending::dooms_key(0, b"sess:{a}:mine"));
        Ending::spare(0, b"sess:{a}:new");
        Ending::spare(1, b"sess:{a}:old");
        Ending::spare(0, b"sess:{b}:old");
        assert!(!Ending::dooms_key(0, b"sess:{a}:new") && !ending.dooms(b"new"));
        assert!(Ending::dooms_key(0, b"sess:{a}:old"));
        assert!(!Ending::dooms_key(1, b"sess:{a}:old") && !Ending::dooms_key(0, b"sess:{b}:old"));
        ending.finish();
        assert!(!Ending::dooms_key(0, b"sess:{a}:old"));
    }
}

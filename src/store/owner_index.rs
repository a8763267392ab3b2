//! The sessions of each owner, derived from the names of the keys in the keyspace.
//!
//! Pure: callers report what happens to keys. An entry means that the key existed at the last event: look at the key
//! before you count or name it.

use std::{
    collections::BTreeMap,
    ffi::c_int,
    hash::{BuildHasher, RandomState},
    mem,
};

use uuid::Uuid;

use super::session_table::{Entry, OwnerHash, SessionTable};
use crate::session::SessionName;

/// The memory of an entry in bytes, as measured.
const ENTRY_BYTES: usize = 30;

/// The session keys of all databases. A hash collision makes a reader look at one more key; it changes no answer.
#[derive(Debug, Default)]
pub(super) struct OwnerIndex {
    hasher: RandomState,
    databases: Databases,
    /// The data set of an asynchronous load.
    beside: Option<Databases>,
}

/// The numbers of the index for INFO.
#[derive(Debug)]
pub struct Totals {
    /// The number of sessions that have an owner.
    pub sessions: usize,
    /// The number of owners that have a session.
    pub owners: usize,
    /// The approximate memory of the index, in bytes.
    pub bytes: usize,
}

pub(super) type Databases = BTreeMap<c_int, SessionTable>;

impl OwnerIndex {
    /// A key was added to the keyspace. It may be known already.
    pub(super) fn add(&mut self, database: c_int, name: SessionName<'_>) {
        let entry = self.entry(name);
        self.databases.entry(database).or_default().add(entry);
    }

    /// A key was loaded from an RDB file, into the active data set or into that of the asynchronous load.
    pub(super) fn add_loaded(&mut self, database: c_int, name: SessionName<'_>) {
        let entry = self.entry(name);
        match &mut self.beside {
            // The server serves clients during this load. Sorting in all keys at the end would block them.
            Some(beside) => beside.entry(database).or_default().add(entry),
            None => self.databases.entry(database).or_default().add_loaded(entry),
        }
    }

    /// A key was removed from the keyspace.
    pub(super) fn remove(&mut self, database: c_int, name: SessionName<'_>) {
        let entry = self.entry(name);
        if let Some(sessions) = self.databases.get_mut(&database) {
            sessions.remove(entry);
        }
    }

    /// All keys of a database, or of all databases, were removed. Returns what the caller must drop, which can take
    /// long.
    #[must_use = "to be dropped on another thread"]
    pub(super) fn clear(&mut self, database: Option<c_int>) -> Databases {
        match database {
            None => mem::take(&mut self.databases),
            Some(database) => self.databases.remove_entry(&database).into_iter().collect(),
        }
    }

    /// Two databases were swapped.
    pub(super) fn swap(&mut self, one: c_int, other: c_int) {
        let (first, second) = (self.databases.remove(&one), self.databases.remove(&other));
        self.databases.extend(first.map(|sessions| (other, sessions)));
        self.databases.extend(second.map(|sessions| (one, sessions)));
    }

    /// An asynchronous load begins. Returns what the caller must drop.
    #[must_use = "to be dropped on another thread"]
    pub(super) fn begin_async_load(&mut self) -> Option<Databases> {
        self.beside.replace(Databases::new())
    }

    /// An asynchronous load ends: its data set becomes active or is discarded. Returns the other one, which the caller
    /// must drop.
    #[must_use = "to be dropped on another thread"]
    pub(super) fn end_async_load(&mut self, is_complete: bool) -> Option<Databases> {
        let mut beside = self.beside.take()?;
        if is_complete {
            mem::swap(&mut self.databases, &mut beside);
        }
        Some(beside)
    }

    /// Sorts in the loaded keys.
    pub(super) fn settle(&mut self) {
        self.databases.values_mut().for_each(SessionTable::settle);
    }

    /// Up to `count` UUIDs of the keys that begin with `prefix`, in order, those after `last`.
    pub(super) fn page(&mut self, database: c_int, prefix: &[u8], last: Option<Uuid>, count: usize) -> Vec<Uuid> {
        let owner = self.owner(prefix);
        self.databases.get_mut(&database).map_or_else(Vec::new, |sessions| sessions.page(owner, last, count))
    }

    /// The number of keys that begin with `prefix`.
    pub(super) fn count(&mut self, database: c_int, prefix: &[u8]) -> usize {
        let owner = self.owner(prefix);
        self.databases.get_mut(&database).map_or(0, |sessions| sessions.count(owner))
    }

    /// The totals. Owners of keys that are not sorted in yet are not counted.
    pub(super) fn totals(&self) -> Totals {
        let sessions = self.databases.values().map(SessionTable::len).sum();
        let owners = self.databases.values().map(|sessions| sessions.owners()).sum();
        Totals { sessions, owners, bytes: sessions * ENTRY_BYTES }
    }

    /// An empty index with the same hash key.
    pub(super) fn empty_like(&self) -> Self {
        Self { hasher: self.hasher.clone(), ..Self::default() }
    }

    /// Whether both have the same entries.
    pub(super) fn equals(&mut self, other: &mut Self) -> bool {
        self.settle();
        other.settle();
        let filled = |(_, sessions): &(&c_int, &SessionTable)| sessions.len() > 0;
        self.databases.iter().filter(filled).eq(other.databases.iter().filter(filled))
    }

    fn entry(&self, name: SessionName<'_>) -> Entry {
        (self.owner(name.prefix), name.uuid)
    }

    fn owner(&self, prefix: &[u8]) -> OwnerHash {
        let [_, _, hash @ ..] = self.hasher.hash_one(prefix).to_be_bytes();
        hash
    }
}

#[cfg(test)]
#[path = "owner_index_tests.rs"]
mod tests;

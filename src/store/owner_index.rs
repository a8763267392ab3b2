//! Which sessions each owner has, by the names of the keys in the keyspace.
//!
//! Pure: it is told what happens to keys. An entry means "was there when last heard of": look at the key before it counts.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    ffi::c_int,
    hash::{BuildHasher, RandomState},
    mem,
    ops::Bound::{Excluded, Included},
};

use uuid::Uuid;

use crate::session::SessionName;

/// A session key: the keyed hash of everything in its name before the UUID, then the UUID. Version 7 UUIDs sort by time, so a
/// range is an owner's sessions, oldest first.
///
/// The hash has 48 bits: with 64 the nodes of the tree would not fit into the allocator's blocks of 256 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry([u8; 22]);

/// The hash of what comes before the UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct OwnerHash([u8; 6]);

/// What an entry takes in a tree that grew by random inserts, in bytes, as measured: nodes of up to 11, two thirds full.
const ENTRY_BYTES: usize = 36;

/// The session keys of all databases. A hash that collides makes a reader look at one more key, and changes no answer.
#[derive(Debug, Default)]
pub(super) struct OwnerIndex {
    hasher: RandomState,
    databases: Databases,
    /// The data set that a replica loads while it serves the old one.
    beside: Option<Databases>,
}

/// What INFO says of the index.
#[derive(Debug)]
pub struct Totals {
    /// How many sessions with an owner there are.
    pub sessions: usize,
    /// How many owners have one.
    pub owners: usize,
    /// The memory that the index takes, about.
    pub bytes: usize,
}

pub(super) type Databases = BTreeMap<c_int, Sessions>;

/// The session keys of one database.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sessions {
    tree: BTreeSet<Entry>,
    /// How many owners the tree has.
    owners: usize,
    /// Keys of an RDB file, in no order, until all are loaded: to sort them once is faster than to insert each.
    loaded: Vec<Entry>,
}

impl OwnerIndex {
    /// A key was added to the keyspace, or was there before.
    pub(super) fn add(&mut self, database: c_int, name: SessionName<'_>) {
        let entry = self.entry(name);
        self.databases.entry(database).or_default().add(entry);
    }

    /// A key was loaded from an RDB file, into the data set that is served or into the one beside it.
    pub(super) fn add_loaded(&mut self, database: c_int, name: SessionName<'_>) {
        let entry = self.entry(name);
        match &mut self.beside {
            // Others are served meanwhile, and would wait for all to be sorted in at the end.
            Some(beside) => beside.entry(database).or_default().add(entry),
            None => self.databases.entry(database).or_default().loaded.push(entry),
        }
    }

    /// A key was removed from the keyspace.
    pub(super) fn remove(&mut self, database: c_int, name: SessionName<'_>) {
        let entry = self.entry(name);
        if let Some(sessions) = self.databases.get_mut(&database) {
            sessions.remove(&entry);
        }
    }

    /// All keys of a database were removed, or of all databases. Returns what is left to be dropped, which can take long.
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

    /// A data set is going to be loaded beside the one that is served. Returns what is left to be dropped.
    #[must_use = "to be dropped on another thread"]
    pub(super) fn begin_beside(&mut self) -> Option<Databases> {
        self.beside.replace(Databases::new())
    }

    /// The data set beside the one that is served takes its place, or is given up. Returns the other one.
    #[must_use = "to be dropped on another thread"]
    pub(super) fn end_beside(&mut self, is_complete: bool) -> Option<Databases> {
        let mut beside = self.beside.take()?;
        if is_complete {
            mem::swap(&mut self.databases, &mut beside);
        }
        Some(beside)
    }

    /// Sorts in what was loaded.
    pub(super) fn settle(&mut self) {
        self.databases.values_mut().for_each(Sessions::settle);
    }

    /// Up to `count` UUIDs of the keys that begin with `prefix`, in order, those after `last`.
    pub(super) fn page(&mut self, database: c_int, prefix: &[u8], last: Option<Uuid>, count: usize) -> Vec<Uuid> {
        let owner = self.owner(prefix);
        let Some(sessions) = self.databases.get_mut(&database) else { return Vec::new() };
        sessions.settle();
        let start = last.map_or(Included(owner.first()), |last| Excluded(owner.with(last)));
        sessions.tree.range((start, Included(owner.last()))).take(count).map(Entry::uuid).collect()
    }

    /// How many keys begin with `prefix`, at most `most`.
    pub(super) fn count(&mut self, database: c_int, prefix: &[u8], most: usize) -> usize {
        let owner = self.owner(prefix);
        self.databases.get_mut(&database).map_or(0, |sessions| {
            sessions.settle();
            sessions.of_owner(owner).take(most).count()
        })
    }

    /// How many session keys there are, and how many owners have one; owners of keys that are still being loaded are not
    /// counted.
    pub(super) fn totals(&self) -> Totals {
        let sessions = self.databases.values().map(Sessions::len).sum();
        let owners = self.databases.values().map(|sessions| sessions.owners).sum();
        Totals { sessions, owners, bytes: sessions * ENTRY_BYTES }
    }

    /// An empty index that is comparable with this one.
    pub(super) fn counterpart(&self) -> Self {
        Self { hasher: self.hasher.clone(), ..Self::default() }
    }

    /// Whether both have the same entries.
    pub(super) fn equals(&mut self, other: &mut Self) -> bool {
        self.settle();
        other.settle();
        let filled = |(_, sessions): &(&c_int, &Sessions)| sessions.len() > 0;
        self.databases.iter().filter(filled).eq(other.databases.iter().filter(filled))
    }

    fn entry(&self, name: SessionName<'_>) -> Entry {
        self.owner(name.prefix).with(name.uuid)
    }

    fn owner(&self, prefix: &[u8]) -> OwnerHash {
        let [_, _, hash @ ..] = self.hasher.hash_one(prefix).to_be_bytes();
        OwnerHash(hash)
    }
}

impl Sessions {
    /// How many entries it has.
    pub(super) fn len(&self) -> usize {
        self.tree.len() + self.loaded.len()
    }

    fn add(&mut self, entry: Entry) {
        self.settle();
        if self.tree.insert(entry) && self.of_owner(entry.owner()).nth(1).is_none() {
            self.owners += 1;
        }
    }

    fn remove(&mut self, entry: &Entry) {
        self.settle();
        if self.tree.remove(entry) && self.of_owner(entry.owner()).next().is_none() {
            self.owners -= 1;
        }
    }

    fn of_owner(&self, owner: OwnerHash) -> impl Iterator<Item = &Entry> {
        // Half as much work as a range with two ends.
        self.tree.range(owner.first()..).take_while(move |entry| entry.owner() == owner)
    }

    fn settle(&mut self) {
        if self.loaded.is_empty() {
            return;
        }
        let mut loaded = mem::take(&mut self.loaded);
        if self.tree.is_empty() {
            loaded.sort_unstable();
            self.owners = loaded.chunk_by(|one, other| one.owner() == other.owner()).count();
            self.tree = loaded.into_iter().collect();
        } else {
            loaded.into_iter().for_each(|entry| self.add(entry));
        }
    }
}

impl OwnerHash {
    fn with(self, uuid: Uuid) -> Entry {
        let mut entry = [0; 22];
        let (hash, end) = entry.split_at_mut(6);
        hash.copy_from_slice(&self.0);
        end.copy_from_slice(uuid.as_bytes());
        Entry(entry)
    }

    fn first(self) -> Entry {
        self.with(Uuid::nil())
    }

    fn last(self) -> Entry {
        self.with(Uuid::max())
    }
}

impl Entry {
    fn owner(&self) -> OwnerHash {
        let [a, b, c, d, e, f, ..] = self.0;
        OwnerHash([a, b, c, d, e, f])
    }

    fn uuid(&self) -> Uuid {
        let [_, _, _, _, _, _, uuid @ ..] = self.0;
        Uuid::from_bytes(uuid)
    }

    /// The hash and the start of the UUID, which almost always tell two entries apart.
    fn head(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

impl Ord for Entry {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.head().cmp(&other.head()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Entry {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
#[path = "owner_index_tests.rs"]
mod tests;

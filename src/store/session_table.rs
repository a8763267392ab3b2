//! The session keys of one database: a hash table that grows a bucket at a time (linear hashing: W. Litwin, VLDB 1980).
//!
//! A new session costs two cache misses, fewer than in a search tree. A table that doubled in one step would block the
//! server.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    ops::Bound::{Excluded, Unbounded},
};

use uuid::Uuid;

/// The average number of entries in a bucket.
const FILL: usize = 8;
/// An owner with more sessions has a tree for them, so that buckets stay short.
const MOST_IN_BUCKET: usize = 32;
/// The number of buckets that are allocated together.
const BLOCK: usize = 256;
/// The number of entries by which a bucket grows.
const ROOM: usize = 3;

/// The keyed hash of the part of a key's name before the UUID.
pub(super) type OwnerHash = [u8; 6];

/// A session key: its owner and its UUID, 22 bytes.
pub(super) type Entry = (OwnerHash, Uuid);

/// Entries in no order.
type Bucket = Vec<Entry>;

/// A set of session keys.
#[derive(Debug, Default)]
pub(super) struct SessionTable {
    blocks: Vec<Vec<Bucket>>,
    buckets: usize,
    /// The sessions of owners who have many. Version 7 UUIDs sort by time.
    trees: BTreeMap<OwnerHash, BTreeSet<Uuid>>,
    sessions: usize,
    owners: usize,
    /// Keys of an RDB file, until all are loaded. Sorted insertion is faster because it fills adjacent buckets.
    loaded: Vec<Entry>,
}

impl SessionTable {
    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.sessions + self.loaded.len()
    }

    /// The number of owners, without those of loaded entries before [`settle`](Self::settle).
    pub(super) fn owners(&self) -> usize {
        self.owners
    }

    pub(super) fn add(&mut self, entry: Entry) {
        self.settle();
        while self.sessions >= FILL * self.buckets {
            self.split();
        }
        let (owner, uuid) = entry;
        if let Some(tree) = self.trees.get_mut(&owner) {
            self.sessions += usize::from(tree.insert(uuid));
            return;
        }
        let Some(bucket) = self.bucket_mut(owner) else { return };
        let of_owner = bucket.iter().filter(|other| other.0 == owner).count();
        if of_owner > 0 && bucket.contains(&entry) {
            return;
        }
        if of_owner < MOST_IN_BUCKET {
            if bucket.len() == bucket.capacity() {
                bucket.reserve_exact(ROOM);
            }
            bucket.push(entry);
        } else {
            let mut tree = BTreeSet::from([uuid]);
            bucket.retain(|other| other.0 != owner || !tree.insert(other.1));
            self.trees.insert(owner, tree);
        }
        self.sessions += 1;
        self.owners += usize::from(of_owner == 0);
    }

    /// Adds an entry of an RDB file.
    pub(super) fn add_loaded(&mut self, entry: Entry) {
        self.loaded.push(entry);
    }

    pub(super) fn remove(&mut self, (owner, uuid): Entry) {
        self.settle();
        let is_last = if let Some(tree) = self.trees.get_mut(&owner) {
            if !tree.remove(&uuid) {
                return;
            }
            tree.is_empty() && self.trees.remove(&owner).is_some()
        } else {
            let Some(bucket) = self.bucket_mut(owner) else { return };
            let Some(position) = bucket.iter().position(|other| *other == (owner, uuid)) else { return };
            bucket.swap_remove(position);
            if bucket.capacity() > bucket.len() + 2 * ROOM || bucket.is_empty() {
                bucket.shrink_to_fit();
            }
            bucket.iter().all(|other| other.0 != owner)
        };
        self.sessions -= 1;
        self.owners -= usize::from(is_last);
        if self.buckets > 1 && self.sessions < FILL * self.buckets / 4 {
            self.join();
        }
    }

    pub(super) fn contains(&self, (owner, uuid): &Entry) -> bool {
        match self.trees.get(owner) {
            Some(tree) => tree.contains(uuid),
            None => self.bucket(*owner).contains(&(*owner, *uuid)),
        }
    }

    /// Up to `count` of an owner's sessions after `last`, the oldest first.
    pub(super) fn page(&mut self, owner: OwnerHash, last: Option<Uuid>, count: usize) -> Vec<Uuid> {
        self.settle();
        let start = last.map_or(Unbounded, Excluded);
        if let Some(tree) = self.trees.get(&owner) {
            return tree.range((start, Unbounded)).take(count).copied().collect();
        }
        let found: BTreeSet<_> =
            self.bucket(owner).iter().filter(|other| other.0 == owner).map(|other| other.1).collect();
        found.range((start, Unbounded)).take(count).copied().collect()
    }

    /// The number of an owner's sessions.
    pub(super) fn count(&mut self, owner: OwnerHash) -> usize {
        self.settle();
        let in_bucket = || self.bucket(owner).iter().filter(|other| other.0 == owner).count();
        self.trees.get(&owner).map_or_else(in_bucket, BTreeSet::len)
    }

    /// All entries in no order, without loaded entries before [`settle`](Self::settle).
    pub(super) fn entries(&self) -> impl Iterator<Item = Entry> {
        let in_trees = self.trees.iter().flat_map(|(owner, tree)| tree.iter().map(|uuid| (*owner, *uuid)));
        self.blocks.iter().flatten().flatten().copied().chain(in_trees)
    }

    /// Moves the loaded entries into their buckets.
    pub(super) fn settle(&mut self) {
        if self.loaded.is_empty() {
            return;
        }
        let mut loaded = mem::take(&mut self.loaded);
        while self.sessions + loaded.len() > FILL * self.buckets {
            self.split();
        }
        let buckets = self.buckets;
        loaded.sort_unstable_by_key(|(owner, _)| number(*owner, buckets));
        loaded.into_iter().for_each(|entry| self.add(entry));
    }

    /// Adds a bucket, and moves its entries from the bucket that had them.
    fn split(&mut self) {
        let new = self.buckets;
        self.buckets += 1;
        let mut moved = Bucket::new();
        if let Some(bucket) = before_split(new).and_then(|number| self.at_mut(number)) {
            bucket.retain(|entry| {
                let stays = number(entry.0, new + 1) != new;
                if !stays {
                    moved.push(*entry);
                }
                stays
            });
            bucket.shrink_to_fit();
            moved.shrink_to_fit();
        }
        if new.is_multiple_of(BLOCK) {
            self.blocks.push(Vec::with_capacity(BLOCK));
        }
        if let Some(block) = self.blocks.last_mut() {
            block.push(moved);
        }
    }

    /// Removes the last bucket; the opposite of [`split`](Self::split).
    fn join(&mut self) {
        let Some(last) = self.blocks.last_mut().and_then(Vec::pop) else { return };
        self.blocks.pop_if(|block| block.is_empty());
        self.buckets -= 1;
        if let Some(bucket) = before_split(self.buckets).and_then(|number| self.at_mut(number)) {
            bucket.extend(last);
        }
    }

    fn bucket(&self, owner: OwnerHash) -> &[Entry] {
        let number = number(owner, self.buckets);
        self.blocks.get(number / BLOCK).and_then(|block| block.get(number % BLOCK)).map_or(&[], Vec::as_slice)
    }

    fn bucket_mut(&mut self, owner: OwnerHash) -> Option<&mut Bucket> {
        self.at_mut(number(owner, self.buckets))
    }

    fn at_mut(&mut self, number: usize) -> Option<&mut Bucket> {
        self.blocks.get_mut(number / BLOCK)?.get_mut(number % BLOCK)
    }
}

/// Compares the entries only: their positions depend on the history.
impl PartialEq for SessionTable {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.owners == other.owners && self.entries().all(|entry| other.contains(&entry))
    }
}

/// The bucket of an owner among `buckets`: the low bits of the hash.
fn number([a, b, c, d, ..]: OwnerHash, buckets: usize) -> usize {
    let mask = buckets.next_power_of_two() - 1;
    let hash = u32::from_ne_bytes([a, b, c, d]) as usize;
    let number = hash & mask;
    if number < buckets { number } else { number & mask >> 1 }
}

/// The bucket that had the entries of a new one. `None` for the first.
fn before_split(number: usize) -> Option<usize> {
    number.checked_ilog2().map(|top| number ^ 1 << top)
}

#[cfg(test)]
#[path = "session_table_tests.rs"]
mod tests;

//! Keeps the owner index equal to the keyspace, on a standalone server, a replica and a cluster node alike.

use std::{
    ffi::c_int,
    sync::{LazyLock, Mutex},
    time::Duration,
};

use super::{
    owner_index::{OwnerIndex, Totals},
    session_table::SessionTable,
};
use crate::{
    error::Error,
    redis::{self, Ctx, Event, KeyScan, KeyspaceListener, scan_in_slices},
    session::SessionName,
    threads,
    threads::lock,
};

/// The lock is never held while the server is called, which may tell of a key at any time.
static FOLLOWER: LazyLock<Mutex<Follower>> = LazyLock::new(Mutex::default);

/// The index, and whether it has all keys.
#[derive(Debug, Default)]
pub(super) struct Follower {
    index: OwnerIndex,
    /// False until the keys have been read that were there before the module.
    is_complete: bool,
    /// Whether they are being read.
    scans: bool,
    /// Whether a key may have been missed since that began.
    has_missed: bool,
    /// Whether one may have been missed since the server began to load a data set beside this one.
    has_missed_while_loading: bool,
}

/// Begins to follow the keyspace. Few keys are read at once; [`complete`] reads many.
pub fn begin(ctx: Ctx<'_>) {
    redis::follow_keyspace::<Follower>(ctx);
    let at_once = Duration::from_millis(2);
    let mut scan = KeyScan::begin();
    let is_done = scan.slice(ctx, at_once, &mut Follower::added);
    let mut follower = lock(&FOLLOWER);
    follower.is_complete = is_done && !scan.has_failed() && !follower.has_missed;
}

/// Reads the keys that the index lacks, if any may be missing, in slices. To be called now and then.
pub fn complete(ctx: Ctx<'_>) {
    let mut follower = lock(&FOLLOWER);
    if !follower.is_complete && !follower.scans {
        (follower.scans, follower.has_missed) = (true, false);
        drop(follower);
        scan_in_slices::<Follower>(ctx);
    }
}

/// Gives the memory back.
pub fn forget() {
    *lock(&FOLLOWER) = Follower::default();
}

/// What INFO says of the index.
pub fn totals() -> Totals {
    lock(&FOLLOWER).index.totals()
}

/// Whether the index is what the keyspace is, found by reading all of it at once. For tests.
pub fn matches_keyspace(ctx: Ctx<'_>) -> Result<bool, Error> {
    let mut found = with_complete(|index| index.empty_like())?;
    KeyScan::begin().slice(ctx, Duration::MAX, &mut |database, name| {
        SessionName::parse(name).into_iter().for_each(|name| found.add(database, name));
    });
    with_complete(|index| index.equals(&mut found))
}

/// Reads the index.
///
/// # Errors
/// [`Error::TryAgain`] where it does not have all keys yet.
pub(super) fn with_complete<T>(read: impl FnOnce(&mut OwnerIndex) -> T) -> Result<T, Error> {
    let mut follower = lock(&FOLLOWER);
    if follower.is_complete {
        return Ok(read(&mut follower.index));
    }
    Err(Error::TryAgain("the server's keys are still being read since the module was loaded, nothing was done"))
}

impl Follower {
    /// A change of a key may have been missed: commands on owners are refused until all keys have been read.
    const fn lose_track(&mut self) {
        self.is_complete = false;
        self.has_missed = true;
        self.has_missed_while_loading = true;
    }

    /// Changes the index in a way that takes memory.
    fn grow(database: c_int, name: &[u8], change: fn(&mut OwnerIndex, c_int, SessionName<'_>)) {
        let Some(name) = SessionName::parse(name) else { return };
        if redis::has_memory() {
            change(&mut lock(&FOLLOWER).index, database, name);
        } else {
            Self::lost_track();
        }
    }
}

/// Follows what happens to whole databases.
pub fn follow(event: Event<'_>) {
    /// So many entries are dropped in well below a millisecond.
    const AT_ONCE: usize = 4096;
    let mut follower = lock(&FOLLOWER);
    match event {
        Event::AsyncLoadStarted => follower.has_missed_while_loading = false,
        Event::AsyncLoadEnded(true) if follower.has_missed_while_loading => follower.lose_track(),
        Event::Missed => follower.lose_track(),
        _ => {}
    }
    let index = &mut follower.index;
    let former = match event {
        Event::Flushed(database) => Some(index.clear(database)),
        Event::AsyncLoadStarted => index.begin_async_load(),
        Event::AsyncLoadEnded(is_complete) => index.end_async_load(is_complete),
        Event::Swapped(one, other) => {
            index.swap(one, other);
            None
        }
        Event::Loaded => {
            index.settle();
            None
        }
        _ => None,
    };
    drop(follower);
    let former = former.unwrap_or_default();
    if former.values().map(SessionTable::len).sum::<usize>() > AT_ONCE {
        threads::drop_later(former);
    }
}

impl KeyspaceListener for Follower {
    fn added(database: c_int, name: &[u8]) {
        Self::grow(database, name, OwnerIndex::add);
    }

    fn loaded(database: c_int, name: &[u8]) {
        Self::grow(database, name, OwnerIndex::add_loaded);
    }

    fn removed(database: c_int, name: &[u8]) {
        if let Some(name) = SessionName::parse(name) {
            lock(&FOLLOWER).index.remove(database, name);
        }
    }

    fn lost_track() {
        lock(&FOLLOWER).lose_track();
    }

    fn scan_ended(is_complete: bool) {
        let mut follower = lock(&FOLLOWER);
        follower.is_complete = is_complete && !follower.has_missed;
        follower.scans = false;
    }
}

//! Keeps the owner index equal to the keyspace, on standalone servers, replicas and cluster nodes.

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

/// Never call the server while this lock is held: the server may send a keyspace event, whose handler takes the lock.
static FOLLOWER: LazyLock<Mutex<Follower>> = LazyLock::new(Mutex::default);

/// The index and its state.
#[derive(Debug, Default)]
pub(super) struct Follower {
    index: OwnerIndex,
    /// Whether it has all keys. False until the keys that existed before the module are scanned.
    is_complete: bool,
    /// Whether a scan is running.
    scans: bool,
    /// Whether a key may have been missed since the scan began.
    has_missed: bool,
    /// Whether a key may have been missed since the asynchronous load began.
    has_missed_while_loading: bool,
}

/// Begins to follow the keyspace. Scans for up to 2 ms; [`complete_index_scan`] scans the rest.
pub fn begin_index(ctx: Ctx<'_>) {
    redis::follow_keyspace::<Follower>(ctx);
    let at_once = Duration::from_millis(2);
    let mut scan = KeyScan::begin();
    let is_done = scan.slice(ctx, at_once, &mut Follower::added);
    let mut follower = lock(&FOLLOWER);
    follower.is_complete = is_done && !scan.has_failed() && !follower.has_missed;
}

/// Starts a scan in slices if the index is incomplete. Call it regularly.
pub fn complete_index_scan(ctx: Ctx<'_>) {
    let mut follower = lock(&FOLLOWER);
    if !follower.is_complete && !follower.scans {
        (follower.scans, follower.has_missed) = (true, false);
        drop(follower);
        scan_in_slices::<Follower>(ctx);
    }
}

/// Frees the memory.
pub fn drop_index() {
    *lock(&FOLLOWER) = Follower::default();
}

/// The numbers of the index for INFO.
pub fn index_totals() -> Totals {
    lock(&FOLLOWER).index.totals()
}

/// Whether the index equals the keyspace, by one scan of all keys. For tests.
pub fn index_matches_keyspace(ctx: Ctx<'_>) -> Result<bool, Error> {
    let mut found = with_complete(|index| index.empty_like())?;
    KeyScan::begin().slice(ctx, Duration::MAX, &mut |database, name| {
        SessionName::parse(name).into_iter().for_each(|name| found.add(database, name));
    });
    with_complete(|index| index.equals(&mut found))
}

/// Reads the index.
///
/// # Errors
/// [`Error::TryAgain`] while it is incomplete.
pub(super) fn with_complete<T>(read: impl FnOnce(&mut OwnerIndex) -> T) -> Result<T, Error> {
    let mut follower = lock(&FOLLOWER);
    if follower.is_complete {
        return Ok(read(&mut follower.index));
    }
    Err(Error::INDEX_INCOMPLETE)
}

impl Follower {
    /// A change may have been missed. Commands on owners are refused until a new scan is complete.
    const fn lose_track(&mut self) {
        self.is_complete = false;
        self.has_missed = true;
        self.has_missed_while_loading = true;
    }

    /// Adds to the index, which may allocate memory.
    fn grow(database: c_int, name: &[u8], change: fn(&mut OwnerIndex, c_int, SessionName<'_>)) {
        let Some(name) = SessionName::parse(name) else { return };
        if redis::has_memory() {
            change(&mut lock(&FOLLOWER).index, database, name);
        } else {
            Self::lost_track();
        }
    }
}

/// Follows events that change whole databases.
pub fn on_server_event(event: Event<'_>) {
    /// Dropping this many entries takes well below a millisecond.
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

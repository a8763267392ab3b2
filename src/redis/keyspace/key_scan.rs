//! Visits the names of all keys of all databases in slices, while clients change the keys.

use std::{
    ffi::{c_int, c_void},
    time::{Duration, Instant},
};

use redis_module::raw;

use crate::redis::{
    ffi::{
        api::{OK, api},
        context::Ctx,
        guard::guard,
        string,
    },
    keyspace::keyspace_events::KeyspaceListener,
    server::event::swapdb_epoch,
};

const SLICE: Duration = Duration::from_millis(1);
/// The pause between two slices, in milliseconds.
const PAUSE: i64 = 1;

/// Passes all keys to `L`, in slices between which the server serves clients. Must not be called before the load is
/// complete: the server can still reject the module, and a timer would outlive it.
pub fn scan_in_slices<L: KeyspaceListener>(ctx: Ctx<'_>) {
    arm::<L>(ctx, Box::new(KeyScan::begin()));
}

fn next_slice<L: KeyspaceListener>(ctx: Ctx<'_>, mut scan: Box<KeyScan>) {
    if scan.slice(ctx, SLICE, &mut L::added) { L::scan_ended(!scan.has_failed) } else { arm::<L>(ctx, scan) }
}

fn arm<L: KeyspaceListener>(ctx: Ctx<'_>, scan: Box<KeyScan>) {
    let scan: *mut KeyScan = Box::into_raw(scan);
    // SAFETY: the context is that of a running call; `ticked` frees the box.
    unsafe { api(raw::RedisModule_CreateTimer)(ctx.as_ptr(), PAUSE, Some(ticked::<L>), scan.cast()) };
}

extern "C" fn ticked<L: KeyspaceListener>(ctx: *mut raw::RedisModuleCtx, scan: *mut c_void) {
    // SAFETY: the context is the server's and outlives this call.
    let ctx = unsafe { Ctx::new(ctx) };
    // SAFETY: the box of `arm`; nothing else frees it.
    let scan = unsafe { Box::from_raw(scan.cast::<KeyScan>()) };
    if guard(|| next_slice::<L>(ctx, scan)).is_none() {
        guard(|| L::scan_ended(false));
    }
}

/// A scan of the keyspace. It visits each key that exists during the whole scan, some of them twice.
#[derive(Debug)]
pub struct KeyScan {
    cursor: *mut raw::RedisModuleScanCursor,
    database: c_int,
    swapdb_epoch: u64,
    /// Whether a panic kept a key from being visited.
    has_failed: bool,
}

/// Called with the database and the name of each key.
type Visit<'v> = &'v mut dyn FnMut(c_int, &[u8]);
/// The same for one database.
type VisitName<'v> = &'v mut dyn FnMut(&[u8]);

impl KeyScan {
    /// Begins with the first database.
    pub fn begin() -> Self {
        // SAFETY: takes nothing; `drop` frees the cursor.
        let cursor = unsafe { api(raw::RedisModule_ScanCursorCreate)() };
        Self { cursor, database: 0, swapdb_epoch: swapdb_epoch(), has_failed: false }
    }

    /// Whether a panic kept a key from being visited.
    pub const fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Visits keys for about `length`. Returns whether the scan is complete.
    pub fn slice(&mut self, ctx: Ctx<'_>, length: Duration, visit: Visit<'_>) -> bool {
        let selected = ctx.database();
        let is_done = self.visit_all(ctx, length, visit);
        // Restore the selected database: the context of a command selects for its client, too.
        // SAFETY: the context is that of a running call; this database exists.
        unsafe { api(raw::RedisModule_SelectDb)(ctx.as_ptr(), selected) };
        is_done
    }

    fn visit_all(&mut self, ctx: Ctx<'_>, length: Duration, visit: Visit<'_>) -> bool {
        let begin = Instant::now();
        if self.swapdb_epoch != swapdb_epoch() {
            // A visited database was swapped with one that was not visited. Start again.
            *self = Self::begin();
        }
        // SAFETY: the context is that of a running call.
        while unsafe { api(raw::RedisModule_SelectDb)(ctx.as_ptr(), self.database) } == OK {
            let mut visit: VisitName<'_> =
                &mut |name| self.has_failed |= guard(|| visit(self.database, name)).is_none();
            let data: *mut VisitName<'_> = &raw mut visit;
            // SAFETY: the cursor is alive; `visited` uses the data within this call only.
            let has_more =
                unsafe { api(raw::RedisModule_Scan)(ctx.as_ptr(), self.cursor, Some(visited), data.cast()) } != 0;
            if !has_more {
                self.database += 1;
                // SAFETY: the cursor is alive.
                unsafe { api(raw::RedisModule_ScanCursorRestart)(self.cursor) };
            } else if begin.elapsed() >= length {
                // The time is checked only within a database, so an empty server needs one slice.
                return false;
            }
        }
        true
    }
}

impl Drop for KeyScan {
    fn drop(&mut self) {
        // SAFETY: the cursor of `begin`, not used after this.
        unsafe { api(raw::RedisModule_ScanCursorDestroy)(self.cursor) };
    }
}

extern "C" fn visited(
    _: *mut raw::RedisModuleCtx,
    name: *mut raw::RedisModuleString,
    _: *mut raw::RedisModuleKey,
    data: *mut c_void,
) {
    // SAFETY: the data of `visit_all`, which does not use it during this call.
    if let Some(visit) = unsafe { data.cast::<VisitName<'_>>().as_mut() } {
        // SAFETY: the server's string outlives this call and does not change during it.
        visit(unsafe { string::bytes(name) });
    }
}

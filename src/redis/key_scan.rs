//! Reading the names of all keys of all databases, some at a time, while others change them.

use std::{
    ffi::{c_int, c_void},
    time::{Duration, Instant},
};

use redis_module::raw;

use super::{
    api::{OK, api},
    call::Ctx,
    event::swaps,
    guard::guard,
    text,
};

/// What is done with the keys that a scan meets.
pub trait ScanVisitor {
    /// A key is there. This must not call the server.
    fn visit(database: c_int, name: &[u8]);
    /// All keys were visited; or not, because of a defect.
    fn end(is_complete: bool);
}

/// How long a slice takes.
const SLICE: Duration = Duration::from_millis(1);
/// How long others have the server to themselves between two slices, in milliseconds.
const PAUSE: i64 = 1;

/// Visits all keys, in slices with other clients served in between. Not to be called before the server has taken the module
/// in: a timer would outlive a module that it then throws out.
pub fn scan_in_slices<V: ScanVisitor>(ctx: Ctx<'_>) {
    arm::<V>(ctx, Box::new(KeyScan::begin()));
}

fn next_slice<V: ScanVisitor>(ctx: Ctx<'_>, mut scan: Box<KeyScan>) {
    if scan.slice(ctx, SLICE, &mut V::visit) { V::end(!scan.has_failed) } else { arm::<V>(ctx, scan) }
}

fn arm<V: ScanVisitor>(ctx: Ctx<'_>, scan: Box<KeyScan>) {
    let scan: *mut KeyScan = Box::into_raw(scan);
    // SAFETY: the context is that of a running call; `ticked` takes the box back, once.
    unsafe { api(raw::RedisModule_CreateTimer)(ctx.as_ptr(), PAUSE, Some(ticked::<V>), scan.cast()) };
}

extern "C" fn ticked<V: ScanVisitor>(ctx: *mut raw::RedisModuleCtx, scan: *mut c_void) {
    // SAFETY: the context is the server's and outlives this call.
    let ctx = unsafe { Ctx::new(ctx) };
    // SAFETY: the box of `arm`, which nobody else takes back.
    let scan = unsafe { Box::from_raw(scan.cast::<KeyScan>()) };
    if guard(|| next_slice::<V>(ctx, scan)).is_none() {
        guard(|| V::end(false));
    }
}

/// A scan of the keyspace. It meets each key that is there from its beginning to its end, some of them twice.
#[derive(Debug)]
pub struct KeyScan {
    cursor: *mut raw::RedisModuleScanCursor,
    database: c_int,
    swaps: u64,
    /// Whether a key was not visited because of a defect.
    has_failed: bool,
}

/// What is done with a key's name.
type Visit<'v> = &'v mut dyn FnMut(c_int, &[u8]);

impl KeyScan {
    /// Begins with the first database.
    pub fn begin() -> Self {
        // SAFETY: takes nothing; `drop` gives the cursor back.
        let cursor = unsafe { api(raw::RedisModule_ScanCursorCreate)() };
        Self { cursor, database: 0, swaps: swaps(), has_failed: false }
    }

    /// Whether a key was not visited because of a defect.
    pub const fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Visits keys for about so long. Says whether that was all.
    pub fn slice(&mut self, ctx: Ctx<'_>, length: Duration, visit: Visit<'_>) -> bool {
        let selected = ctx.database();
        let is_done = self.visit_all(ctx, length, visit);
        // The context of a command selects for its client, too.
        // SAFETY: the context is that of a running call; this database is there.
        unsafe { api(raw::RedisModule_SelectDb)(ctx.as_ptr(), selected) };
        is_done
    }

    fn visit_all(&mut self, ctx: Ctx<'_>, length: Duration, visit: Visit<'_>) -> bool {
        let begin = Instant::now();
        if self.swaps != swaps() {
            // A database that was read has changed places with one that was not.
            *self = Self::begin();
        }
        let mut visitor = Visitor { database: self.database, visit, has_failed: false };
        // SAFETY: the context is that of a running call.
        while unsafe { api(raw::RedisModule_SelectDb)(ctx.as_ptr(), self.database) } == OK {
            let data: *mut Visitor<'_> = &raw mut visitor;
            // SAFETY: the cursor is alive; `visited` gets the data back, within this call only.
            let has_more =
                unsafe { api(raw::RedisModule_Scan)(ctx.as_ptr(), self.cursor, Some(visited), data.cast()) } != 0;
            self.has_failed |= visitor.has_failed;
            if !has_more {
                self.database += 1;
                visitor.database = self.database;
                // SAFETY: the cursor is alive.
                unsafe { api(raw::RedisModule_ScanCursorRestart)(self.cursor) };
            } else if begin.elapsed() >= length {
                // Not where there is no more: an empty server is read at once, however slow it is.
                return false;
            }
        }
        true
    }
}

impl Drop for KeyScan {
    fn drop(&mut self) {
        // SAFETY: the cursor of `begin`, used no more.
        unsafe { api(raw::RedisModule_ScanCursorDestroy)(self.cursor) };
    }
}

struct Visitor<'v> {
    database: c_int,
    visit: Visit<'v>,
    has_failed: bool,
}

extern "C" fn visited(
    _: *mut raw::RedisModuleCtx,
    name: *mut raw::RedisModuleString,
    _: *mut raw::RedisModuleKey,
    data: *mut c_void,
) {
    // SAFETY: the data of `visit_all`, which waits for this call and does not use it meanwhile.
    if let Some(visitor) = unsafe { data.cast::<Visitor<'_>>().as_mut() } {
        // SAFETY: the server's string outlives this call, and nothing changes it meanwhile.
        let name = unsafe { text::bytes(name) };
        visitor.has_failed |= guard(|| (visitor.visit)(visitor.database, name)).is_none();
    }
}

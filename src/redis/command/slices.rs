//! Long work on the server's thread, in slices. The server serves other clients between slices.
//!
//! The first slice runs in the command itself: short work is atomic. Where the client cannot be blocked (MULTI, a
//! script), all of it runs there.

use std::{
    ffi::c_void,
    ptr,
    rc::Rc,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use redis_module::raw;

use crate::redis::ffi::refused::{ErrorReply, Refused};
use crate::redis::{
    command::{call::Call, held_client::HeldClient},
    ffi::{api::api, context::Ctx, guard::guard},
    server::event::swapdb_epoch,
};

/// The length of a slice of work.
const SLICE: Duration = Duration::from_millis(2);
/// The length of a slice that follows another job's slice without a pause.
const SHORT_SLICE: Duration = Duration::from_micros(200);
/// The length of a slice of a reply. A reply that fits into one slice is a consistent snapshot.
const REPLY_SLICE: Duration = Duration::from_millis(4);
/// The pause between two slices, in milliseconds.
const PAUSE: i64 = 1;
/// When the last slice of any job ended. The pause after a slice holds for all jobs; otherwise many jobs together
/// would block the server. Jobs end in the order in which they began.
static LAST_SLICE: Mutex<Option<Instant>> = Mutex::new(None);

fn has_paused() -> bool {
    let last = *LAST_SLICE.lock().unwrap_or_else(PoisonError::into_inner);
    last.is_none_or(|end| end.elapsed().as_millis() >= PAUSE.unsigned_abs().into())
}

fn note_slice_end() {
    *LAST_SLICE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
}

/// The interval at which a job checks whether writes are still paused, in milliseconds.
const PAUSED_WRITES_INTERVAL: i64 = 20;

/// Whether a job has more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    More,
    /// The work is done.
    Done,
}

/// Work in pieces that are far shorter than a slice.
pub trait SlicedJob {
    /// What it fails with.
    type Error: From<Refused> + Into<ErrorReply>;
    /// Whether it changes keys. Such a job stops while writes are paused, and fails when this server becomes a
    /// read-only replica.
    const WRITES: bool;

    /// Does a piece of the work. After an error the job ends; what it has done stays done.
    fn work(&mut self, ctx: Ctx<'_>) -> Result<Progress, Self::Error>;

    /// Writes a piece of the reply to `out` after the work. `ctx` is given if other clients were served since the
    /// work, so that keys can be looked at again; it is missing also if databases were swapped meanwhile.
    fn reply(&mut self, ctx: Option<Ctx<'_>>, out: Ctx<'_>) -> Progress;
}

impl Call<'_> {
    /// Runs a job, which replies.
    pub fn in_slices<J: SlicedJob + 'static>(&self, mut job: J) -> Result<(), J::Error> {
        if let Some(client) = self.held {
            Slices::begin(self, Rc::clone(client), job, false);
            return Ok(());
        }
        let in_one_go = !self.may_wait();
        let begin = Instant::now();
        let length = if has_paused() { SLICE } else { SHORT_SLICE };
        let hold = || HeldClient::hold(self).map(Rc::new);
        while job.work(self.ctx)? == Progress::More {
            if !in_one_go && begin.elapsed() >= length {
                Slices::begin(self, hold()?, job, false);
                return Ok(());
            }
        }
        // A reply cannot continue in another context, so a long one is not started here.
        if !in_one_go && begin.elapsed() >= length {
            Slices::begin(self, hold()?, job, true);
            return Ok(());
        }
        while job.reply(None, self.ctx) != Progress::Done {}
        Ok(())
    }
}

/// A job whose client is held.
struct Slices<J> {
    /// The first field: it is dropped before the client gets the reply.
    job: J,
    /// Whether the work is done and the reply has begun.
    replies: bool,
    /// The [`swapdb_epoch`] when the job began.
    swapdb_epoch: u64,
    client: Rc<HeldClient>,
}

impl<J: SlicedJob + 'static> Slices<J> {
    fn begin(call: &Call<'_>, client: Rc<HeldClient>, job: J, replies: bool) {
        note_slice_end();
        Self::arm(call.ctx, Box::new(Self { job, replies, swapdb_epoch: swapdb_epoch(), client }), PAUSE);
        // Redis 7.0 may sleep until a timer that it knew before this command; this wakes it.
        // SAFETY: the callback takes no data.
        unsafe { api(raw::RedisModule_EventLoopAddOneShot)(Some(woken), ptr::null_mut()) };
    }

    /// Schedules the next slice in `millis` milliseconds, in the same database.
    fn arm(ctx: Ctx<'_>, slices: Box<Self>, millis: i64) {
        let slices: *mut Self = Box::into_raw(slices);
        // SAFETY: the context is that of a running call; `tick` frees the box.
        unsafe { api(raw::RedisModule_CreateTimer)(ctx.as_ptr(), millis, Some(tick::<J>), slices.cast()) };
    }

    /// Runs one slice. Returns the delay of the next one in milliseconds, or `None` at the end.
    fn slice(&mut self, ctx: Ctx<'_>) -> Result<Option<i64>, ErrorReply> {
        let begin = Instant::now();
        if !self.replies && self.swapdb_epoch != swapdb_epoch() {
            return Err(Refused::DatabasesSwapped.into());
        }
        if !self.replies && J::WRITES {
            if ctx.is_read_only() {
                return Err(Refused::ReadOnly.into());
            }
            if ctx.writes_are_paused() {
                return Ok(Some(PAUSED_WRITES_INTERVAL));
            }
        }
        if !has_paused() {
            return Ok(Some(PAUSE));
        }
        let mut next = Some(PAUSE);
        if self.replies {
            let ctx = (self.swapdb_epoch == swapdb_epoch()).then_some(ctx);
            while next.is_some() && begin.elapsed() < REPLY_SLICE {
                next = (self.job.reply(ctx, self.client.out()) != Progress::Done).then_some(PAUSE);
            }
        } else {
            while !self.replies && begin.elapsed() < SLICE {
                self.replies = self.job.work(ctx).map_err(Into::into)? == Progress::Done;
            }
        }
        note_slice_end();
        Ok(next)
    }
}

/// Callback of the server: runs the next slice.
extern "C" fn tick<J: SlicedJob + 'static>(ctx: *mut raw::RedisModuleCtx, slices: *mut c_void) {
    // SAFETY: the context is what the server passed, and it is used only until this returns.
    let ctx = unsafe { Ctx::new(ctx) };
    // SAFETY: the box of `arm`; nothing else frees it.
    let mut slices = unsafe { Box::from_raw(slices.cast::<Slices<J>>()) };
    // A job that panicked ends.
    let outcome = guard(|| slices.slice(ctx)).unwrap_or(Err(Refused::Panicked.into()));
    if let Ok(Some(millis)) = outcome {
        return Slices::arm(ctx, slices, millis);
    }
    if let Err(error) = outcome {
        slices.client.out().reply_refused(error);
        note_slice_end();
    }
    guard(|| drop(slices));
}

extern "C" fn woken(_: *mut c_void) {}

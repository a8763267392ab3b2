//! Long work on the server's own thread, in slices with other clients served in between.
//!
//! The first slice runs in the command itself, so that what is short is as if it were not cut. Where the client cannot
//! be made to wait (MULTI, a script) all of it runs there.

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

/// How long one slice of work holds the server.
const SLICE: Duration = Duration::from_millis(2);
/// How long it does when another one has only just ended.
const SHORT_SLICE: Duration = Duration::from_micros(200);
/// How long a slice of a reply does. A reply that fits into one is true at the moment at which it is sent.
const REPLY_SLICE: Duration = Duration::from_millis(4);
/// How long others have the server to themselves between two slices, in milliseconds.
const PAUSE: i64 = 1;
/// When the last slice of any job ended. Jobs share the server: the pause after a slice of one is a pause for all,
/// or many of them would hold it as long as one without pauses. The one that came first is done first.
static LAST_SLICE: Mutex<Option<Instant>> = Mutex::new(None);

fn is_rested() -> bool {
    let last = *LAST_SLICE.lock().unwrap_or_else(PoisonError::into_inner);
    last.is_none_or(|end| end.elapsed().as_millis() >= PAUSE.unsigned_abs().into())
}

fn slice_ends() {
    *LAST_SLICE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
}

/// How often a job looks whether writes are still paused, in milliseconds.
const PATIENCE: i64 = 20;

/// Whether a job has more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It has.
    More,
    /// It has not.
    Done,
}

/// Work in small pieces, each of them far shorter than a slice.
pub trait SlicedJob {
    type Error: From<Refused> + Into<ErrorReply>;
    /// Whether it changes keys: then it rests while writes are paused, and ends when this server becomes a read-only replica.
    const WRITES: bool;

    /// Does a piece of the work. What an error leaves undone stays so.
    fn work(&mut self, ctx: Ctx<'_>) -> Result<Progress, Self::Error>;

    /// Writes a piece of the reply to `out`, once the work is done. `ctx` is for looking at keys again where others were
    /// served since; there is none where nobody was, and where databases have changed places.
    fn reply(&mut self, ctx: Option<Ctx<'_>>, out: Ctx<'_>) -> Progress;
}

impl Call<'_> {
    /// Does a job, and replies with its reply.
    pub fn in_slices<J: SlicedJob + 'static>(&self, mut job: J) -> Result<(), J::Error> {
        if let Some(client) = self.held {
            Slices::begin(self, Rc::clone(client), job, false);
            return Ok(());
        }
        let in_one_go = !self.may_wait();
        let begin = Instant::now();
        let length = if is_rested() { SLICE } else { SHORT_SLICE };
        let hold = || HeldClient::hold(self).map(Rc::new);
        while job.work(self.ctx)? == Progress::More {
            if !in_one_go && begin.elapsed() >= length {
                Slices::begin(self, hold()?, job, false);
                return Ok(());
            }
        }
        // A reply cannot go on elsewhere once it was begun, so a long one is not begun here.
        if !in_one_go && begin.elapsed() >= length {
            Slices::begin(self, hold()?, job, true);
            return Ok(());
        }
        while job.reply(None, self.ctx) != Progress::Done {}
        Ok(())
    }
}

/// A job whose client waits.
struct Slices<J> {
    /// First, so that it is dropped before the client gets the reply.
    job: J,
    /// Whether the work is done and the reply under way.
    replies: bool,
    /// The [`swapdb_epoch`] at the beginning.
    swapdb_epoch: u64,
    client: Rc<HeldClient>,
}

impl<J: SlicedJob + 'static> Slices<J> {
    fn begin(call: &Call<'_>, client: Rc<HeldClient>, job: J, replies: bool) {
        slice_ends();
        Self::arm(call.ctx, Box::new(Self { job, replies, swapdb_epoch: swapdb_epoch(), client }), PAUSE);
        // Redis 7.0 may be about to sleep until the timers that it knew of before this command: this wakes it.
        // SAFETY: the callback takes no data.
        unsafe { api(raw::RedisModule_EventLoopAddOneShot)(Some(woken), ptr::null_mut()) };
    }

    /// Lets the next slice begin in `millis` milliseconds, in the same database.
    fn arm(ctx: Ctx<'_>, slices: Box<Self>, millis: i64) {
        let slices: *mut Self = Box::into_raw(slices);
        // SAFETY: the context is that of a running call; `tick` takes the box back, once.
        unsafe { api(raw::RedisModule_CreateTimer)(ctx.as_ptr(), millis, Some(tick::<J>), slices.cast()) };
    }

    /// One slice. Says after how many milliseconds the next one is due.
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
                return Ok(Some(PATIENCE));
            }
        }
        if !is_rested() {
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
        slice_ends();
        Ok(next)
    }
}

/// Callback of the server: runs the next slice.
extern "C" fn tick<J: SlicedJob + 'static>(ctx: *mut raw::RedisModuleCtx, slices: *mut c_void) {
    // SAFETY: the context is what the server passed, and it is used only until this returns.
    let ctx = unsafe { Ctx::new(ctx) };
    // SAFETY: the box that `arm` gave away, taken back here alone.
    let mut slices = unsafe { Box::from_raw(slices.cast::<Slices<J>>()) };
    // A job that panicked is at its end.
    let outcome = guard(|| slices.slice(ctx)).unwrap_or(Err(Refused::Panicked.into()));
    if let Ok(Some(millis)) = outcome {
        return Slices::arm(ctx, slices, millis);
    }
    if let Err(error) = outcome {
        slices.client.out().reply_refused(error);
        slice_ends();
    }
    guard(|| drop(slices));
}

extern "C" fn woken(_: *mut c_void) {}

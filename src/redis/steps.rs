//! Long work on the server's own thread, in short stretches with other clients served in between.
//!
//! The first stretch runs in the command itself, so that what is short is as if it were not cut. Where the client cannot
//! be made to wait (MULTI, a script) all of it runs there.

use std::{
    ffi::c_void,
    sync::Mutex,
    time::{Duration, Instant},
};

use redis_module::raw;

use super::{
    api::api,
    call::{Call, Ctx},
    event::swaps,
    guard::guard,
};
use crate::{error::Error, lock::lock};

/// How long one stretch of work holds the server.
const STRETCH: Duration = Duration::from_millis(2);
/// How long it does when another one has only just ended.
const SHORT_STRETCH: Duration = Duration::from_micros(200);
/// How long one stretch of a reply does. A reply that fits into one is true at the moment at which it is sent.
const REPLY_STRETCH: Duration = Duration::from_millis(4);
/// How long others have the server to themselves between two stretches, in milliseconds.
const PAUSE: i64 = 1;
/// When the last stretch of any job ended. Jobs share the server: the pause after a stretch of one is a pause for all,
/// or many of them would hold it as long as one without pauses. The one that came first is done first.
static LAST_STRETCH: Mutex<Option<Instant>> = Mutex::new(None);

fn is_rested() -> bool {
    let last = *lock(&LAST_STRETCH);
    last.is_none_or(|end| end.elapsed().as_millis() >= PAUSE.unsigned_abs().into())
}

fn stretch_ends() {
    *lock(&LAST_STRETCH) = Some(Instant::now());
}

/// How often a job looks whether writes are still paused, in milliseconds.
const PATIENCE: i64 = 20;

/// Whether a job has more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It has.
    More,
    /// It waits for another thread: nothing is gained by asking again at once.
    Waits,
    /// It has not.
    Done,
}

/// Work in small pieces, each of them far shorter than a stretch.
pub trait Job {
    /// Whether it changes keys: then it rests while writes are paused, and ends when this server becomes a read-only replica.
    const WRITES: bool;

    /// Does a piece of the work; `caller` is a context that still knows the client, and so its user. What an error leaves
    /// undone stays so.
    fn work(&mut self, ctx: Ctx<'_>, caller: Ctx<'_>) -> Result<Progress, Error>;

    /// Writes a piece of the reply to `out`, once the work is done. `ctx` is for looking at keys again where others were
    /// served since; there is none where nobody was, and where databases have changed places.
    fn reply(&mut self, ctx: Option<Ctx<'_>>, out: Ctx<'_>) -> Progress;
}

impl Call<'_> {
    /// Does a job, and replies with its reply.
    pub fn in_steps<J: Job + 'static>(&self, mut job: J) -> Result<(), Error> {
        let in_one_go = !self.may_wait();
        let begin = Instant::now();
        let stretch = if is_rested() { STRETCH } else { SHORT_STRETCH };
        loop {
            match job.work(self.ctx, self.ctx)? {
                Progress::Done => break,
                Progress::More if in_one_go || begin.elapsed() < stretch => {}
                Progress::Waits if in_one_go => return Err(Error::Other("internal error: nobody to wait for".into())),
                Progress::More | Progress::Waits => return Steps::begin(self, job, false),
            }
        }
        // A reply cannot go on elsewhere once it was begun, so a long one is not begun here.
        if !in_one_go && begin.elapsed() >= stretch {
            return Steps::begin(self, job, true);
        }
        while job.reply(None, self.ctx) != Progress::Done {}
        Ok(())
    }
}

/// A job whose client waits.
struct Steps<J> {
    job: J,
    /// Whether the work is done and the reply under way.
    replies: bool,
    /// The [`swaps`] at the beginning.
    swaps: u64,
    blocked: *mut raw::RedisModuleBlockedClient,
    /// The context in which the reply grows.
    out: *mut raw::RedisModuleCtx,
}

impl<J: Job + 'static> Steps<J> {
    fn begin(call: &Call<'_>, job: J, replies: bool) -> Result<(), Error> {
        stretch_ends();
        // SAFETY: the context is that of the running command. Without callbacks the reply is what `out` collects, and
        // nothing but the last step ends the wait.
        let blocked = unsafe { api(raw::RedisModule_BlockClient)(call.ctx.as_ptr(), None, None, None, 0) };
        if blocked.is_null() {
            return Err(Error::Busy);
        }
        call.redact_tokens();
        // SAFETY: the client is blocked, until `end`.
        let out = unsafe { api(raw::RedisModule_GetThreadSafeContext)(blocked) };
        Self::arm(call.ctx, Box::new(Self { job, replies, swaps: swaps(), blocked, out }), PAUSE);
        // Redis 7.0 may be about to sleep until the timers that it knew of before this command: this wakes it.
        // SAFETY: the callback takes no data.
        unsafe { api(raw::RedisModule_EventLoopAddOneShot)(Some(woken), std::ptr::null_mut()) };
        Ok(())
    }

    /// Lets the next stretch begin in `millis` milliseconds, in the same database.
    fn arm(ctx: Ctx<'_>, steps: Box<Self>, millis: i64) {
        let steps: *mut Self = Box::into_raw(steps);
        // SAFETY: the context is that of a running call; `tick` takes the box back, once.
        unsafe { api(raw::RedisModule_CreateTimer)(ctx.as_ptr(), millis, Some(tick::<J>), steps.cast()) };
    }

    /// One stretch. Says after how many milliseconds the next one is due.
    fn stretch(&mut self, ctx: Ctx<'_>) -> Option<i64> {
        let begin = Instant::now();
        if !self.replies && self.swaps != swaps() {
            return self.fail(&Error::TryAgain("SWAPDB came in between: a part may be done, send the command again"));
        }
        if !self.replies && J::WRITES {
            if ctx.is_read_only() {
                return self.fail(&Error::ReadOnly);
            }
            if ctx.writes_are_paused() {
                return Some(PATIENCE);
            }
        }
        if !is_rested() {
            return Some(PAUSE);
        }
        // SAFETY: the context is alive until `end`, and used on the server's thread alone.
        let out = unsafe { Ctx::new(self.out) };
        let mut next = Some(PAUSE);
        if self.replies {
            let ctx = (self.swaps == swaps()).then_some(ctx);
            while next.is_some() && begin.elapsed() < REPLY_STRETCH {
                next = (self.job.reply(ctx, out) != Progress::Done).then_some(PAUSE);
            }
        } else {
            while next.is_some() && !self.replies && begin.elapsed() < STRETCH {
                match self.job.work(ctx, out) {
                    Ok(Progress::More) => {}
                    Ok(Progress::Waits) => return Some(PAUSE),
                    Ok(Progress::Done) => self.replies = true,
                    Err(error) => next = self.fail(&error),
                }
            }
        }
        stretch_ends();
        next
    }

    fn fail(&self, error: &Error) -> Option<i64> {
        // SAFETY: as above.
        unsafe { Ctx::new(self.out) }.reply_error(&error.reply());
        None
    }

    /// Sends the reply. The client may be gone, which the server knows.
    fn end(&self, ctx: Ctx<'_>) {
        // SAFETY: both came from `begin`, and neither is used after this, which is the job's last.
        unsafe {
            api(raw::RedisModule_FreeThreadSafeContext)(self.out);
            api(raw::RedisModule_UnblockClient)(self.blocked, std::ptr::null_mut());
        }
        // Redis 7.0 looks at what the client has sent meanwhile only when something else happens, which on an idle server
        // is a tenth of a second later.
        // SAFETY: the context is that of a running call; the callback takes no data.
        unsafe { api(raw::RedisModule_CreateTimer)(ctx.as_ptr(), PAUSE, Some(nothing), std::ptr::null_mut()) };
    }
}

/// Where the server enters for the next stretch.
extern "C" fn tick<J: Job + 'static>(ctx: *mut raw::RedisModuleCtx, steps: *mut c_void) {
    // SAFETY: the context is what the server passed, and it is used only until this returns.
    let ctx = unsafe { Ctx::new(ctx) };
    // SAFETY: the box of `arm`, which nobody else takes back.
    let mut steps = unsafe { Box::from_raw(steps.cast::<Steps<J>>()) };
    // A job that panicked is at its end.
    match guard(|| steps.stretch(ctx)) {
        Some(Some(millis)) => Steps::arm(ctx, steps, millis),
        Some(None) => steps.end(ctx),
        None => {
            steps.fail(&Error::Other("internal error, see the server's log".into()));
            steps.end(ctx);
        }
    }
}

extern "C" fn woken(_: *mut c_void) {}

extern "C" fn nothing(_: *mut raw::RedisModuleCtx, _: *mut c_void) {}

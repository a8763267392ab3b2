//! Threads behind three queues of jobs.

use std::{
    mem,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

use super::priority;
use crate::threads::lock;

/// A piece of work.
pub type Job = Box<dyn FnOnce() + Send>;

/// The queue in which a job waits; earlier ones are served first. Any client can send tokens to be verified, as many as it
/// likes; only the application asks for signatures. Each has its own queue, so that a login does not wait behind forgeries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// A signature is made.
    Sign,
    /// A token is verified that was not known before.
    Verify,
    /// A deferred drop. Its queue has no bound: a drop that is refused would have to run on the server's own thread.
    Drop,
}

/// At most this many jobs of other lanes are taken while a job of a lane waits, so that no lane ever stops.
const MAX_PASSED_OVER: u32 = 16;

/// A fixed number of threads behind the queues, of a lower priority than the server's own. They are started by the first
/// job.
#[derive(Debug)]
pub struct Pool {
    threads: usize,
    /// How many jobs may wait in each bounded queue.
    queue: usize,
    running: Option<Running>,
    /// Threads of other sizes, which end when what waited for them is done.
    retiring: Vec<Workers>,
}

#[derive(Debug)]
struct Running {
    jobs: PerLane<Sender<Job>>,
    /// One for each job, sent after it: a thread that receives one finds a job in one of the queues.
    turns: Sender<()>,
    workers: Workers,
}

/// Threads, and what they share.
#[derive(Debug)]
struct Workers {
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// One for each queue.
#[derive(Debug, Default)]
struct PerLane<T> {
    sign: T,
    verify: T,
    drop: T,
}

#[derive(Debug, Default)]
struct Shared {
    /// How many jobs no thread has taken yet.
    waiting: PerLane<AtomicUsize>,
    /// Set when the jobs that still wait must be dropped.
    stopping: AtomicBool,
}

/// The threads' end of the queues. The server's own thread never takes its lock, which a thread of a lower priority may
/// hold for long.
struct Queues {
    jobs: PerLane<Receiver<Job>>,
    turns: Receiver<()>,
    /// How many jobs of other lanes were taken in a row while a job of this one waited.
    passed_over: PerLane<u32>,
}

impl Lane {
    /// The first is served first.
    const ALL: [Self; 3] = [Self::Sign, Self::Verify, Self::Drop];
}

impl<T> PerLane<T> {
    fn get(&self, lane: Lane) -> &T {
        match lane {
            Lane::Sign => &self.sign,
            Lane::Verify => &self.verify,
            Lane::Drop => &self.drop,
        }
    }

    fn get_mut(&mut self, lane: Lane) -> &mut T {
        match lane {
            Lane::Sign => &mut self.sign,
            Lane::Verify => &mut self.verify,
            Lane::Drop => &mut self.drop,
        }
    }
}

impl Pool {
    /// `threads` threads; `queue` jobs may wait in each bounded queue.
    pub const fn new(threads: usize, queue: usize) -> Self {
        Self { threads, queue, running: None, retiring: Vec::new() }
    }

    /// Changes the sizes. What waits already is still done, by the threads that it waits for.
    pub fn resize(&mut self, threads: usize, queue: usize) {
        if (self.threads, self.queue) == (threads, queue) {
            return;
        }
        (self.threads, self.queue) = (threads, queue);
        if let Some(running) = self.running.take() {
            // Joined, although they are done: the end of a thread is still code of this module, which may be unloaded.
            self.retiring.extract_if(.., |workers| workers.has_left()).for_each(Workers::join);
            // Without their senders the old queues end after their last jobs.
            self.retiring.push(running.workers);
        }
    }

    /// Whether a queue takes one more job. As this is borrowed exclusively, the next [`submit`](Self::submit) holds to
    /// it.
    pub fn has_room(&mut self, lane: Lane) -> bool {
        if self.running.is_none() {
            self.running = Running::start(self.threads);
        }
        self.running.is_some() && (lane == Lane::Drop || self.waiting(lane) < self.queue)
    }

    /// How many jobs are waiting in a queue.
    pub fn waiting(&self, lane: Lane) -> usize {
        let count = |running: &Running| running.workers.shared.waiting.get(lane).load(Ordering::Relaxed);
        self.running.as_ref().map_or(0, count)
    }

    /// Hands over a job. It is dropped, and not run, if no thread could be started.
    pub fn submit(&mut self, lane: Lane, job: Job) {
        if let Some(running) = &self.running {
            running.workers.shared.waiting.get(lane).fetch_add(1, Ordering::Relaxed);
            // The threads live until `stop`, so one of them takes it.
            let _ = running.jobs.get(lane).send(job);
            let _ = running.turns.send(());
        }
    }

    /// Drops the jobs that wait, those for threads of other sizes too, and returns when all threads have ended.
    pub fn stop(&mut self) {
        // Its senders are dropped here, so that no thread waits for more.
        self.retiring.extend(self.running.take().map(|running| running.workers));
        for workers in &self.retiring {
            workers.shared.stopping.store(true, Ordering::Relaxed);
        }
        mem::take(&mut self.retiring).into_iter().for_each(Workers::join);
    }
}

impl Running {
    fn start(threads: usize) -> Option<Self> {
        let ((sign, to_sign), (verify, to_verify), (drop, to_drop)) = (channel(), channel(), channel());
        let (turns, turns_taken) = channel();
        let jobs = PerLane { sign: to_sign, verify: to_verify, drop: to_drop };
        let queues = Arc::new(Mutex::new(Queues { jobs, turns: turns_taken, passed_over: PerLane::default() }));
        let shared = Arc::new(Shared::default());
        let start = |_| {
            let (queues, shared) = (Arc::clone(&queues), Arc::clone(&shared));
            thread::Builder::new().name("jrs-crypto".to_owned()).spawn(move || work(&queues, &shared)).ok()
        };
        let threads: Vec<_> = (0..threads).filter_map(start).collect();
        let workers = Workers { threads, shared };
        (!workers.threads.is_empty()).then_some(Self { jobs: PerLane { sign, verify, drop }, turns, workers })
    }
}

impl Workers {
    fn has_left(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits for the end of its threads.
    fn join(self) {
        for thread in self.threads {
            // A thread that panicked is as gone as one that returned.
            let _ = thread.join();
        }
    }
}

impl Queues {
    /// The next job, for which it waits; `None` when there will be no more.
    fn next(&mut self, shared: &Shared) -> Option<Job> {
        loop {
            self.turns.recv().ok()?;
            let mut order = Lane::ALL;
            // Lanes that were passed over too often come first; the sort is stable.
            order.sort_by_key(|lane| *self.passed_over.get(*lane) < MAX_PASSED_OVER);
            let take = |lane| Some((lane, self.jobs.get(lane).try_recv().ok()?));
            let Some((taken, job)) = order.into_iter().find_map(take) else { continue };
            shared.waiting.get(taken).fetch_sub(1, Ordering::Relaxed);
            for lane in Lane::ALL {
                let is_passed_over = lane != taken && shared.waiting.get(lane).load(Ordering::Relaxed) > 0;
                let count = self.passed_over.get_mut(lane);
                *count = if is_passed_over { count.saturating_add(1) } else { 0 };
            }
            return Some(job);
        }
    }
}

fn work(queues: &Mutex<Queues>, shared: &Shared) {
    priority::lower();
    loop {
        // The lock is held while waiting, and given on with the job in hand.
        let next = lock(queues).next(shared);
        let Some(job) = next else { return };
        let is_stopping = shared.stopping.load(Ordering::Relaxed);
        // A panic, which the hook has logged, does not end the thread.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| if is_stopping { drop(job) } else { job() }));
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;

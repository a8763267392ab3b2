//! A pool of threads with three job queues.

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

/// The queue of a job, in order of priority. Any client can flood the server with tokens to verify, but only the
/// application requests signatures. With separate queues a login does not wait behind forged tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Create a signature.
    Sign,
    /// Verify a token that is not in the cache.
    Verify,
    /// Drop a value later. This queue is unbounded: a refused drop would run on the server's thread.
    Drop,
}

/// At most this many jobs of other lanes are taken while a job of a lane waits, so that no lane starves.
const MAX_PASSED_OVER: u32 = 16;

/// A fixed number of threads with a lower priority than the server's thread. The first job starts them.
#[derive(Debug)]
pub struct Pool {
    threads: usize,
    /// The capacity of each bounded queue.
    queue: usize,
    running: Option<Running>,
    /// Threads of former sizes, which end after the jobs that waited for them.
    retiring: Vec<Workers>,
}

#[derive(Debug)]
struct Running {
    jobs: PerLane<Sender<Job>>,
    /// One message for each job, sent after the job: a thread that receives one finds a job in one of the queues.
    job_signals: Sender<()>,
    workers: Workers,
}

/// Threads and their shared state.
#[derive(Debug)]
struct Workers {
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// One value for each queue.
#[derive(Debug, Default)]
struct PerLane<T> {
    sign: T,
    verify: T,
    drop: T,
}

#[derive(Debug, Default)]
struct Shared {
    /// The number of jobs that no thread has taken yet.
    waiting: PerLane<AtomicUsize>,
    /// Set when the waiting jobs must be dropped.
    stopping: AtomicBool,
}

/// The receiving side of the queues. The server's thread never takes its lock, which a thread of a lower priority may
/// hold for long.
struct Queues {
    jobs: PerLane<Receiver<Job>>,
    job_signals: Receiver<()>,
    /// The number of jobs of other lanes that were taken in a row while a job of this lane waited.
    passed_over: PerLane<u32>,
}

impl Lane {
    /// In order of priority.
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

    /// Changes the sizes. The former threads still run the jobs that wait already.
    pub fn resize(&mut self, threads: usize, queue: usize) {
        if (self.threads, self.queue) == (threads, queue) {
            return;
        }
        (self.threads, self.queue) = (threads, queue);
        if let Some(running) = self.running.take() {
            // Join finished threads too: the end of a thread still runs code of this module, which may be unloaded.
            self.retiring.extract_if(.., |workers| workers.have_finished()).for_each(Workers::join);
            // Without senders the former queues end after their last jobs.
            self.retiring.push(running.workers);
        }
    }

    /// Whether a queue has room for one more job. The exclusive borrow guarantees that room to the next
    /// [`submit`](Self::submit).
    pub fn has_room(&mut self, lane: Lane) -> bool {
        if self.running.is_none() {
            self.running = Running::start(self.threads);
        }
        self.running.is_some() && (lane == Lane::Drop || self.waiting(lane) < self.queue)
    }

    /// The number of jobs waiting in a queue.
    pub fn waiting(&self, lane: Lane) -> usize {
        let count = |running: &Running| running.workers.shared.waiting.get(lane).load(Ordering::Relaxed);
        self.running.as_ref().map_or(0, count)
    }

    /// Submits a job. If no thread can be started, the job is dropped.
    pub fn submit(&mut self, lane: Lane, job: Job) {
        if let Some(running) = &self.running {
            running.workers.shared.waiting.get(lane).fetch_add(1, Ordering::Relaxed);
            // The threads run until `stop`, so one of them takes the job.
            let _ = running.jobs.get(lane).send(job);
            let _ = running.job_signals.send(());
        }
    }

    /// Drops all waiting jobs and joins all threads, those of former sizes too.
    pub fn stop(&mut self) {
        // This drops the senders, so that no thread waits for more jobs.
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
        let (job_signals, turns_taken) = channel();
        let jobs = PerLane { sign: to_sign, verify: to_verify, drop: to_drop };
        let queues = Arc::new(Mutex::new(Queues { jobs, job_signals: turns_taken, passed_over: PerLane::default() }));
        let shared = Arc::new(Shared::default());
        let start = |_| {
            let (queues, shared) = (Arc::clone(&queues), Arc::clone(&shared));
            thread::Builder::new().name("jrs-crypto".to_owned()).spawn(move || work(&queues, &shared)).ok()
        };
        let threads: Vec<_> = (0..threads).filter_map(start).collect();
        let workers = Workers { threads, shared };
        (!workers.threads.is_empty()).then_some(Self { jobs: PerLane { sign, verify, drop }, job_signals, workers })
    }
}

impl Workers {
    fn have_finished(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Joins the threads.
    fn join(self) {
        for thread in self.threads {
            // A thread that panicked has ended, too.
            let _ = thread.join();
        }
    }
}

impl Queues {
    /// Waits for the next job. `None` when the pool stops.
    fn next(&mut self, shared: &Shared) -> Option<Job> {
        loop {
            self.job_signals.recv().ok()?;
            let mut order = Lane::ALL;
            // Lanes that were passed over too often come first. The sort is stable.
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
        // The lock is held while waiting, and released with the job taken.
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

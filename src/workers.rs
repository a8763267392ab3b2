//! The threads that compute slow signatures, so that the server's own thread never waits for one.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

use crate::{lock::lock, priority};

/// A piece of work.
pub type Job = Box<dyn FnOnce() + Send>;

/// The queue in which a job waits. Anybody can send tokens to be verified, as many as they like; to be signed, there is
/// only what the application asks for. So that a login need not wait behind forgeries, each has a queue of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// A signature is made. Taken first.
    Sign,
    /// A token is verified that was not known before.
    Verify,
}

/// At most this many tokens are signed while a token waits to be verified, so that verification never stops.
const SIGNED_IN_A_ROW: u32 = 16;

/// A fixed number of threads behind two bounded queues, of a lower priority than the server's own. They are started by
/// the first job.
#[derive(Debug)]
pub struct Workers {
    threads: usize,
    /// How many jobs may wait in each queue.
    queue: usize,
    running: Option<Running>,
    /// Threads of other sizes, which end when what waited for them is done.
    leaving: Vec<Crew>,
}

#[derive(Debug)]
struct Running {
    jobs: Lanes<Sender<Job>>,
    /// One for each job, sent after it: a thread that receives one finds a job in one of the queues.
    turns: Sender<()>,
    crew: Crew,
}

/// Threads, and what they share.
#[derive(Debug)]
struct Crew {
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// One for each queue.
#[derive(Debug, Default)]
struct Lanes<T> {
    sign: T,
    verify: T,
}

#[derive(Debug, Default)]
struct Shared {
    /// How many jobs no thread has taken yet.
    waiting: Lanes<AtomicUsize>,
    /// Set when what still waits is to be thrown away.
    stopping: AtomicBool,
}

/// The threads' end of the queues. The server's own thread never takes its lock, which a thread of a lower priority may
/// hold for long.
struct Queues {
    jobs: Lanes<Receiver<Job>>,
    turns: Receiver<()>,
    signed_in_a_row: u32,
}

impl<T> Lanes<T> {
    fn get(&self, lane: Lane) -> &T {
        match lane {
            Lane::Sign => &self.sign,
            Lane::Verify => &self.verify,
        }
    }
}

impl Workers {
    /// `threads` threads behind queues of `queue` jobs each.
    pub const fn new(threads: usize, queue: usize) -> Self {
        Self { threads, queue, running: None, leaving: Vec::new() }
    }

    /// Changes the sizes. What waits already is still done, by the threads that it waits for.
    pub fn resize(&mut self, threads: usize, queue: usize) {
        if (self.threads, self.queue) == (threads, queue) {
            return;
        }
        (self.threads, self.queue) = (threads, queue);
        if let Some(running) = self.running.take() {
            // Joined, although they are done: the end of a thread is still code of this module, which may be unloaded.
            self.leaving.extract_if(.., |crew| crew.has_left()).for_each(Crew::join);
            // Without their senders the old queues end after their last jobs.
            self.leaving.push(running.crew);
        }
    }

    /// Whether a queue takes one more job. As this is borrowed exclusively, the next [`submit`](Self::submit) holds to
    /// it.
    pub fn has_room(&mut self, lane: Lane) -> bool {
        if self.running.is_none() {
            self.running = Running::start(self.threads);
        }
        self.waiting(lane) < self.queue && self.running.is_some()
    }

    /// How many jobs are waiting in a queue.
    pub fn waiting(&self, lane: Lane) -> usize {
        let count = |running: &Running| running.crew.shared.waiting.get(lane).load(Ordering::Relaxed);
        self.running.as_ref().map_or(0, count)
    }

    /// Hands over a job. It is dropped, and not run, if no thread could be started.
    pub fn submit(&mut self, lane: Lane, job: Job) {
        if let Some(running) = &self.running {
            running.crew.shared.waiting.get(lane).fetch_add(1, Ordering::Relaxed);
            // The threads live until `stop`, so there is somebody to take it.
            let _ = running.jobs.get(lane).send(job);
            let _ = running.turns.send(());
        }
    }

    /// Throws away the jobs that wait, those for threads of other sizes too, and returns when those under way are done.
    pub fn stop(&mut self) {
        // Its senders are dropped here, so that no thread waits for more.
        self.leaving.extend(self.running.take().map(|running| running.crew));
        for crew in &self.leaving {
            crew.shared.stopping.store(true, Ordering::Relaxed);
        }
        self.leaving.drain(..).for_each(Crew::join);
    }
}

impl Running {
    fn start(threads: usize) -> Option<Self> {
        let ((sign, to_sign), (verify, to_verify), (turns, turns_taken)) = (channel(), channel(), channel());
        let jobs = Lanes { sign: to_sign, verify: to_verify };
        let queues = Arc::new(Mutex::new(Queues { jobs, turns: turns_taken, signed_in_a_row: 0 }));
        let shared = Arc::new(Shared::default());
        let start = |_| {
            let (queues, shared) = (Arc::clone(&queues), Arc::clone(&shared));
            thread::Builder::new().name("jrs-crypto".to_owned()).spawn(move || work(&queues, &shared)).ok()
        };
        let threads: Vec<_> = (0..threads).filter_map(start).collect();
        let crew = Crew { threads, shared };
        (!crew.threads.is_empty()).then_some(Self { jobs: Lanes { sign, verify }, turns, crew })
    }
}

impl Crew {
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
    fn next(&mut self, shared: &Shared) -> Option<(Lane, Job)> {
        let mut next = None;
        while next.is_none() {
            self.turns.recv().ok()?;
            let order = if self.signed_in_a_row < SIGNED_IN_A_ROW {
                [Lane::Sign, Lane::Verify]
            } else {
                [Lane::Verify, Lane::Sign]
            };
            let take = |lane| Some((lane, self.jobs.get(lane).try_recv().ok()?));
            next = order.into_iter().find_map(take);
        }
        // Only those count that something waited for.
        let waited_for = matches!(next, Some((Lane::Sign, _))) && shared.waiting.verify.load(Ordering::Relaxed) > 0;
        self.signed_in_a_row = if waited_for { self.signed_in_a_row.saturating_add(1) } else { 0 };
        next
    }
}

fn work(queues: &Mutex<Queues>, shared: &Shared) {
    priority::lower();
    loop {
        // The lock is held while waiting, and given on with the job in hand.
        let next = lock(queues).next(shared);
        let Some((lane, job)) = next else { return };
        shared.waiting.get(lane).fetch_sub(1, Ordering::Relaxed);
        if shared.stopping.load(Ordering::Relaxed) {
            drop(job);
        } else {
            // A job that panics, which the hook has logged, takes no thread from those behind it.
            let _ = panic::catch_unwind(AssertUnwindSafe(job));
        }
    }
}

#[cfg(test)]
#[path = "workers_tests.rs"]
mod tests;

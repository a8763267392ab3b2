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

/// A fixed number of threads behind a bounded queue, of a lower priority than the server's own. They are started by the
/// first job.
#[derive(Debug)]
pub struct Workers {
    threads: usize,
    queue: usize,
    running: Option<Running>,
    /// Threads of other sizes, which end when what waited for them is done.
    leaving: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Running {
    jobs: Sender<Job>,
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// How many jobs no thread has taken yet.
    waiting: AtomicUsize,
    /// Set when what still waits is to be thrown away.
    stopping: AtomicBool,
}

impl Workers {
    /// `threads` threads behind a queue of `queue` jobs.
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
            self.leaving.retain(|thread| !thread.is_finished());
            // Without its sender the old queue ends after its last job.
            self.leaving.extend(running.threads);
        }
    }

    /// Whether the queue takes one more job. As this is borrowed exclusively, the next [`submit`](Self::submit) holds to
    /// it.
    pub fn has_room(&mut self) -> bool {
        if self.running.is_none() {
            self.running = Running::start(self.threads);
        }
        self.waiting() < self.queue && self.running.is_some()
    }

    /// How many jobs are waiting.
    pub fn waiting(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.shared.waiting.load(Ordering::Relaxed))
    }

    /// Hands over a job. It is dropped, and not run, if no thread could be started.
    pub fn submit(&mut self, job: Job) {
        if let Some(running) = &self.running {
            running.shared.waiting.fetch_add(1, Ordering::Relaxed);
            // The threads live until `stop`, so there is somebody to take it.
            let _ = running.jobs.send(job);
        }
    }

    /// Throws away the jobs that wait, and returns when those under way are done.
    pub fn stop(&mut self) {
        if let Some(Running { jobs, threads, shared }) = self.running.take() {
            shared.stopping.store(true, Ordering::Relaxed);
            drop(jobs);
            self.leaving.extend(threads);
        }
        for thread in self.leaving.drain(..) {
            // A thread that panicked is as gone as one that returned.
            let _ = thread.join();
        }
    }
}

impl Running {
    fn start(threads: usize) -> Option<Self> {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let shared = Arc::new(Shared::default());
        let start = |_| {
            let (queue, shared) = (Arc::clone(&queue), Arc::clone(&shared));
            thread::Builder::new().name("jrs-crypto".to_owned()).spawn(move || work(&queue, &shared)).ok()
        };
        let threads: Vec<_> = (0..threads).filter_map(start).collect();
        (!threads.is_empty()).then_some(Self { jobs, threads, shared })
    }
}

fn work(queue: &Mutex<Receiver<Job>>, shared: &Shared) {
    priority::lower();
    loop {
        // The lock is held while waiting, and given on with the job in hand.
        let next = lock(queue).recv();
        let Ok(job) = next else { return };
        shared.waiting.fetch_sub(1, Ordering::Relaxed);
        if shared.stopping.load(Ordering::Relaxed) {
            drop(job);
        } else {
            // A job that panics, which the hook has logged, takes no thread from those behind it.
            let _ = panic::catch_unwind(AssertUnwindSafe(job));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier, mpsc::channel};

    use super::Workers;

    #[test]
    fn jobs_run_in_order_on_one_thread() {
        let mut workers = Workers::new(1, 10);
        let (done, results) = channel();
        assert!(workers.has_room());
        for number in 0..10 {
            let done = done.clone();
            workers.submit(Box::new(move || done.send(number).expect("a listener")));
        }
        assert_eq!(results.iter().take(10).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        workers.stop();
    }

    #[test]
    fn a_job_that_panics_takes_no_thread_with_it() {
        let mut workers = Workers::new(1, 10);
        let (done, results) = channel();
        assert!(workers.has_room());
        workers.submit(Box::new(|| panic!("a defect")));
        workers.submit(Box::new(move || done.send(()).expect("a listener")));
        assert_eq!(results.recv(), Ok(()));
        workers.stop();
    }

    #[test]
    fn the_queue_is_bounded_and_thrown_away_when_stopped() {
        let mut workers = Workers::new(1, 1);
        let (begun, end) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let hold = (Arc::clone(&begun), Arc::clone(&end));
        assert!(workers.has_room());
        workers.submit(Box::new(move || {
            hold.0.wait();
            hold.1.wait();
        }));
        begun.wait();
        assert!(workers.has_room(), "one may wait");
        let (ran, outcome) = channel::<()>();
        workers.submit(Box::new(move || ran.send(()).expect("a listener")));
        assert!(!workers.has_room(), "two may not");
        let stopping = std::thread::spawn(move || workers.stop());
        // The job under way ends only now; whether the other one was thrown away or ran, its sender is gone after it.
        end.wait();
        stopping.join().expect("stopped");
        let _ = outcome.recv();
        assert!(outcome.recv().is_err());
    }
}

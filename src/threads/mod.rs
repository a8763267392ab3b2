//! The worker pool: threads that compute slow signatures and free large values, so that the server's thread does not
//! wait for either.

mod lock;
mod pool;
mod priority;

use std::sync::{Mutex, MutexGuard};

pub use lock::lock;
pub use pool::{Lane, Pool};

static POOL: Mutex<Pool> = Mutex::new(Pool::new(1, 1));

/// The module's pool. Hold the lock only to submit a job. A job must not call this, because [`stop`] holds the lock
/// while it waits for the running jobs.
pub fn pool() -> MutexGuard<'static, Pool> {
    lock(&POOL)
}

/// Drops a value on a thread of the pool, after the waiting signatures; at once if no thread can be started.
///
/// Never refuses and never waits for a job, so a callback of the server may call it.
pub fn drop_later(thing: impl Send + 'static) {
    let mut pool = pool();
    if pool.has_room(Lane::Drop) {
        pool.submit(Lane::Drop, Box::new(move || drop(thing)));
    }
    // Otherwise `thing`, a parameter, is dropped after `pool`, so not under the lock.
}

/// Drops the waiting jobs and joins all threads. The next job starts new threads.
pub fn stop() {
    pool().stop();
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::{drop_later, stop};

    /// Sends the name of the thread that drops it.
    struct Probe(Sender<Option<String>>);

    impl Drop for Probe {
        fn drop(&mut self) {
            self.0.send(std::thread::current().name().map(str::to_owned)).expect("a listener");
        }
    }

    #[test]
    fn a_deferred_drop_runs_on_the_pool_also_after_a_stop() {
        let (sender, dropped) = channel();
        for _ in 0..2 {
            drop_later(Probe(sender.clone()));
            assert_eq!(dropped.recv().expect("a drop").as_deref(), Some("jrs-crypto"));
            stop();
        }
    }
}

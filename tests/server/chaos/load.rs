//! Clients that create, read, update, rotate, list and destroy sessions while a scenario runs.
//!
//! ```text
//! let connect = || to_port(server.port());
//! let (result, report) = Load::new(&connect).run_while(|progress| { progress.await_more(500); … });
//! check::assert_holds(report.model, connect().unwrap());
//! ```

use std::{
    collections::BTreeMap,
    env, iter,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use redis::RedisResult;

use super::{
    client::Client,
    commands::Sender,
    model::{Losses, Model},
};
use crate::support::{await_that, sessions::millis};

/// The rounds of a scenario: `least`, and more while the seconds in the environment's `JRS_CHAOS_SECONDS` last.
pub(crate) fn rounds(least: usize) -> impl Iterator<Item = usize> {
    let seconds = env::var("JRS_CHAOS_SECONDS").map_or(0, |text| text.parse().expect("JRS_CHAOS_SECONDS is a number"));
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut round = 0;
    iter::from_fn(move || {
        round += 1;
        (round <= least || Instant::now() < end).then_some(round)
    })
}

/// The seed of the clients' random choices: the environment's `JRS_CHAOS_SEED`, or another one each time.
fn seed() -> u64 {
    env::var("JRS_CHAOS_SEED")
        .map_or_else(|_| millis().unsigned_abs(), |text| text.parse().expect("JRS_CHAOS_SEED is a number"))
}

/// What the clients do.
pub(crate) struct Load<'a> {
    /// Opens a connection to the servers. Called again after an error; then it must find the present primary.
    ///
    /// In a scenario that can lose writes, a sender must not follow MOVED itself: it returns the error, and the client
    /// opens a new connection. Otherwise the client would not know that it talks to another server.
    pub(crate) connect: &'a (dyn Fn() -> RedisResult<Sender<'a>> + Sync),
    pub(crate) clients: usize,
    pub(crate) losses: Losses,
    /// Whether the clients send WAIT after some of the writes. The sender must send it to the server of the last command.
    pub(crate) waits: bool,
    /// Whether JRS.ROTATE moves sessions to another owner. A cluster refuses that.
    pub(crate) moves_owners: bool,
}

/// What the clients have done so far.
pub(crate) struct Progress {
    acknowledged: AtomicUsize,
    stop: AtomicBool,
}

/// What the clients did.
pub(crate) struct Report {
    /// It has the seed of the clients.
    pub(crate) model: Model,
    /// How often each error came that a client retries. `connection lost` is one of them.
    pub(crate) errors: BTreeMap<String, usize>,
    pub(crate) acknowledged: usize,
}

impl<'a> Load<'a> {
    /// 20 clients, on servers that lose nothing.
    pub(crate) fn new(connect: &'a (dyn Fn() -> RedisResult<Sender<'a>> + Sync)) -> Load<'a> {
        Load { connect, clients: 20, losses: Losses::None, waits: false, moves_owners: false }
    }

    /// Runs the scenario while the clients work, then stops them.
    pub(crate) fn run_while<T>(&self, scenario: impl FnOnce(&Progress) -> T) -> (T, Report) {
        let progress = Progress { acknowledged: AtomicUsize::new(0), stop: AtomicBool::new(false) };
        let seed = seed();
        let mut model = Model::new(self.losses);
        model.seed = Some(seed);
        let mut report = Report { model, errors: BTreeMap::new(), acknowledged: 0 };
        let result = thread::scope(|scope| {
            let run = |number| Client::new(self, number, seed).run(&progress);
            let clients: Vec<_> = (0..self.clients).map(|number| scope.spawn(move || run(number))).collect();
            let stop = StopOnDrop(&progress);
            let result = scenario(&progress);
            drop(stop);
            for client in clients {
                let (model, errors) = client.join().expect("a client does not panic");
                report.model.merge(model);
                for (word, count) in errors {
                    *report.errors.entry(word).or_default() += count;
                }
            }
            result
        });
        report.acknowledged = progress.acknowledged.into_inner();
        (result, report)
    }
}

/// Stops the clients, also if the scenario panics.
struct StopOnDrop<'a>(&'a Progress);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

impl Progress {
    /// Waits until the servers have acknowledged this many more operations.
    pub(crate) fn await_more(&self, operations: usize) {
        let enough = self.acknowledged.load(Ordering::Relaxed) + operations;
        await_that("more operations", || (self.acknowledged.load(Ordering::Relaxed) >= enough).then_some(()));
    }

    pub(super) fn note_acknowledged(&self) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

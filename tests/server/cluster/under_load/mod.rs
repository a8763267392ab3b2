//! Clusters that change while 20 clients create, read, update, rotate, list and destroy sessions: no acknowledged operation
//! is lost, and clients see no errors but the server's own temporary ones.

mod failover;
mod key_rotation;
mod membership;
mod resharding;
mod slot_migration;

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use redis::RedisResult;

use crate::{
    chaos::{
        check,
        commands::Sender,
        load::{Load, Progress, Report},
    },
    support::{
        Builder, Server, await_that,
        cluster_router::{Router, key_slot},
        large_cluster::LargeCluster,
        owner_sessions::assert_index_agrees,
        sessions::send,
        tokens::elliptic_jwk,
    },
};

/// Nodes that share a key whose signatures are computed on a crypto thread. Without a token cache, each command waits for
/// one of these threads while the cluster changes.
fn slow_nodes() -> Builder {
    Server::builder().keys(elliptic_jwk().to_string().as_bytes()).arg("token-cache-size", "0")
}

/// The time before each command of a client. Without it, the clients keep the nodes too busy to change the cluster quickly.
const THINK_TIME: Duration = Duration::from_millis(2);

/// Clients that follow redirections, as client libraries do.
struct Clients {
    /// The nodes that they know at the start.
    ports: Vec<u16>,
    /// The node that answered the last command of a slot, by its port. This outlives lost connections.
    answered: Mutex<HashMap<u16, u16>>,
    /// How often another node than before answered a command of a slot.
    moves: AtomicUsize,
}

impl Clients {
    fn of(cluster: &LargeCluster) -> Clients {
        Clients {
            ports: cluster.members().map(|number| cluster.port(number)).collect(),
            answered: Mutex::default(),
            moves: AtomicUsize::new(0),
        }
    }

    fn connect(&self) -> RedisResult<Sender<'_>> {
        let mut router = Router::new(self.ports.clone());
        Ok(Box::new(move |words| {
            thread::sleep(THINK_TIME);
            let reply = router.send(words);
            if reply.is_ok() {
                self.note_answer(key_slot(words[1]), router.last.expect("a node replied"));
            }
            reply
        }))
    }

    fn note_answer(&self, slot: u16, node: u16) {
        let before = self.answered.lock().unwrap().insert(slot, node);
        self.moves.fetch_add(usize::from(before.is_some_and(|before| before != node)), Ordering::Relaxed);
    }

    /// Waits until this node has answered: a client can only notice that a slot moved if it knows who had the slot before.
    fn await_answer_of(&self, port: u16) {
        let has_answered = || self.answered.lock().unwrap().values().any(|node| *node == port);
        await_that("an answer of the node", || has_answered().then_some(()));
    }

    /// Waits until clients have met a slot that moved, after the first `known` of them.
    fn await_moves(&self, known: usize) {
        await_that("a client that meets a slot that moved", || (self.moves() > known).then_some(()));
    }

    fn moves(&self) -> usize {
        self.moves.load(Ordering::Relaxed)
    }

    /// Runs the scenario under load, and until clients have met a slot that moved.
    fn run_while<T>(&self, scenario: impl FnOnce(&Progress) -> T) -> (T, Report) {
        let connect = || self.connect();
        Load::new(&connect).run_while(|progress| {
            let outcome = scenario(progress);
            self.await_moves(0);
            outcome
        })
    }
}

/// Checks what the clients know, and that the nodes are empty after all owners are logged out.
fn assert_holds_and_ends_empty(cluster: &LargeCluster, report: Report) {
    let owners = report.model.owners();
    assert!(owners.len() > 30, "{owners:?}");
    let mut router = cluster.router();
    check::assert_holds(report.model, |words| router.send(words));
    for owner in owners {
        router.routed(&["JRS.DESTROYALL", &owner]).unwrap();
    }
    for number in cluster.members() {
        let conn = &mut cluster.conn(number);
        assert_index_agrees(conn);
        let is_primary = send::<String>(conn, &["INFO", "replication"]).unwrap().contains("role:master");
        assert!(!is_primary || send::<i64>(conn, &["DBSIZE"]) == Ok(0), "node {number} has keys");
    }
}

//! A replica becomes the primary while clients use sessions. It loses only writes that no WAIT confirmed, and after FAILOVER,
//! which pauses the clients, none.

use std::sync::atomic::{AtomicU16, Ordering};

use redis::{Connection, Value};

use super::{
    check,
    commands::to_port,
    load::{Load, rounds},
    model::Losses,
};
use crate::support::{
    Server, await_that,
    owner_sessions::assert_index_agrees,
    replicas::{await_link, follow},
    sessions::{contents, exec, send},
    tokens::{SECRET, signing_keys},
};

/// Promotes the replica twice, each time to be the primary of the other. Returns the findings.
fn findings(losses: Losses) -> Vec<String> {
    let start = || Server::builder().keys(SECRET.as_bytes()).config("repl-diskless-sync-delay", "0").start();
    let [mut primary, mut replica] = [start(), start()];
    follow(&mut replica.conn(), &primary);
    let port = &AtomicU16::new(primary.port());
    let connect = || to_port(port.load(Ordering::Relaxed));
    let load = Load { losses, waits: true, moves_owners: true, ..Load::new(&connect) };
    let ((), report) = load.run_while(|progress| {
        for _ in rounds(2) {
            progress.await_more(500);
            exec(&mut replica.conn(), &["REPLICAOF", "NO", "ONE"]);
            // The clients still write to the old primary.
            progress.await_more(100);
            port.store(replica.port(), Ordering::Relaxed);
            primary.kill();
            std::mem::swap(&mut primary, &mut replica);
            progress.await_more(100);
            replica.restart();
            follow(&mut replica.conn(), &primary);
        }
        progress.await_more(300);
    });
    assert_index_agrees(&mut primary.conn());
    await_that("the same keys on the replica", || {
        (contents(&mut primary.conn()) == contents(&mut replica.conn())).then_some(())
    });
    check::findings(report.model, connect().unwrap())
}

#[test]
fn a_promoted_replica_has_what_wait_confirmed() {
    assert_eq!(findings(Losses::Unconfirmed), <[String; 0]>::default());
    assert!(!findings(Losses::None).is_empty(), "other writes are lost");
}

/// Whether a server is a primary.
fn is_primary(conn: &mut Connection) -> bool {
    let info: String = send(conn, &["INFO", "replication"]).expect("INFO works");
    info.contains("role:master") && info.contains("master_failover_state:no-failover")
}

#[test]
fn failover_loses_nothing() {
    for keys in signing_keys() {
        // Without a token cache each ES256 command waits for a crypto thread while the server becomes a replica.
        let server = Server::builder().keys(keys.as_bytes()).arg("token-cache-size", "0");
        let start = || server.clone().config("repl-diskless-sync-delay", "0").start();
        let servers = [start(), start()];
        let (mut primary, mut replica) = (&servers[0], &servers[1]);
        follow(&mut replica.conn(), primary);
        let port = &AtomicU16::new(primary.port());
        let connect = || to_port(port.load(Ordering::Relaxed));
        let ((), report) = Load { moves_owners: true, ..Load::new(&connect) }.run_while(|progress| {
            for _ in rounds(3) {
                progress.await_more(200);
                let failover = ["FAILOVER", "TO", "127.0.0.1", &replica.port().to_string()];
                // Refused until the replica has acknowledged the stream.
                await_that("FAILOVER", || send::<Value>(&mut primary.conn(), &failover).ok());
                await_that("the failover", || is_primary(&mut replica.conn()).then_some(()));
                port.store(replica.port(), Ordering::Relaxed);
                std::mem::swap(&mut primary, &mut replica);
                await_link(&mut replica.conn());
            }
            progress.await_more(200);
        });
        let was_refused = ["READONLY", "UNBLOCKED"].iter().any(|word| report.errors.contains_key(*word));
        assert!(was_refused, "clients used the old primary: {:?}", report.errors);
        check::assert_holds(report.model, connect().unwrap());
    }
}

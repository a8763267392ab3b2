//! A replica becomes the primary while clients write to the old one: only writes that no WAIT confirmed are lost.

use std::sync::atomic::{AtomicU16, Ordering};

use super::{
    check,
    commands::to_port,
    load::{Load, rounds},
    model::Losses,
};
use crate::support::{
    Server, await_that,
    owner_sessions::assert_index_agrees,
    sessions::{contents, exec, send},
    tokens::SECRET,
};

/// Makes a server the replica of another, and waits until it has its data.
fn replicate(replica: &Server, primary: &Server) {
    let conn = &mut replica.conn();
    exec(conn, &["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    await_that("the data of the primary", || {
        let info: String = send(conn, &["INFO", "replication"]).ok()?;
        info.contains("master_link_status:up").then_some(())
    });
}

/// Promotes the replica twice, each time to be the primary of the other. Returns the findings.
fn findings(losses: Losses) -> Vec<String> {
    let start = || Server::builder().keys(SECRET.as_bytes()).config("repl-diskless-sync-delay", "0").start();
    let [mut primary, mut replica] = [start(), start()];
    replicate(&replica, &primary);
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
            replicate(&replica, &primary);
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

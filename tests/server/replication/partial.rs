//! Partial resynchronization: the link between primary and replica breaks again and again while clients write.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use redis::Connection;

use crate::support::{
    Builder, Server, await_that,
    owner_sessions::{assert_agree, info},
    replicas::{assert_same, await_link, primary, replica},
    sessions::{contents, create, exec, millis},
    tokens::signing_keys,
};

/// Each client acts on its own owners.
const OWNERS: [[&str; 2]; 2] = [["ada", "alan"], ["bob", "barbara"]];

fn builder(keys: &str) -> Builder {
    primary(Server::builder().keys(keys.as_bytes()).args(&["max-sessions", "40"])).config("repl-backlog-size", "64mb")
}

/// Creates, changes and destroys sessions until `stop`. `created` counts the sessions.
fn write(conn: &mut Connection, owners: [&str; 2], created: &AtomicUsize, stop: &AtomicBool) {
    let mut step = 0;
    while !stop.load(Ordering::Relaxed) {
        let [owner, other] = [owners[step % 2], owners[(step + 1) % 2]];
        let token = create(conn, owner, &format!(r#"{{"n":{step}}}"#), &[]);
        match step % 7 {
            0 => exec(conn, &["JRS.DESTROY", &token]),
            1 => exec(conn, &["JRS.ROTATE", &token]),
            2 => exec(conn, &["JRS.ROTATE", &token, "OWNER", other]),
            3 => exec(conn, &["JRS.UPDATE", &token, r#"{"m":1}"#, "MERGE"]),
            4 => exec(conn, &["JRS.TOUCH", &token, "PX", "50"]),
            _ => {}
        }
        if step % 100 == 99 {
            exec(conn, &["JRS.DESTROYALL", owner]);
        }
        step += 1;
        created.fetch_add(1, Ordering::Relaxed);
    }
}

/// Breaks the link six times, from both sides, each time after some writes, and waits until it is restored.
fn break_links(primary: &mut Connection, replica: &mut Connection, created: &AtomicUsize) {
    for round in 0..6 {
        let before = created.load(Ordering::Relaxed);
        await_that("some writes", || (created.load(Ordering::Relaxed) > before + 10).then_some(()));
        let partial = info(primary, "stats", "sync_partial_ok");
        if round % 2 == 0 {
            exec(replica, &["CLIENT", "KILL", "TYPE", "master"]);
        } else {
            exec(primary, &["CLIENT", "KILL", "TYPE", "replica"]);
        }
        await_that("a resynchronization", || (info(primary, "stats", "sync_partial_ok") > partial).then_some(()));
        await_link(replica);
    }
}

#[test]
fn a_broken_link_loses_nothing() {
    for keys in signing_keys() {
        let primary = builder(&keys).start();
        let replica = replica(&primary, builder(&keys));
        let (conn, reader) = (&mut primary.conn(), &mut replica.conn());
        let full = info(conn, "stats", "sync_full");
        let (created, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            let (primary, created, stop) = (&primary, &created, &stop);
            let writers = OWNERS.map(|owners| scope.spawn(move || write(&mut primary.conn(), owners, created, stop)));
            break_links(conn, reader, created);
            stop.store(true, Ordering::Relaxed);
            for writer in writers {
                writer.join().expect("all writes succeed");
            }
        });
        assert_eq!(info(conn, "stats", "sync_full"), full, "each resynchronization was partial");
        await_that("the end of the sessions with a short TTL", || {
            let soon = millis() + 60_000;
            contents(conn).values().all(|(_, expiry)| *expiry > soon).then_some(())
        });
        assert_same(conn, reader);
        for owner in OWNERS.iter().flatten() {
            assert_eq!(assert_agree(reader, owner), assert_agree(conn, owner));
        }
    }
}

//! The append-only file is rewritten under load, and the server is killed: no acknowledged write is lost.

use redis::Connection;

use crate::{
    chaos::{
        check,
        commands::to_port,
        load::{Load, rounds},
    },
    support::{
        Server, await_that,
        cases::cases,
        owner_sessions::{assert_agree, assert_index_agrees, fill, info},
        sessions::{exec, send},
        tokens::SECRET,
    },
};

/// Starts a rewrite of the append-only file.
fn begin_rewrite(conn: &mut Connection) {
    // The server refuses it while another one runs.
    await_that("the start of a rewrite", || send::<String>(conn, &["BGREWRITEAOF"]).ok());
}

/// Waits until no rewrite runs, and checks that the last one succeeded.
fn await_rewrite(conn: &mut Connection) {
    await_that("the end of the rewrite", || {
        let running = ["aof_rewrite_in_progress", "aof_rewrite_scheduled"].map(|name| info(conn, "persistence", name));
        (running == [0, 0]).then_some(())
    });
    let persistence: String = send(conn, &["INFO", "persistence"]).unwrap();
    assert!(persistence.contains("aof_last_bgrewrite_status:ok"), "{persistence}");
}

#[test]
fn a_rewrite_under_load_loses_no_acknowledged_write() {
    for preamble in cases([("with an RDB preamble", "yes"), ("without an RDB preamble", "no")]) {
        let builder = Server::builder().keys(SECRET.as_bytes()).config("aof-use-rdb-preamble", preamble);
        let mut server = builder.config("appendonly", "yes").config("appendfsync", "always").start();
        // So that a rewrite takes a while.
        fill(&mut server.conn(), "many", 20_000);
        let port = server.port();
        let connect = || to_port(port);
        let ((), report) = Load { moves_owners: true, ..Load::new(&connect) }.run_while(|progress| {
            for _ in rounds(2) {
                let conn = &mut server.conn();
                begin_rewrite(conn);
                progress.await_more(100);
                await_rewrite(conn);
                // It has two files now: one from before the rewrite begins, and one that the clients write meanwhile.
                begin_rewrite(conn);
                progress.await_more(20);
                server.kill();
                server.restart();
                assert_index_agrees(&mut server.conn());
            }
            progress.await_more(50);
        });
        check::assert_holds(report.model, to_port(port).unwrap());
        let conn = &mut server.conn();
        assert_eq!(assert_agree(conn, "many").len(), 20_000);
        exec(conn, &["JRS.DESTROYALL", "many"]);
        assert_index_agrees(conn);
    }
}

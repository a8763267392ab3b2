//! An operator moves the primary to another server under load.

use super::{
    program::Programs,
    watched_sessions::{assert_holds, assert_logged_in, assert_replicated, log_in},
};
use crate::{
    chaos::model::Losses,
    support::{
        Server, await_that,
        sentinel::{NAME, Watched},
        sessions::{exec, refused, send},
        tokens::SECRET,
        version,
    },
};

/// Runs a failover under load, in the way of `fail_over`, which gets the primary and returns the new one.
fn planned(losses: Option<Losses>, fail_over: impl FnOnce(&Watched, usize) -> usize) {
    let watched = Watched::start(SECRET);
    let old = watched.primary();
    let tokens = log_in(&watched.servers[old]);
    let programs = Programs::start(&watched);
    let new = fail_over(&watched, old);
    programs.await_more();
    watched.await_replicas(new);
    programs.await_more();
    let histories = programs.finish();
    if let Some(losses) = losses {
        assert_holds(&histories, losses, &watched.servers[new]);
    }
    assert_logged_in(&watched.servers[new], &tokens);
    assert_replicated(&watched, new);
}

/// Sends SENTINEL FAILOVER, again while the Sentinel does not know the states of the replicas yet.
fn sentinel_failover(watched: &Watched) {
    await_that("a replica to promote", || send::<()>(&mut watched.sentinel(), &["SENTINEL", "FAILOVER", NAME]).ok());
}

/// The steps in docs/operations.md.
#[test]
fn a_planned_failover_loses_nothing() {
    planned(Some(Losses::None), |watched, old| {
        let primary = &watched.servers[old];
        let conn = &mut primary.conn();
        exec(conn, &["CONFIG", "SET", "min-replicas-to-write", "1000"]);
        await_that("replicas with all writes", || has_replicated_all(primary).then_some(()));
        sentinel_failover(watched);
        let new = watched.await_failover(old);
        exec(conn, &["REPLICAOF", "127.0.0.1", &watched.servers[new].port().to_string()]);
        exec(conn, &["CONFIG", "SET", "min-replicas-to-write", "0"]);
        exec(conn, &["CLIENT", "KILL", "TYPE", "normal"]);
        new
    });
}

/// Whether both replicas have everything that their primary has written.
fn has_replicated_all(primary: &Server) -> bool {
    let info: String = send(&mut primary.conn(), &["INFO", "replication"]).unwrap();
    let written = info.lines().find_map(|line| line.strip_prefix("master_repl_offset:")).expect("a primary has it");
    info.matches(&format!(",offset={written},")).count() == 2
}

/// The old primary acknowledges writes until the Sentinels make it a replica: they are lost, also with WAIT.
#[test]
fn a_manual_failover_keeps_the_sessions_from_before_it() {
    planned(None, |watched, old| {
        sentinel_failover(watched);
        watched.await_failover(old)
    });
}

#[test]
fn a_coordinated_failover_of_valkey_9_loses_nothing() {
    let command = ["SENTINEL", "FAILOVER", NAME, "COORDINATED"];
    if !version().starts_with("Valkey server v=9") {
        let watched = Watched::start(SECRET);
        assert_eq!(refused(&mut watched.sentinel(), &command), "ERR");
        return;
    }
    planned(Some(Losses::None), |watched, old| {
        await_that("a replica to promote", || send::<()>(&mut watched.sentinel(), &command).ok());
        watched.await_failover(old)
    });
}

//! Primaries with replicas.

use std::collections::BTreeSet;

use redis::Connection;

use crate::support::{
    Builder, Server, await_that,
    owner_sessions::assert_index_agrees,
    sessions::{contents, exec, send},
};

/// The configuration of a primary that synchronizes replicas without delay and sends them only changes.
pub(crate) fn primary(builder: Builder) -> Builder {
    builder.config("repl-diskless-sync-delay", "0").config("repl-ping-replica-period", "3600")
}

/// A new replica, after its synchronization. It uses the settings of a primary if it becomes one.
pub(crate) fn replica(of: &Server, builder: Builder) -> Server {
    let replica = primary(builder).config("replicaof", &format!("127.0.0.1 {}", of.port())).start();
    await_link(&mut replica.conn());
    replica
}

/// Makes a server the replica of another, and waits until it has been synchronized.
pub(crate) fn follow(replica: &mut Connection, primary: &Server) {
    exec(replica, &["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    await_link(replica);
}

/// Waits until the replica is connected to its primary and has been synchronized.
pub(crate) fn await_link(replica: &mut Connection) {
    await_that("the replica's link", || {
        let info: String = send(replica, &["INFO", "replication"]).unwrap_or_default();
        info.contains("master_link_status:up").then_some(())
    });
}

/// Waits until this many replicas have all writes of this connection.
pub(crate) fn await_replicas(conn: &mut Connection, replicas: u32) {
    let count: u32 = send(conn, &["WAIT", &replicas.to_string(), "60000"]).expect("a primary");
    assert_eq!(count, replicas);
}

/// Waits until the replica has received all that the primary sent it.
pub(crate) fn await_same_offset(primary: &mut Connection, replica: &mut Connection) {
    await_that("all data on the replica", || {
        let [sent, received] = [(&mut *primary, "master_repl_offset:"), (&mut *replica, "slave_repl_offset:")]
            .map(|(conn, name)| offset(conn, name));
        (sent.is_some() && sent == received).then_some(())
    });
}

fn offset(conn: &mut Connection, name: &str) -> Option<String> {
    let info: String = send(conn, &["INFO", "replication"]).ok()?;
    let is_linked = !info.contains("role:slave") || info.contains("master_link_status:up");
    let line = info.lines().find_map(|line| line.strip_prefix(name));
    line.filter(|_| is_linked).map(str::to_owned)
}

/// Waits until the replica has all data of the primary, and checks that keys, expiries and owner indexes agree.
pub(crate) fn assert_same(primary: &mut Connection, replica: &mut Connection) {
    await_same_offset(primary, replica);
    let [on_primary, on_replica] =
        [&mut *primary, &mut *replica].map(|conn| contents(conn).into_iter().collect::<BTreeSet<_>>());
    let differs = on_replica.symmetric_difference(&on_primary).collect::<Vec<_>>();
    assert!(differs.is_empty(), "these keys are only on one of both, or differ: {differs:?}");
    assert_index_agrees(primary);
    assert_index_agrees(replica);
}

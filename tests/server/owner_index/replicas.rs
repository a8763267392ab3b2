//! The owner index of a replica follows its data, after each kind of synchronization and after a change of role.

use redis::{Connection, Value};

use crate::support::{
    Builder, Server, await_that,
    cases::{cases, each},
    index_check::{ADA, BOB, assert_index_follows},
    owner_sessions::{count, fill, info},
    replicas::{self, await_same_offset, follow},
    sessions::{create, exec, send},
    tokens::SECRET,
};

fn builder() -> Builder {
    replicas::primary(Server::builder().keys(SECRET.as_bytes()))
}

fn replica(primary: &Server, load: &str) -> Server {
    replicas::replica(primary, builder().config("repl-diskless-load", load))
}

/// Waits until a replica has all data of its primary, and checks its index.
fn assert_index_follows_primary(primary: &mut Connection, replica: &mut Connection) -> usize {
    await_same_offset(primary, replica);
    // Redis 7.0 reports no database during asynchronous loading, so the module scans the data after it.
    await_that("the index", || send::<Value>(replica, &["JRS.COUNT", "ada"]).is_ok().then_some(()));
    let all = assert_index_follows(primary);
    assert_eq!(assert_index_follows(replica), all);
    assert_eq!(["ada", "bob"].map(|owner| count(replica, owner)), ["ada", "bob"].map(|owner| count(primary, owner)));
    all
}

/// Creates and removes sessions in two databases.
fn act(conn: &mut Connection) {
    let token = create(conn, "ada", "{}", &[]);
    let steps: [&[&str]; 8] = [
        &["JRS.ROTATE", &token, "OWNER", "bob"],
        &["MSET", ADA[0], "x", ADA[1], "x", "plain", "x"],
        &["RENAME", ADA[0], BOB[0]],
        &["MOVE", ADA[1], "1"],
        &["SELECT", "1"],
        &["SET", BOB[1], "x"],
        &["SWAPDB", "0", "1"],
        &["SELECT", "0"],
    ];
    for words in steps {
        exec(conn, words);
    }
    create(conn, "ada", "{}", &[]);
}

#[test]
fn the_index_follows_a_full_synchronization() {
    for diskless in ["yes", "no"] {
        let loads = ["disabled", "on-empty-db", "swapdb"];
        for load in cases(loads.map(|load| (format!("diskless sync: {diskless}, diskless load: {load}"), load))) {
            let primary = builder().config("repl-diskless-sync", diskless).start();
            let conn = &mut primary.conn();
            act(conn);
            let replica = replica(&primary, load);
            let reader = &mut replica.conn();
            assert_eq!(assert_index_follows_primary(conn, reader), 5);
            // The replica follows changes.
            act(conn);
            assert!(assert_index_follows_primary(conn, reader) > 5);
            for words in each([&["FLUSHDB"][..], &["FLUSHALL"]]) {
                exec(conn, words);
                assert_index_follows_primary(conn, reader);
            }
            act(conn);
            assert_index_follows_primary(conn, reader);
            // A new full synchronization replaces data that the replica wrote itself.
            exec(reader, &["REPLICAOF", "NO", "ONE"]);
            exec(reader, &["SET", ADA[2], "x"]);
            exec(reader, &["SELECT", "3"]);
            fill(reader, "bob", 1000);
            exec(reader, &["SELECT", "0"]);
            assert_eq!(assert_index_follows(reader), 1006);
            let before = info(conn, "stats", "sync_full");
            follow(reader, &primary);
            await_that("the full synchronization", || (info(conn, "stats", "sync_full") > before).then_some(()));
            assert_eq!(assert_index_follows_primary(conn, reader), 5);
        }
    }
}

#[test]
fn the_index_follows_a_partial_synchronization() {
    let primary = builder().start();
    let conn = &mut primary.conn();
    act(conn);
    let replica = replica(&primary, "disabled");
    let reader = &mut replica.conn();
    assert_index_follows_primary(conn, reader);
    let [full, partial] = ["sync_full", "sync_partial_ok"].map(|name| info(conn, "stats", name));
    exec(reader, &["REPLICAOF", "127.0.0.1", "1"]);
    act(conn);
    assert_eq!(assert_index_follows(reader), 5, "the replica is disconnected");
    follow(reader, &primary);
    await_that("the partial synchronization", || (info(conn, "stats", "sync_partial_ok") > partial).then_some(()));
    assert!(assert_index_follows_primary(conn, reader) > 5);
    assert_eq!(info(conn, "stats", "sync_full"), full);
}

#[test]
fn a_replica_removes_expired_sessions() {
    let primary = builder().start();
    let conn = &mut primary.conn();
    let replica = replica(&primary, "disabled");
    let reader = &mut replica.conn();
    assert_eq!(assert_index_follows_primary(conn, reader), 0);
    exec(conn, &["SET", ADA[0], "x"]);
    for key in [ADA[1], ADA[2], BOB[0]] {
        exec(conn, &["SET", key, "x", "PX", "50"]);
    }
    await_that("the expiry of the sessions", || (send::<i64>(conn, &["DBSIZE"]).unwrap() == 1).then_some(()));
    assert_eq!(assert_index_follows_primary(conn, reader), 1);
}

#[test]
fn the_index_follows_a_chain_of_replicas_and_a_promotion() {
    let [mut first, second] = [builder().start(), builder().start()];
    let conn = &mut first.conn();
    act(conn);
    let middle = replica(&first, "swapdb");
    let last = replica(&middle, "disabled");
    let [conn2, conn3] = &mut [middle.conn(), last.conn()];
    assert_eq!(assert_index_follows_primary(conn, conn2), 5);
    assert_eq!(assert_index_follows_primary(conn2, conn3), 5);
    act(conn);
    let all = assert_index_follows_primary(conn, conn2);
    assert_eq!(assert_index_follows_primary(conn2, conn3), all);
    first.kill();
    // The middle server becomes a primary. The last one is still its replica.
    exec(conn2, &["REPLICAOF", "NO", "ONE"]);
    assert_eq!(assert_index_follows(conn2), all);
    exec(conn2, &["JRS.DESTROYALL", "bob"]);
    act(conn2);
    assert_index_follows_primary(conn2, conn3);
    // The last and the middle server become replicas of another server.
    let other = &mut second.conn();
    exec(other, &["SET", ADA[0], "x"]);
    for conn in [&mut *conn3, &mut *conn2] {
        follow(conn, &second);
        assert_eq!(assert_index_follows_primary(other, conn), 1);
    }
}

//! JRS.LIST and JRS.DESTROYALL of thousands of sessions run in slices, and the server serves other clients in between.

use std::{fs, thread};

use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Builder, Server, await_that,
    owner_sessions::{assert_agree, fill, ids, ids_in_keyspace},
    sessions::{self, begin, create, end, exec, get, now, send},
    tokens::{SECRET, key, token},
};

const MANY: usize = 100_000;
/// Enough sessions that a test can act before all are destroyed.
const SOME: usize = 40_000;

fn builder() -> Builder {
    Server::builder().keys(SECRET.as_bytes())
}

/// A token for a session that [`fill`] stored.
fn token_of(owner: &str, id: &str) -> String {
    token(&json!({"jti": id, "sub": owner, "iat": now()}))
}

/// How many keys are left.
fn left(conn: &mut Connection) -> usize {
    send(conn, &["DBSIZE"]).unwrap()
}

/// Starts to destroy all of the owner's sessions, and returns after the first slice.
fn begin_destroyall(server: &Server, owner: &str) -> Connection {
    let (mut ending, conn) = (server.conn(), &mut server.conn());
    let before = left(conn);
    begin(&mut ending, &["JRS.DESTROYALL", owner]);
    await_that("the first slice", || (left(conn) < before).then_some(()));
    assert!(left(conn) > 1000, "the command ended before the test could act");
    ending
}

/// How many keys each transaction in the AOF deletes. The server writes one transaction for each slice.
fn deleted_at_once(server: &Server) -> Vec<usize> {
    let text = fs::read_to_string(server.dir().join("appendonlydir/appendonly.aof.1.incr.aof")).unwrap();
    text.split("MULTI\r\n")
        .map(|transaction| transaction.matches("\r\nDEL\r\n").count())
        .filter(|count| *count > 0)
        .collect()
}

#[test]
fn other_clients_are_served_during_a_long_list_and_destroyall() {
    let server = builder().config("appendonly", "yes").config("appendfsync", "no").start();
    let conn = &mut server.conn();
    let made = fill(conn, "ada", MANY);
    let bob = create(conn, "bob", "{}", &[]);
    let listing = &mut server.conn3();
    begin(listing, &["JRS.LIST", "ada"]);
    let mut served = 0;
    let listed = thread::scope(|scope| {
        let listed = scope.spawn(|| end(listing).unwrap());
        while !listed.is_finished() {
            assert!(get(conn, &bob).is_some());
            served += 1;
        }
        listed.join().unwrap()
    });
    let Value::Array(listed) = listed else { panic!("not an array") };
    assert_eq!(listed.len(), made.len());
    assert!(served > 10, "other clients were served {served} times");

    let ending = &mut server.conn();
    begin(ending, &["JRS.DESTROYALL", "ada"]);
    let mut seen = Vec::new();
    await_that("the last slice", || {
        seen.push(left(conn));
        assert!(get(conn, &bob).is_some());
        (seen[seen.len() - 1] == 1).then_some(())
    });
    assert_eq!(end(ending).unwrap(), Value::Int(i64::try_from(MANY).unwrap()));
    seen.dedup();
    assert!(seen.len() > 10, "other clients saw {seen:?}");
    assert_eq!(sessions::contents(conn).len(), 1, "the session of bob");
    let deleted = deleted_at_once(&server);
    assert_eq!(deleted.iter().sum::<usize>(), MANY);
    assert!(deleted.iter().all(|count| *count < MANY / 10), "{deleted:?}");
}

#[test]
fn only_sessions_created_meanwhile_stay() {
    let server = builder().start();
    let conn = &mut server.conn();
    let made = fill(conn, "ada", MANY);
    let (bob, excepted) = (create(conn, "bob", "{}", &[]), create(conn, "ada", "{}", &[]));
    // The newest sessions, which the command destroys last.
    let youngest: Vec<String> = made.iter().rev().take(60).map(|id| token_of("ada", id)).collect();
    let ending = &mut server.conn();
    begin(ending, &["JRS.DESTROYALL", "ada", "EXCEPT", &excepted]);
    await_that("the first slice", || (left(conn) < MANY - 100).then_some(()));
    // Sessions not yet destroyed count as destroyed: they cannot be rotated, and using them does not keep them.
    let mut tried = 0;
    for (number, token) in youngest.iter().enumerate() {
        let words: &[&str] = match number % 4 {
            0 => &["JRS.ROTATE", token],
            1 => &["JRS.ROTATE", token, "OWNER", "bob"],
            2 => &["JRS.ROTATE", token, "REAUTH"],
            _ => &["JRS.TOUCH", token, "EX", "5000"],
        };
        let reply: Value = send(conn, words).unwrap();
        assert!(number % 4 == 3 || reply == Value::Nil, "a session that counts as destroyed was rotated");
        tried += 1;
    }
    let mut new: Vec<String> = (0..50).map(|_| create(conn, "ada", "{}", &[])).collect();
    let rotated: String = send(conn, &["JRS.ROTATE", &new[0]]).unwrap();
    new[0] = rotated;
    new.push(send(conn, &["JRS.ROTATE", &excepted]).unwrap());
    new.push(send(conn, &["JRS.ROTATE", &bob, "OWNER", "ada"]).unwrap());
    assert!(left(conn) > 1000, "the command ended before the test could act");
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &new.remove(5)]).unwrap(), 1);
    assert_eq!((end(ending).unwrap(), tried), (Value::Int(i64::try_from(MANY).unwrap()), 60));
    let mut expected: Vec<String> = new.iter().map(|token| key(token)["sess:".len()..].to_owned()).collect();
    expected.sort_unstable();
    assert_eq!(assert_agree(conn, "ada"), expected);
    assert_eq!(ids_in_keyspace(conn, "sess:", "bob"), [""; 0]);
}

#[test]
fn two_concurrent_destroyalls_destroy_each_session_once() {
    let server = builder().start();
    let conn = &mut server.conn();
    fill(conn, "ada", SOME);
    let mut first = begin_destroyall(&server, "ada");
    let new = create(conn, "ada", "{}", &[]);
    let second: usize = send(&mut server.conn(), &["JRS.DESTROYALL", "ada"]).unwrap();
    let Value::Int(first) = end(&mut first).unwrap() else { panic!("not a number") };
    assert_eq!(usize::try_from(first).unwrap() + second, SOME + 1, "the second command destroys the new session too");
    assert!(get(conn, &new).is_none());
    assert_eq!(left(conn), 0);
}

#[test]
fn destroyall_waits_while_writes_are_paused() {
    let server = builder().start();
    let conn = &mut server.conn();
    fill(conn, "ada", SOME);
    let mut ending = begin_destroyall(&server, "ada");
    exec(conn, &["CLIENT", "PAUSE", "600000", "WRITE"]);
    let time = |conn: &mut Connection| {
        let [seconds, micros]: [i64; 2] = send(conn, &["TIME"]).unwrap();
        seconds * 1000 + micros / 1000
    };
    let (paused, expected) = (time(conn), left(conn));
    await_that("100 ms of the server", || (time(conn) > paused + 100).then_some(()));
    assert_eq!(left(conn), expected);
    exec(conn, &["CLIENT", "UNPAUSE"]);
    assert_eq!(end(&mut ending).unwrap(), Value::Int(i64::try_from(SOME).unwrap()));
    assert_eq!(left(conn), 0);
}

#[test]
fn destroyall_continues_without_its_client() {
    let server = builder().start();
    let conn = &mut server.conn();
    fill(conn, "ada", SOME);
    drop(begin_destroyall(&server, "ada"));
    await_that("the last slice", || (left(conn) == 0).then_some(()));
    create(conn, "ada", "{}", &[]);
    assert_eq!(assert_agree(conn, "ada").len(), 1);
    // A list whose client has disconnected.
    fill(conn, "ada", SOME);
    let mut listing = server.conn();
    begin(&mut listing, &["JRS.LIST", "ada", "WITHDATA"]);
    drop(listing);
    assert_eq!(ids(conn, "ada").len(), SOME + 1);
}

#[test]
fn a_flush_ends_destroyall() {
    for flush in [&["FLUSHALL"][..], &["FLUSHDB", "ASYNC"]] {
        let server = builder().start();
        let conn = &mut server.conn();
        fill(conn, "ada", SOME);
        let mut ending = begin_destroyall(&server, "ada");
        exec(conn, flush);
        let Value::Int(ended) = end(&mut ending).unwrap() else { panic!("not a number") };
        assert!(ended > 0 && usize::try_from(ended).unwrap() < SOME, "{ended}");
        exec(conn, &["FLUSHALL"]);
        create(conn, "ada", "{}", &[]);
        assert_eq!(assert_agree(conn, "ada").len(), 1);
    }
}

#[test]
fn swapdb_ends_destroyall() {
    let server = builder().start();
    let conn = &mut server.conn();
    exec(conn, &["SELECT", "1"]);
    let others = fill(conn, "ada", 10);
    exec(conn, &["SELECT", "0"]);
    fill(conn, "ada", SOME);
    let mut ending = begin_destroyall(&server, "ada");
    exec(conn, &["SWAPDB", "0", "1"]);
    assert_eq!(end(&mut ending).unwrap_err().code(), Some("TRYAGAIN"));
    assert_eq!(assert_agree(conn, "ada"), others);
}

#[test]
fn destroyall_ends_when_the_server_becomes_a_replica() {
    let (server, primary) = (builder().start(), Server::builder().without_module().start());
    let conn = &mut server.conn();
    fill(conn, "ada", SOME);
    let mut ending = begin_destroyall(&server, "ada");
    exec(conn, &["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    // The server unblocks the client, or the job replies with an error.
    assert!(end(&mut ending).is_err());
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    exec(conn, &["FLUSHALL"]);
    create(conn, "ada", "{}", &[]);
    assert_eq!(assert_agree(conn, "ada").len(), 1);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 1);
}

#[test]
fn transactions_and_scripts_list_and_destroy_at_once() {
    let server = builder().start();
    let conn = &mut server.conn();
    for script in [true, false] {
        let made = fill(conn, "ada", 3000);
        let reply: (usize, usize, usize) = if script {
            let script = "return {#redis.call('JRS.LIST', 'ada'), redis.call('JRS.DESTROYALL', 'ada'), \
                          #redis.call('JRS.LIST', 'ada')}";
            send(conn, &["EVAL", script, "0"]).unwrap()
        } else {
            let mut pipe = redis::pipe();
            pipe.atomic().cmd("JRS.LIST").arg("ada").cmd("JRS.DESTROYALL").arg("ada").cmd("JRS.LIST").arg("ada");
            let (before, ended, after): (Vec<Value>, usize, Vec<Value>) = pipe.query(conn).unwrap();
            (before.len(), ended, after.len())
        };
        assert_eq!(reply, (made.len(), made.len(), 0));
    }
}

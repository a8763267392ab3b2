//! JRS.LIST and JRS.DESTROYALL of thousands of sessions run in slices, and the server serves other clients in between.

use std::{fs, thread};

use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Builder, Server, await_that,
    cases::cases,
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

/// Runs `act` after the first slice of a JRS.DESTROYALL of ada, whose reply the third argument receives. On a busy machine the
/// command may end before `act` does its part: then `act` returns false, and runs again on another server.
fn during_destroyall(act: impl Fn(&Server, &mut Connection, Connection) -> bool) {
    await_that("an action during JRS.DESTROYALL", || {
        let server = builder().start();
        let (conn, mut destroying) = (&mut server.conn(), server.conn());
        fill(conn, "ada", SOME);
        begin(&mut destroying, &["JRS.DESTROYALL", "ada"]);
        await_that("the first slice", || (left(conn) < SOME).then_some(()));
        act(&server, conn, destroying).then_some(())
    });
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
fn other_clients_are_served_during_a_long_list() {
    let server = builder().start();
    let conn = &mut server.conn();
    let made = fill(conn, "ada", MANY);
    let bob = create(conn, "bob", "{}", &[]);
    // On a busy machine the list may be done before other clients send their commands.
    await_that("commands during the list", || {
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
        (served > 10).then_some(())
    });
}

#[test]
fn other_clients_are_served_during_a_long_destroyall() {
    let server = builder().config("appendonly", "yes").config("appendfsync", "no").start();
    let conn = &mut server.conn();
    let bob = create(conn, "bob", "{}", &[]);
    // On a busy machine all may be destroyed before other clients send their commands.
    await_that("commands during JRS.DESTROYALL", || {
        fill(conn, "ada", MANY);
        let earlier = deleted_at_once(&server).len();
        let destroying = &mut server.conn();
        begin(destroying, &["JRS.DESTROYALL", "ada"]);
        let mut seen = Vec::new();
        await_that("the last slice", || {
            seen.push(left(conn));
            assert!(get(conn, &bob).is_some());
            (seen[seen.len() - 1] == 1).then_some(())
        });
        assert_eq!(end(destroying).unwrap(), Value::Int(i64::try_from(MANY).unwrap()));
        assert_eq!(sessions::contents(conn).len(), 1, "the session of bob");
        let deleted = deleted_at_once(&server).split_off(earlier);
        assert_eq!(deleted.iter().sum::<usize>(), MANY);
        assert!(deleted.iter().all(|count| *count < MANY / 10), "{deleted:?}");
        seen.dedup();
        (seen.len() > 10).then_some(())
    });
}

#[test]
fn only_sessions_created_meanwhile_stay() {
    let server = builder().start();
    let conn = &mut server.conn();
    // On a busy machine all may be destroyed before the test acts.
    await_that("an action during JRS.DESTROYALL", || {
        exec(conn, &["FLUSHALL"]);
        let made = fill(conn, "ada", MANY);
        let (bob, excepted) = (create(conn, "bob", "{}", &[]), create(conn, "ada", "{}", &[]));
        // The newest sessions, which the command destroys last.
        let newest: Vec<String> = made.iter().rev().take(60).map(|id| token_of("ada", id)).collect();
        let destroying = &mut server.conn();
        begin(destroying, &["JRS.DESTROYALL", "ada", "EXCEPT", &excepted]);
        await_that("the first slice", || (left(conn) < MANY).then_some(()));
        // Sessions not yet destroyed count as destroyed: they cannot be rotated, and using them does not keep them.
        for (number, token) in newest.iter().enumerate() {
            let words: &[&str] = match number % 4 {
                0 => &["JRS.ROTATE", token],
                1 => &["JRS.ROTATE", token, "OWNER", "bob"],
                2 => &["JRS.ROTATE", token, "REAUTH"],
                _ => &["JRS.TOUCH", token, "EX", "5000"],
            };
            let reply: Value = send(conn, words).unwrap();
            assert!(number % 4 == 3 || reply == Value::Nil, "a session that counts as destroyed was rotated");
        }
        let mut new: Vec<String> = (0..50).map(|_| create(conn, "ada", "{}", &[])).collect();
        let rotated: String = send(conn, &["JRS.ROTATE", &new[0]]).unwrap();
        new[0] = rotated;
        new.push(send(conn, &["JRS.ROTATE", &excepted]).unwrap());
        new.push(send(conn, &["JRS.ROTATE", &bob, "OWNER", "ada"]).unwrap());
        let in_time = left(conn) > 1000;
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &new.remove(5)]).unwrap(), 1);
        assert_eq!(end(destroying).unwrap(), Value::Int(i64::try_from(MANY).unwrap()));
        let mut expected: Vec<String> = new.iter().map(|token| key(token)["sess:".len()..].to_owned()).collect();
        expected.sort_unstable();
        assert_eq!(assert_agree(conn, "ada"), expected);
        assert_eq!(ids_in_keyspace(conn, "sess:", "bob"), [""; 0]);
        in_time.then_some(())
    });
}

#[test]
fn two_concurrent_destroyalls_destroy_each_session_once() {
    during_destroyall(|server, conn, mut first| {
        let new = create(conn, "ada", "{}", &[]);
        let in_time = left(conn) > 1000;
        let second: usize = send(&mut server.conn(), &["JRS.DESTROYALL", "ada"]).unwrap();
        let Value::Int(first) = end(&mut first).unwrap() else { panic!("not a number") };
        let sum = usize::try_from(first).unwrap() + second;
        assert_eq!(sum, SOME + 1, "the second command destroys the new session too");
        assert!(get(conn, &new).is_none());
        assert_eq!(left(conn), 0);
        in_time
    });
}

#[test]
fn destroyall_waits_while_writes_are_paused() {
    during_destroyall(|_, conn, mut destroying| {
        exec(conn, &["CLIENT", "PAUSE", "600000", "WRITE"]);
        let time = |conn: &mut Connection| {
            let [seconds, micros]: [i64; 2] = send(conn, &["TIME"]).unwrap();
            seconds * 1000 + micros / 1000
        };
        let (paused, expected) = (time(conn), left(conn));
        await_that("100 ms of the server", || (time(conn) > paused + 100).then_some(()));
        assert_eq!(left(conn), expected);
        exec(conn, &["CLIENT", "UNPAUSE"]);
        assert_eq!(end(&mut destroying).unwrap(), Value::Int(i64::try_from(SOME).unwrap()));
        assert_eq!(left(conn), 0);
        expected > 0
    });
}

#[test]
fn destroyall_continues_without_its_client() {
    during_destroyall(|_, conn, destroying| {
        drop(destroying);
        let in_time = left(conn) > 0;
        await_that("the last slice", || (left(conn) == 0).then_some(()));
        create(conn, "ada", "{}", &[]);
        assert_eq!(assert_agree(conn, "ada").len(), 1);
        in_time
    });
}

#[test]
fn a_list_whose_client_disconnects_does_no_harm() {
    let server = builder().start();
    let conn = &mut server.conn();
    fill(conn, "ada", SOME);
    let mut listing = server.conn();
    begin(&mut listing, &["JRS.LIST", "ada", "WITHDATA"]);
    drop(listing);
    assert_eq!(ids(conn, "ada").len(), SOME);
}

#[test]
fn a_flush_ends_destroyall() {
    for flush in [&["FLUSHALL"][..], &["FLUSHDB", "ASYNC"]] {
        during_destroyall(|_, conn, mut destroying| {
            exec(conn, flush);
            let Value::Int(destroyed) = end(&mut destroying).unwrap() else { panic!("not a number") };
            let destroyed = usize::try_from(destroyed).unwrap();
            assert!(destroyed > 0 && destroyed <= SOME, "{flush:?}: {destroyed}");
            create(conn, "ada", "{}", &[]);
            assert_eq!(assert_agree(conn, "ada").len(), 1, "{flush:?}");
            destroyed < SOME
        });
    }
}

#[test]
fn swapdb_ends_destroyall() {
    during_destroyall(|server, conn, mut destroying| {
        let other = &mut server.conn();
        exec(other, &["SELECT", "1"]);
        let others = fill(other, "ada", 10);
        exec(conn, &["SWAPDB", "0", "1"]);
        let reply = end(&mut destroying);
        assert_eq!(assert_agree(conn, "ada"), others);
        match reply {
            Err(error) => {
                assert_eq!(error.code(), Some("TRYAGAIN"), "{error}");
                true
            }
            Ok(destroyed) => {
                assert_eq!(destroyed, Value::Int(i64::try_from(SOME).unwrap()));
                false
            }
        }
    });
}

#[test]
fn destroyall_ends_when_the_server_becomes_a_replica() {
    let primary = Server::builder().without_module().start();
    during_destroyall(|_, conn, mut destroying| {
        exec(conn, &["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
        let reply = end(&mut destroying);
        exec(conn, &["REPLICAOF", "NO", "ONE"]);
        exec(conn, &["FLUSHALL"]);
        create(conn, "ada", "{}", &[]);
        assert_eq!(assert_agree(conn, "ada").len(), 1);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 1);
        reply.is_err_and(|error| {
            assert_eq!(error.code(), Some("UNBLOCKED"), "{error}");
            true
        })
    });
}

#[test]
fn transactions_and_scripts_list_and_destroy_at_once() {
    let server = builder().start();
    let conn = &mut server.conn();
    for script in cases([("a script", true), ("a transaction", false)]) {
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

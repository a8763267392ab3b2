//! JRS.DESTROYALL whose EXCEPT token a crypto thread verifies, and changes of the server meanwhile.

use std::fs;

use redis::Value;

use crate::support::{
    Server,
    cases::each,
    in_flight::{self, Batch, InFlight, assert_sound, await_idle, openssl_key, outcomes, slow, words},
    sessions::{assert_indexed, create, exec, send},
    tokens::key,
};

/// How many times each race is run.
const ROUNDS: usize = 3;
/// How many creates keep the crypto thread busy.
const CREATES: usize = 25;

/// Sends creates, then a DESTROYALL of three sessions except the first, and runs `change` while they wait. Returns the tokens
/// of the sessions and the commands.
fn race_destroyall(server: &Server, change: &[&str]) -> ([String; 3], InFlight) {
    let conn = &mut server.conn();
    let tokens = in_flight::tokens(conn, ["ada"; 3]);
    let command = words(&["JRS.DESTROYALL", "ada", "EXCEPT", &tokens[0]]);
    let (waiting, changed) = Batch::creates(server, CREATES).and(&[command]).meanwhile_verifying(conn, 1, change);
    changed.unwrap_or_else(|error| panic!("{change:?}: {error}"));
    (tokens, waiting)
}

#[test]
fn destroyall_destroys_the_sessions_that_exist_when_it_runs() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let late = || key(&create(&mut server.conn(), "ada", "{}", &[]));
    for _ in 0..ROUNDS {
        let (tokens, mut waiting) = race_destroyall(&server, &["PING"]);
        assert_eq!(*waiting.replies()[CREATES].as_ref().unwrap(), Value::Int(2));
        assert_indexed(conn, "ada", &[key(&tokens[0])]);
        let late = late();
        assert_indexed(conn, "ada", &[key(&tokens[0]), late]);
        exec(conn, &["FLUSHALL"]);

        let (_, mut waiting) = race_destroyall(&server, &["FLUSHALL"]);
        assert_eq!(*waiting.replies()[CREATES].as_ref().unwrap(), Value::Int(0));
        exec(conn, &["FLUSHALL"]);
    }
    assert_sound(&mut server);
}

#[test]
fn a_waiting_destroyall_waits_while_writes_are_paused() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let (tokens, mut waiting) = race_destroyall(&server, &["CLIENT", "PAUSE", "600000", "WRITE"]);
    await_idle(conn);
    assert_indexed(conn, "ada", &tokens.each_ref().map(|token| key(token)));
    exec(conn, &["CLIENT", "UNPAUSE"]);
    assert_eq!(*waiting.replies()[CREATES].as_ref().unwrap(), Value::Int(2));
    assert_indexed(conn, "ada", &[key(&tokens[0])]);
    assert_sound(&mut server);
}

#[test]
fn destroyall_is_refused_on_a_new_replica_and_with_a_removed_key() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let (tokens, mut waiting) = race_destroyall(&server, &["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(outcomes(&waiting.replies())[CREATES], "UNBLOCKED");
    assert_indexed(conn, "ada", &tokens.each_ref().map(|token| key(token)));
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    exec(conn, &["FLUSHALL"]);

    fs::write(server.dir().join("other"), openssl_key(&["-algorithm", "ED25519"])).unwrap();
    let (tokens, mut waiting) = race_destroyall(&server, &["CONFIG", "SET", "jrs.keys-file", "other"]);
    assert_eq!(outcomes(&waiting.replies())[CREATES], "BADTOKEN");
    assert_indexed(conn, "ada", &tokens.each_ref().map(|token| key(token)));
    assert_sound(&mut server);
}

#[test]
fn destroyall_is_refused_if_the_user_lost_the_permission() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let (tokens, mut waiting) = race_destroyall(&server, &["ACL", "SETUSER", "default", "resetkeys", "~other:*"]);
    assert_eq!(outcomes(&waiting.replies())[CREATES], "NOPERM");
    exec(conn, &["ACL", "SETUSER", "default", "allkeys"]);
    assert_indexed(conn, "ada", &tokens.each_ref().map(|token| key(token)));
    assert_sound(&mut server);
}

#[test]
fn destroyall_of_a_disconnected_user_without_permission_does_nothing() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for change in each([&["ACL", "DELUSER", "limited"][..], &["ACL", "SETUSER", "limited", "resetkeys"]]) {
        exec(conn, &["ACL", "SETUSER", "limited", "reset", "on", ">pw", "+@all", "~sess:*"]);
        let tokens = in_flight::tokens(conn, ["ada"; 3]);
        let mut limited = server.conn();
        exec(&mut limited, &["AUTH", "limited", "pw"]);
        let id = send::<i64>(&mut limited, &["CLIENT", "ID"]).unwrap().to_string();
        let command = words(&["JRS.DESTROYALL", "ada", "EXCEPT", &tokens[0]]);
        let batch = Batch::creates(&server, CREATES).and_on(vec![limited], &[command]);
        let (mut waiting, changed) = batch.meanwhile_verifying(conn, 1, change);
        changed.unwrap();
        if change[1] == "SETUSER" {
            exec(conn, &["CLIENT", "KILL", "ID", &id]);
        }
        waiting.disconnect_last();
        assert!(outcomes(&waiting.replies()).iter().all(|outcome| *outcome == "ok"));
        await_idle(conn);
        // Commands run in order: the command of the user is done before this one.
        create(conn, "last", "{}", &[]);
        let last = create(conn, "in-flight", "{}", &[]);
        let destroyed: i64 = send(conn, &["JRS.DESTROYALL", "in-flight", "EXCEPT", &last]).unwrap();
        assert_eq!(destroyed, i64::try_from(CREATES).unwrap());
        assert_indexed(conn, "ada", &tokens.each_ref().map(|token| key(token)));
        exec(conn, &["FLUSHALL"]);
    }
    assert_sound(&mut server);
}

//! A DESTROYALL whose EXCEPT is verified on the crypto threads, while the world changes.

use std::fs;

use redis::Value;

use crate::support::{
    Server,
    in_flight::{self, InFlight, assert_sound, await_idle, meanwhile_verifying, openssl_key, outcomes, slow, words},
    sessions::{assert_indexed, create, exec, send},
    tokens::key,
};

/// How often each race is run.
const ROUNDS: usize = 3;
/// How many slow signatures keep the thread busy.
const CREATES: usize = 25;

/// Sends CREATEs and behind them a DESTROYALL of three sessions that spares the first, runs `change` while they wait, and
/// returns the tokens of those sessions with the replies.
fn race_of_destroyall(server: &Server, change: &[&str]) -> ([String; 3], InFlight) {
    let conn = &mut server.conn();
    let tokens = in_flight::tokens(conn, ["ada"; 3]);
    let command = words(&["JRS.DESTROYALL", "ada", "EXCEPT", &tokens[0]]);
    let flood = InFlight::behind_creates(server, CREATES, &[command]);
    meanwhile_verifying(conn, 1, change).unwrap_or_else(|error| panic!("{change:?}: {error}"));
    (tokens, flood)
}

#[test]
fn a_destroyall_that_waits_for_its_token_ends_what_there_is_then() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let late = || key(&create(&mut server.conn(), "ada", "{}", &[]));
    for _ in 0..ROUNDS {
        let (tokens, mut flood) = race_of_destroyall(&server, &["PING"]);
        assert_eq!(*flood.replies()[CREATES].as_ref().unwrap(), Value::Int(2));
        assert_indexed(conn, "ada", &[key(&tokens[0])]);
        let late = late();
        assert_indexed(conn, "ada", &[key(&tokens[0]), late]);
        exec(conn, &["FLUSHALL"]);

        let (_, mut flood) = race_of_destroyall(&server, &["FLUSHALL"]);
        assert_eq!(*flood.replies()[CREATES].as_ref().unwrap(), Value::Int(0));
        exec(conn, &["FLUSHALL"]);
    }
    assert_sound(&mut server);
}

#[test]
fn a_destroyall_waits_while_writes_are_paused() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let (tokens, mut flood) = race_of_destroyall(&server, &["CLIENT", "PAUSE", "600000", "WRITE"]);
    await_idle(conn);
    assert_indexed(conn, "ada", &tokens.each_ref().map(|token| key(token)));
    exec(conn, &["CLIENT", "UNPAUSE"]);
    assert_eq!(*flood.replies()[CREATES].as_ref().unwrap(), Value::Int(2));
    assert_indexed(conn, "ada", &[key(&tokens[0])]);
    assert_sound(&mut server);
}

#[test]
fn a_destroyall_ends_nothing_on_a_server_that_becomes_a_replica_or_with_a_key_that_is_out_of_force() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let (tokens, mut flood) = race_of_destroyall(&server, &["REPLICAOF", "127.0.0.1", "1"]);
    assert!(flood.replies()[CREATES].is_err());
    assert_indexed(conn, "ada", &tokens.each_ref().map(|token| key(token)));
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    exec(conn, &["FLUSHALL"]);

    fs::write(server.dir().join("other"), openssl_key(&["-algorithm", "ED25519"])).unwrap();
    let (tokens, mut flood) = race_of_destroyall(&server, &["CONFIG", "SET", "jrs.keys-file", "other"]);
    assert_eq!(outcomes(&flood.replies())[CREATES], "BADTOKEN");
    assert_indexed(conn, "ada", &tokens.each_ref().map(|token| key(token)));
    assert_sound(&mut server);
}

#[test]
fn a_destroyall_ends_nothing_for_a_user_who_may_not_any_more() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let (tokens, mut flood) = race_of_destroyall(&server, &["ACL", "SETUSER", "default", "resetkeys", "~other:*"]);
    assert_eq!(outcomes(&flood.replies())[CREATES], "NOPERM");
    exec(conn, &["ACL", "SETUSER", "default", "allkeys"]);
    assert_indexed(conn, "ada", &tokens.each_ref().map(|token| key(token)));
    assert_sound(&mut server);
}

#[test]
fn a_destroyall_ends_nothing_for_a_user_who_was_deleted_or_lost_the_right_and_left() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for change in [&["ACL", "DELUSER", "limited"][..], &["ACL", "SETUSER", "limited", "resetkeys"]] {
        exec(conn, &["ACL", "SETUSER", "limited", "reset", "on", ">pw", "+@all", "~sess:*"]);
        let tokens = in_flight::tokens(conn, ["ada"; 3]);
        let mut limited = server.conn();
        exec(&mut limited, &["AUTH", "limited", "pw"]);
        let id = send::<i64>(&mut limited, &["CLIENT", "ID"]).unwrap().to_string();
        let mut flood = InFlight::creates(&server, CREATES);
        let waiting = InFlight::start(vec![limited], &[words(&["JRS.DESTROYALL", "ada", "EXCEPT", &tokens[0]])]);
        meanwhile_verifying(conn, 1, change).unwrap();
        if change[1] == "SETUSER" {
            exec(conn, &["CLIENT", "KILL", "ID", &id]);
        }
        drop(waiting);
        assert!(outcomes(&flood.replies()).iter().all(|outcome| *outcome == "ok"));
        await_idle(conn);
        // What was to be done for the user comes before what is asked for now.
        create(conn, "last", "{}", &[]);
        let last = create(conn, "flood", "{}", &[]);
        let ended: i64 = send(conn, &["JRS.DESTROYALL", "flood", "EXCEPT", &last]).unwrap();
        assert_eq!(ended, i64::try_from(CREATES).unwrap());
        assert_indexed(conn, "ada", &tokens.each_ref().map(|token| key(token)));
        exec(conn, &["FLUSHALL"]);
    }
    assert_sound(&mut server);
}

//! Many clients run all commands on the same sessions while an operator changes settings: a destroyed session never exists
//! again, and no other session is lost.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use redis::{Connection, Value};
use xxhash_rust::xxh3::xxh3_64;

use crate::support::{
    Builder, Server,
    sessions::{assert_indexed, create, exec, send},
    tokens::{SECRET, elliptic_jwk, key},
};

const CLIENTS: usize = 8;

/// A session that each client may destroy.
struct Shared {
    token: String,
    key: String,
    /// Whether a client got the reply that the session is destroyed.
    destroyed: AtomicBool,
}

/// A number less than `limit` for a step of a client, the same in each run of the test.
fn random(client: usize, step: usize, limit: usize) -> usize {
    usize::try_from(xxh3_64(format!("{client} {step} {limit}").as_bytes()) >> 1).unwrap() % limit
}

/// Runs a command. Returns whether it found the session; each other reply is a failure.
fn found(conn: &mut Connection, command: usize, session: &Shared) -> bool {
    let (token, key) = (session.token.as_str(), session.key.as_str());
    let reply = |conn: &mut Connection, words: &[&str]| -> Value {
        send(conn, words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    };
    match command {
        0 | 1 => reply(conn, &["JRS.GET", key, token]) != Value::Nil,
        2 => reply(conn, &["JRS.PEEK", token]) != Value::Nil,
        3..=5 => reply(conn, &["JRS.UPDATE", token, r#"{"n":2}"#]) != Value::Nil,
        6 => reply(conn, &["JRS.UPDATE", key, token, r#"{"n":3}"#, "EX", "1000"]) != Value::Nil,
        7 => reply(conn, &["JRS.TOUCH", token]) != Value::Nil,
        8 => {
            let Value::Array(report) = reply(conn, &["JRS.INSPECT", token]) else {
                panic!("INSPECT replies with an array")
            };
            report[1] == Value::Int(1)
        }
        9 => {
            exec(conn, &["MULTI"]);
            exec(conn, &["JRS.UPDATE", token, r#"{"n":4}"#]);
            exec(conn, &["JRS.GET", token]);
            let Value::Array(replies) = reply(conn, &["EXEC"]) else { panic!("EXEC replies with an array") };
            assert_eq!(replies[0] == Value::Nil, replies[1] == Value::Nil, "{replies:?}");
            replies[0] != Value::Nil
        }
        10 => reply(conn, &["EVAL", "return redis.call('JRS.TOUCH', ARGV[1])", "0", token]) != Value::Nil,
        11 => reply(conn, &["JRS.UPDATE", token, r#"{"n":5}"#, "MERGE"]) != Value::Nil,
        12 => reply(conn, &["JRS.UPDATE", token, r#"[{"op":"add","path":"/n","value":6}]"#, "PATCH"]) != Value::Nil,
        13 => session.note_destroyed(reply(conn, &["JRS.REVOKE", key]) == Value::Int(1)),
        14 => {
            let successor = reply(conn, &["JRS.ROTATE", key, token]);
            if let Value::BulkString(successor) = &successor {
                let successor = str::from_utf8(successor).unwrap();
                assert_eq!(reply(conn, &["JRS.DESTROY", successor]), Value::Int(1), "the successor of {key}");
            }
            session.note_destroyed(successor != Value::Nil)
        }
        _ => session.note_destroyed(reply(conn, &["JRS.DESTROY", token]) == Value::Int(1)),
    }
}

/// The number of commands in [`found`].
const COMMANDS: usize = 17;

impl Shared {
    /// Notes whether a command destroyed the session.
    fn note_destroyed(&self, destroyed: bool) -> bool {
        assert!(!(destroyed && self.destroyed.swap(true, Ordering::SeqCst)), "{} was destroyed twice", self.key);
        destroyed
    }
}

fn run_mixed_commands(server: Builder, steps: usize) {
    let mut server = server.start();
    let conn = &mut server.conn();
    let sessions: Vec<Shared> = (0..steps / 2)
        .map(|_| create(conn, "ada", "{}", &[]))
        .map(|token| Shared { key: key(&token), token, destroyed: AtomicBool::new(false) })
        .collect();
    let not_found = AtomicUsize::new(0);
    let use_them = |client: usize| {
        let conn = &mut server.conn();
        for step in 0..steps {
            // All clients go through the sessions in about the same order, so that they meet.
            let session = &sessions[(step / 2 + random(client, step, 10)) % sessions.len()];
            let destroyed = session.destroyed.load(Ordering::SeqCst);
            let found = found(conn, random(client, step, COMMANDS), session);
            assert!(!(destroyed && found), "{} was found after it was destroyed", session.key);
            not_found.fetch_add(usize::from(!found), Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        let use_them = &use_them;
        let clients: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(move || use_them(client))).collect();
        let settings = [("max-age", "500"), ("max-age", "86400"), ("crypto-threads", "1"), ("crypto-threads", "3")];
        let settings =
            settings.iter().chain(&[("token-cache-size", "0"), ("token-cache-size", "16mb"), ("leeway", "7")]);
        for (name, value) in settings.cycle().take_while(|_| !clients.iter().all(|client| client.is_finished())) {
            exec(conn, &["CONFIG", "SET", &format!("jrs.{name}"), value]);
            exec(conn, &["JRS.RELOAD"]);
            exec(conn, &["INFO", "jrs"]);
            let listed: Vec<Value> = send(conn, &["JRS.LIST", "ada", "WITHDATA"]).unwrap();
            assert!(
                listed.len() <= sessions.len() + CLIENTS,
                "each client destroys the successor of the session that it rotates"
            );
        }
    });
    assert!(server.alive());
    let alive: Vec<&str> = sessions
        .iter()
        .filter(|session| !session.destroyed.load(Ordering::SeqCst))
        .map(|session| &*session.key)
        .collect();
    for session in &sessions {
        let destroyed = session.destroyed.load(Ordering::SeqCst);
        assert_ne!(send::<bool>(conn, &["EXISTS", &session.key]).unwrap(), destroyed, "{}", session.key);
    }
    assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), alive.len(), "there are only sessions");
    assert_indexed(conn, "ada", &alive);
    assert!(alive.len() < sessions.len() && not_found.load(Ordering::Relaxed) > 100, "the clients did not meet");
}

#[test]
fn mixed_commands_with_a_secret() {
    run_mixed_commands(Server::builder().keys(SECRET.as_bytes()), 2000);
}

#[test]
fn mixed_commands_with_crypto_threads() {
    run_mixed_commands(
        Server::builder().keys(elliptic_jwk().to_string().as_bytes()).arg("token-cache-size", "0"),
        1000,
    );
}

//! Many clients do everything at once to the same sessions, while an operator changes settings: what has ended once
//! never exists again, and nothing else ends.

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

/// A session that any client may end.
struct Shared {
    token: String,
    key: String,
    /// Whether somebody has been told that it ended.
    ended: AtomicBool,
}

/// What client number `client` does in its step number `step`: the same in each run of the test.
fn random(client: usize, step: usize, limit: usize) -> usize {
    usize::try_from(xxh3_64(format!("{client} {step} {limit}").as_bytes()) >> 1).unwrap() % limit
}

/// Whether the command found the session; there is no other reply to it that is right.
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
            let Value::Array(report) = reply(conn, &["JRS.INSPECT", token]) else { panic!("INSPECT replies a list") };
            report[1] == Value::Int(1)
        }
        9 => {
            exec(conn, &["MULTI"]);
            exec(conn, &["JRS.UPDATE", token, r#"{"n":4}"#]);
            exec(conn, &["JRS.GET", token]);
            let Value::Array(replies) = reply(conn, &["EXEC"]) else { panic!("EXEC replies a list") };
            assert_eq!(replies[0] == Value::Nil, replies[1] == Value::Nil, "{replies:?}");
            replies[0] != Value::Nil
        }
        10 => reply(conn, &["EVAL", "return redis.call('JRS.TOUCH', ARGV[1])", "0", token]) != Value::Nil,
        11 => reply(conn, &["JRS.UPDATE", token, r#"{"n":5}"#, "MERGE"]) != Value::Nil,
        12 => reply(conn, &["JRS.UPDATE", token, r#"[{"op":"add","path":"/n","value":6}]"#, "PATCH"]) != Value::Nil,
        13 => session.ends(reply(conn, &["JRS.REVOKE", key]) == Value::Int(1)),
        14 => {
            let successor = reply(conn, &["JRS.ROTATE", key, token]);
            if let Value::BulkString(successor) = &successor {
                let successor = str::from_utf8(successor).unwrap();
                assert_eq!(reply(conn, &["JRS.DESTROY", successor]), Value::Int(1), "{key} goes on under a new id");
            }
            session.ends(successor != Value::Nil)
        }
        _ => session.ends(reply(conn, &["JRS.DESTROY", token]) == Value::Int(1)),
    }
}

/// How many commands [`found`] knows.
const COMMANDS: usize = 17;

impl Shared {
    /// Notes that a command ended the session, if it did.
    fn ends(&self, ended: bool) -> bool {
        assert!(!(ended && self.ended.swap(true, Ordering::SeqCst)), "{} ended twice", self.key);
        ended
    }
}

fn everything_at_once(server: Builder, steps: usize) {
    let mut server = server.start();
    let conn = &mut server.conn();
    let sessions: Vec<Shared> = (0..steps / 2)
        .map(|_| create(conn, "ada", "{}", &[]))
        .map(|token| Shared { key: key(&token), token, ended: AtomicBool::new(false) })
        .collect();
    let met_dead = AtomicUsize::new(0);
    let use_them = |client: usize| {
        let conn = &mut server.conn();
        for step in 0..steps {
            // All clients go through the sessions at about the same pace, so that they meet.
            let session = &sessions[(step / 2 + random(client, step, 10)) % sessions.len()];
            let ended = session.ended.load(Ordering::SeqCst);
            let found = found(conn, random(client, step, COMMANDS), session);
            assert!(!(ended && found), "{} was found after its end", session.key);
            met_dead.fetch_add(usize::from(!found), Ordering::Relaxed);
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
            assert!(listed.len() <= sessions.len() + CLIENTS, "each rotated session is ended by who rotated it");
        }
    });
    assert!(server.alive());
    let alive: Vec<&str> =
        sessions.iter().filter(|session| !session.ended.load(Ordering::SeqCst)).map(|session| &*session.key).collect();
    for session in &sessions {
        let ended = session.ended.load(Ordering::SeqCst);
        assert_ne!(send::<bool>(conn, &["EXISTS", &session.key]).unwrap(), ended, "{}", session.key);
    }
    assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), alive.len(), "the sessions alone");
    assert_indexed(conn, "ada", &alive);
    assert!(alive.len() < sessions.len() && met_dead.load(Ordering::Relaxed) > 100, "the clients did not meet");
}

#[test]
fn everything_at_once_with_a_secret() {
    everything_at_once(Server::builder().keys(SECRET.as_bytes()), 2000);
}

#[test]
fn everything_at_once_with_crypto_threads() {
    everything_at_once(
        Server::builder().keys(elliptic_jwk().to_string().as_bytes()).arg("token-cache-size", "0"),
        1000,
    );
}

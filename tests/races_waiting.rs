//! Commands that wait for a crypto thread while the world changes: what they do is right when they do it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod sessions;
mod support;
mod tokens;

use std::{fs, sync::LazyLock};

use redis::{Connection, RedisResult, Value};
use sessions::{contents, create, expiry, get, send};
use support::{Builder, Server, await_that, error_word};
use tokens::{SECRET, header, key, rsa_pem};

/// How many signatures a command has to wait for. Each takes milliseconds.
const AHEAD: usize = 40;

/// A server with one crypto thread and a key that is slow to sign with; it remembers no token.
fn server() -> Builder {
    static SLOW: LazyLock<String> = LazyLock::new(rsa_pem);
    Server::builder().keys(SLOW.as_bytes()).args(&["token-cache-size", "0", "crypto-threads", "1"])
}

/// A command that waits in the crypto thread's queue.
struct Waiting {
    client: Connection,
    id: String,
    /// The clients that wait in front of it.
    _ahead: Vec<Connection>,
}

impl Waiting {
    /// Sends a command, as a user, so that it has to wait for many others.
    fn start(server: &Server, user: &str, words: &[&str]) -> Waiting {
        let mut ahead: Vec<Connection> = (0..AHEAD).map(|_| server.conn()).collect();
        let mut client = server.conn();
        let () = send(&mut client, &["AUTH", user, "password"]).unwrap();
        let id = send::<i64>(&mut client, &["CLIENT", "ID"]).unwrap().to_string();
        for other in &mut ahead {
            let create = redis::cmd("JRS.CREATE").arg(&["load", "{}"]).get_packed_command();
            other.send_packed_command(&create).unwrap();
        }
        await_that("a queue", || (Waiting::in_queue(server) > AHEAD / 2).then_some(()));
        client.send_packed_command(&redis::cmd(words[0]).arg(&words[1..]).get_packed_command()).unwrap();
        let waiting = Waiting { client, id, _ahead: ahead };
        await_that("the command to wait", || waiting.waits(server).then_some(()));
        waiting
    }

    fn in_queue(server: &Server) -> usize {
        let info: String = send(&mut server.conn(), &["INFO", "jrs"]).unwrap();
        let count = info.lines().find_map(|line| line.strip_prefix("jrs_crypto_queue_waiting:")).unwrap();
        count.parse().unwrap()
    }

    fn waits(&self, server: &Server) -> bool {
        let client: String = send(&mut server.conn(), &["CLIENT", "LIST", "ID", &self.id]).unwrap();
        client.contains(" flags=b ")
    }

    fn reply(mut self) -> RedisResult<Value> {
        self.client.recv_response().and_then(Value::extract_error)
    }
}

/// Everything but the sessions that others make meanwhile.
fn without_load(conn: &mut Connection) -> Vec<(String, (Vec<u8>, i64))> {
    contents(conn).into_iter().filter(|(key, _)| !key.starts_with("sess:{load}")).collect()
}

/// The commands on a session, each with what follows the token.
const ON_A_SESSION: [(&str, &[&str]); 5] = [
    ("JRS.GET", &[]),
    ("JRS.PEEK", &[]),
    ("JRS.UPDATE", &[r#"{"late":true}"#]),
    ("JRS.TOUCH", &["EX", "50"]),
    ("JRS.DESTROY", &[]),
];

#[test]
fn a_session_that_ends_meanwhile_is_not_brought_back() {
    let server = server().start();
    let conn = &mut server.conn();
    for (name, rest) in ON_A_SESSION {
        let token = create(conn, "ada", "{}", &[]);
        let waiting = Waiting::start(&server, "default", &[&[name, &token], rest].concat());
        assert_eq!(send::<i64>(conn, &["DEL", &key(&token)]).unwrap(), 1);
        let gone = if name == "JRS.DESTROY" { Value::Int(0) } else { Value::Nil };
        assert_eq!(waiting.reply().unwrap(), gone, "{name}");
        assert!(without_load(conn).is_empty(), "{name}");
    }
}

#[test]
fn a_key_that_becomes_something_else_meanwhile() {
    let server = server().start();
    let conn = &mut server.conn();
    for (name, rest) in ON_A_SESSION {
        let token = create(conn, "ada", "{}", &[]);
        let waiting = Waiting::start(&server, "default", &[&[name, &token], rest].concat());
        let () = send(conn, &["DEL", &key(&token)]).unwrap();
        let () = send(conn, &["RPUSH", &key(&token), "a"]).unwrap();
        let before = without_load(conn);
        assert_eq!(error_word(waiting.reply()), "WRONGTYPE", "{name}");
        assert_eq!(without_load(conn), before, "{name}");
    }
}

#[test]
fn a_key_of_signatures_that_is_taken_out_of_force_meanwhile() {
    let server = server().start();
    let conn = &mut server.conn();
    let other = server.dir().join("other");
    fs::write(&other, SECRET).unwrap();
    let files: [String; 2] = send(conn, &["CONFIG", "GET", "jrs.keys-file"]).unwrap();
    let use_file =
        |conn: &mut Connection, file: &str| send::<()>(conn, &["CONFIG", "SET", "jrs.keys-file", file]).unwrap();
    for (name, rest) in ON_A_SESSION {
        let token = create(conn, "ada", "{}", &[]);
        let before = without_load(conn);
        let waiting = Waiting::start(&server, "default", &[&[name, &token], rest].concat());
        use_file(conn, other.to_str().unwrap());
        assert_eq!(error_word(waiting.reply()), "BADTOKEN", "{name}");
        assert_eq!(without_load(conn), before, "{name}");
        use_file(conn, &files[1]);
    }
    let waiting = Waiting::start(&server, "default", &["JRS.CREATE", "ada", "{}"]);
    use_file(conn, other.to_str().unwrap());
    let token: String = redis::from_redis_value(waiting.reply().unwrap()).unwrap();
    assert_eq!(header(&token)["alg"], "HS256", "it is the key in force that signs");
    assert!(get(conn, &token).is_some());
}

#[test]
fn a_user_who_loses_the_permission_meanwhile() {
    let server = server().start();
    let conn = &mut server.conn();
    for (name, rest) in ON_A_SESSION {
        let token = create(conn, "ada", "{}", &[]);
        let () = send(conn, &["ACL", "SETUSER", "ada", "on", ">password", "+@all", "~sess:*"]).unwrap();
        let before = without_load(conn);
        let waiting = Waiting::start(&server, "ada", &[&[name, &token], rest].concat());
        let () = send(conn, &["ACL", "SETUSER", "ada", "resetkeys", "~others:*"]).unwrap();
        assert_eq!(error_word(waiting.reply()), "NOPERM", "{name}");
        assert_eq!(without_load(conn), before, "{name}");
    }
}

#[test]
fn memory_that_is_used_up_meanwhile() {
    let server = server().start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let before = without_load(conn);
    for command in [&["JRS.CREATE", "ada", "{}"][..], &["JRS.UPDATE", &token, r#"{"late":true}"#]] {
        let waiting = Waiting::start(&server, "default", command);
        let () = send(conn, &["CONFIG", "SET", "maxmemory", "1"]).unwrap();
        assert_eq!(error_word(waiting.reply()), "OOM", "{command:?}");
        assert_eq!(without_load(conn), before, "{command:?}");
        let () = send(conn, &["CONFIG", "SET", "maxmemory", "0"]).unwrap();
    }
}

#[test]
fn writes_that_are_paused_meanwhile() {
    let server = server().start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let () = send(conn, &["EXPIRE", &key(&token), "1000"]).unwrap();
    let before = without_load(conn);
    let commands = ON_A_SESSION.into_iter().map(|(name, rest)| [&[name, &token], rest].concat());
    for command in commands.chain([vec!["JRS.CREATE", "ada", "{}"]]) {
        let waiting = Waiting::start(&server, "default", &command);
        let () = send(conn, &["CLIENT", "PAUSE", "1000000", "WRITE"]).unwrap();
        let reply = waiting.reply();
        // Reading is not writing: the session is there, and its end stays where it was.
        if command[0] == "JRS.GET" || command[0] == "JRS.PEEK" {
            assert_ne!(reply.unwrap(), Value::Nil, "{command:?}");
        } else {
            assert_eq!(error_word(reply), "TRYAGAIN", "{command:?}");
        }
        assert_eq!(without_load(conn), before, "{command:?}");
        let () = send(conn, &["CLIENT", "UNPAUSE"]).unwrap();
    }
    assert!(expiry(conn, &key(&token)) > 0);
}

#[test]
fn a_server_that_becomes_a_replica_meanwhile() {
    for (name, rest) in ON_A_SESSION {
        let mut server = server().start();
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        let before = without_load(conn);
        let waiting = Waiting::start(&server, "default", &[&[name, &token], rest].concat());
        // Nobody answers there, so the data stays.
        let () = send(conn, &["REPLICAOF", "127.0.0.1", "1"]).unwrap();
        assert!(waiting.reply().is_err(), "the server sends its waiting clients away");
        await_that("the end of the queue", || (Waiting::in_queue(&server) == 0).then_some(()));
        assert_eq!(without_load(conn), before, "{name}");
        assert!(server.alive());
    }
}

#[test]
fn a_client_that_waits_no_longer() {
    let mut server = server().start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let before = without_load(conn);
    let assert_nothing_done = |conn: &mut Connection, what: &str| {
        await_that("the end of the queue", || (Waiting::in_queue(&server) == 0).then_some(()));
        assert_eq!(without_load(conn), before, "{what}");
    };
    let update = ["JRS.UPDATE", &token, r#"{"late":true}"#];
    for (kind, word) in [("TIMEOUT", "BUSY"), ("ERROR", "UNBLOCKED")] {
        for command in [["JRS.CREATE", "ada", "{}"], update] {
            let waiting = Waiting::start(&server, "default", &command);
            assert_eq!(send::<i64>(conn, &["CLIENT", "UNBLOCK", &waiting.id, kind]).unwrap(), 1);
            assert_eq!(error_word(waiting.reply()), word, "{command:?}");
            assert_nothing_done(conn, kind);
        }
    }
    for command in [["JRS.CREATE", "ada", "{}"], update] {
        let waiting = Waiting::start(&server, "default", &command);
        assert_eq!(send::<i64>(conn, &["CLIENT", "KILL", "ID", &waiting.id]).unwrap(), 1);
        assert_nothing_done(conn, "CLIENT KILL");
    }
    assert!(server.alive());
    assert_eq!(get(conn, &token).unwrap().data, "{}");
}

#[test]
fn the_module_cannot_be_unloaded_meanwhile_and_can_afterwards() {
    let server = server().config("enable-module-command", "yes").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let waiting = Waiting::start(&server, "default", &["JRS.TOUCH", &token]);
    assert_eq!(error_word(send(conn, &["MODULE", "UNLOAD", "jrs"])), "ERR");
    assert_eq!(waiting.reply().unwrap(), Value::Int(86_400));
    await_that("the module's end", || send::<Value>(conn, &["MODULE", "UNLOAD", "jrs"]).ok());
    assert_eq!(send::<String>(conn, &["GET", &key(&token)]).unwrap(), "{}");
}

#[test]
fn the_server_is_shut_down_meanwhile() {
    let mut server = server().config("appendonly", "yes").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", r#"{"kept":true}"#, &[]);
    let waiting = Waiting::start(&server, "default", &["JRS.CREATE", "ada", "{}"]);
    server.stop();
    assert!(waiting.reply().is_err());
    server.restart();
    assert_eq!(get(&mut server.conn(), &token).unwrap().data, r#"{"kept":true}"#);
}

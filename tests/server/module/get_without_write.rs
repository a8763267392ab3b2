//! `get-requires-write no`: JRS.GET answers where the server refuses writes, and extends sessions where it accepts them.

use std::{collections::HashMap, thread};

use redis::{Connection, Value};

use crate::support::{
    Builder, Server, await_that,
    cases::cases,
    failed_save::FailedSave,
    in_flight::{Batch, OWNERS, slow, tokens, words},
    nodes::Cluster,
    replicas,
    sessions::{assert_refused, create, exec, expiry, get, refused, send},
    slot_move_clients::owners,
    tokens::{SECRET, key, signing_keys},
};

/// How many creates keep the crypto thread busy.
const CREATES: usize = 25;

/// A server whose tokens need a signature check at each use, so ES256 commands wait.
fn builder(keys: &str) -> Builder {
    Server::builder().keys(keys.as_bytes()).args(&["get-requires-write", "no", "token-cache-size", "0"])
}

/// A session that the next JRS.GET extends: its token and its key.
fn due(conn: &mut Connection) -> (String, String) {
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    exec(conn, &["EXPIRE", &key, "500"]);
    (token, key)
}

/// Ways to send `JRS.GET key token`: alone, in a script, in MULTI.
fn each_way(conn: &mut Connection, key: &str, token: &str) -> [Value; 3] {
    let script = "return redis.call('JRS.GET', KEYS[1], ARGV[1])";
    let transaction: [Value; 1] = redis::pipe().atomic().cmd("JRS.GET").arg(key).arg(token).query(conn).unwrap();
    let [queued] = transaction;
    let alone = send(conn, &["JRS.GET", key, token]).unwrap();
    [alone, send(conn, &["EVAL", script, "1", key, token]).unwrap(), queued]
}

/// Checks that JRS.GET answers each way, and whether it extends the session.
fn assert_answers(conn: &mut Connection, (token, key): &(String, String), extends: bool) {
    let before = expiry(conn, key);
    for reply in each_way(conn, key, token) {
        let session: HashMap<String, Value> = redis::from_redis_value(reply).unwrap();
        let ttl: i64 = redis::from_redis_value_ref(&session["ttl"]).unwrap();
        assert_eq!(ttl > 500, extends, "the ttl in the reply is {ttl}");
    }
    assert_eq!(expiry(conn, key) > before, extends);
}

/// Commands that write, other than JRS.GET.
fn assert_other_writes_are_refused(conn: &mut Connection, word: &str, token: &str) {
    for words in [&["JRS.CREATE", "ada", "{}"][..], &["JRS.TOUCH", token], &["JRS.DESTROY", token]] {
        assert_refused(conn, word, words);
    }
}

#[test]
fn after_a_failed_save_sessions_are_read_and_not_extended() {
    for keys in signing_keys() {
        let server = builder(&keys).config("save", "3600 1").start();
        let conn = &mut server.conn();
        let session = due(conn);
        let failed_save = FailedSave::new(&server, conn);
        assert_answers(conn, &session, false);
        assert_other_writes_are_refused(conn, "MISCONF", &session.0);
        failed_save.end(conn);
        assert_answers(conn, &session, true);
    }
}

#[test]
fn without_enough_replicas_sessions_are_read_and_not_extended() {
    for keys in signing_keys() {
        let server = builder(&keys).config("min-replicas-to-write", "1").start();
        let conn = &mut server.conn();
        exec(conn, &["CONFIG", "SET", "min-replicas-to-write", "0"]);
        let session = due(conn);
        exec(conn, &["CONFIG", "SET", "min-replicas-to-write", "1"]);
        assert_answers(conn, &session, false);
        assert_other_writes_are_refused(conn, "NOREPLICAS", &session.0);
        exec(conn, &["CONFIG", "SET", "min-replicas-to-write", "0"]);
        assert_answers(conn, &session, true);
    }
}

#[test]
fn a_read_waits_while_writes_are_paused() {
    for keys in signing_keys() {
        let mut server = builder(&keys).start();
        let conn = &mut server.conn();
        let sessions = [(); 2].map(|()| due(conn));
        exec(conn, &["CLIENT", "PAUSE", "600000", "WRITE"]);
        let script = "return redis.call('JRS.GET', KEYS[1], ARGV[1])";
        let [(token, key), (other, other_key)] = &sessions;
        let delayed = [vec!["JRS.GET", key, token], vec!["EVAL", script, "1", other_key, other]];
        thread::scope(|scope| {
            let mut clients = Vec::new();
            for words in &delayed {
                let mut client = server.conn();
                let id: i64 = send(&mut client, &["CLIENT", "ID"]).unwrap();
                clients.push(scope.spawn(move || send::<Value>(&mut client, words)));
                await_that("a delayed client", || {
                    let list: String = send(conn, &["CLIENT", "LIST", "ID", &id.to_string()]).unwrap();
                    list.split(' ').any(|field| field.starts_with("flags=") && field.contains('b')).then_some(())
                });
            }
            exec(conn, &["CLIENT", "UNPAUSE"]);
            for client in clients {
                assert_ne!(client.join().unwrap().unwrap(), Value::Nil);
            }
        });
        for (_, key) in &sessions {
            assert!(send::<i64>(conn, &["TTL", key]).unwrap() > 500);
        }
        // A pause that begins in the transaction of the read.
        let (token, key) = &due(conn);
        let mut pipe = redis::pipe();
        pipe.atomic().cmd("CLIENT").arg(&["PAUSE", "600000", "WRITE"]).ignore().cmd("JRS.GET").arg(key).arg(token);
        let replies: Vec<Value> = pipe.query(conn).unwrap();
        assert_ne!(replies, [Value::Nil]);
        exec(conn, &["CLIENT", "UNPAUSE"]);
        assert!(server.alive());
    }
}

#[test]
fn a_read_whose_wait_ends_in_a_pause_does_not_extend() {
    let mut server = slow().arg("get-requires-write", "no").start();
    let conn = &mut server.conn();
    let tokens = tokens(conn, OWNERS);
    let keys = tokens.each_ref().map(|token| key(token));
    for key in &keys {
        exec(conn, &["EXPIRE", key, "500"]);
    }
    let ends = keys.each_ref().map(|key| expiry(conn, key));
    let commands: Vec<_> = tokens.iter().map(|token| words(&["JRS.GET", token])).collect();
    let pause = ["CLIENT", "PAUSE", "600000", "WRITE"];
    let (mut waiting, paused) =
        Batch::creates(&server, CREATES).and(&commands).meanwhile_verifying(conn, OWNERS.len(), &pause);
    paused.unwrap();
    let replies = waiting.replies();
    assert!(replies[CREATES..].iter().all(|reply| reply.as_ref().is_ok_and(|reply| *reply != Value::Nil)));
    assert_eq!(keys.each_ref().map(|key| expiry(conn, key)), ends);
    exec(conn, &["CLIENT", "UNPAUSE"]);
    assert!(get(conn, &tokens[0]).expect("a session").ttl > 500);
    assert!(server.alive());
}

#[test]
fn a_failover_under_reads_ends_no_server() {
    let mut server = replicas::primary(builder(SECRET)).start();
    let conn = &mut server.conn();
    let session = due(conn);
    let mut replica = replicas::replica(&server, builder(SECRET));
    assert_answers(conn, &session, true);
    // The extension arrives on the replica.
    let end = expiry(conn, &session.1);
    let after = &mut replica.conn();
    await_that("the extension on the replica", || (expiry(after, &session.1) == end).then_some(()));
    assert_eq!(refused(after, &["JRS.GET", &session.0]), "READONLY");
    assert!(send::<Value>(after, &["JRS.PEEK", &session.0]).is_ok());
    exec(conn, &["CONFIG", "SET", "jrs.touch-interval", "0"]);
    exec(after, &["CONFIG", "SET", "jrs.touch-interval", "0"]);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let reader = &mut server.conn();
            // Each read extends the session, until the server is a replica.
            while !matches!(send::<Value>(reader, &["JRS.GET", &session.0]), Err(error) if error.code() == Some("READONLY")) {}
        });
        await_that("the start of the failover", || send::<()>(conn, &["FAILOVER"]).ok());
        reader.join().unwrap();
    });
    await_that("the new primary", || (refused_word(after, &session.0) != Some("READONLY".to_owned())).then_some(()));
    assert!(get(after, &session.0).is_some());
    assert!(server.alive() && replica.alive());
}

fn refused_word(conn: &mut Connection, token: &str) -> Option<String> {
    send::<Value>(conn, &["JRS.GET", token]).err().and_then(|error| error.code().map(str::to_owned))
}

#[test]
fn read_only_scripts_and_functions_are_refused() {
    let server = builder(SECRET).start();
    let conn = &mut server.conn();
    let (token, key) = &due(conn);
    let body = "redis.call('JRS.GET', KEYS[1], ARGV[1])";
    let shebang = format!("#!lua flags=no-writes\nreturn {body}");
    exec(conn, &["EVAL", &format!("return {body}"), "1", key, token]);
    exec(conn, &["EXPIRE", key, "500"]);
    let library = format!(
        "#!lua name=lib\nredis.register_function{{function_name='f', flags={{'no-writes'}}, \
         callback=function(KEYS, ARGV) return {body} end}}"
    );
    exec(conn, &["FUNCTION", "LOAD", &library]);
    for words in cases([
        ("EVAL_RO", ["EVAL_RO", &format!("return {body}"), "1", key, token]),
        ("no-writes", ["EVAL", &shebang, "1", key, token]),
        ("FCALL", ["FCALL", "f", "1", key, token]),
        ("FCALL_RO", ["FCALL_RO", "f", "1", key, token]),
    ]) {
        assert_refused(conn, "ERR", &words);
    }
}

#[test]
fn replicas_refuse_reads_as_by_default() {
    let replica = builder(SECRET).config("replicaof", "127.0.0.1 1").start();
    let conn = &mut replica.conn();
    exec(conn, &["CONFIG", "SET", "replica-read-only", "no"]);
    let session = due(conn);
    exec(conn, &["CONFIG", "SET", "replica-read-only", "yes"]);
    assert_eq!(refused(conn, &["JRS.GET", &session.0]), "READONLY");
    assert!(send::<Value>(conn, &["JRS.PEEK", &session.0]).is_ok());
    exec(conn, &["CONFIG", "SET", "replica-read-only", "no"]);
    assert_answers(conn, &session, true);
}

#[test]
fn cluster_replicas_refuse_reads() {
    let mut cluster = Cluster::start_as(&builder(SECRET));
    let node = &mut cluster.nodes()[0];
    let owner = &owners(node, 8192)[0];
    let token = create(node, owner, "{}", &[]);
    let key = key(&token);
    exec(node, &["EXPIRE", &key, "500"]);
    let conn = &mut cluster.replica(0);
    assert_eq!(refused(conn, &["JRS.GET", &key, &token]), "MOVED");
    exec(conn, &["READONLY"]);
    assert_eq!(refused(conn, &["JRS.GET", &key, &token]), "READONLY");
    assert!(send::<Value>(conn, &["JRS.PEEK", &key, &token]).is_ok());
    assert_answers(node, &(token, key), true);
}

#[test]
fn the_setting_is_fixed_and_changes_the_flags() {
    let mut server = Server::builder().keys(SECRET.as_bytes()).config("jrs.get-requires-write", "no").start();
    let conn = &mut server.conn();
    let flags = |conn: &mut Connection| -> Vec<String> {
        let info: Vec<Vec<Value>> = send(conn, &["COMMAND", "INFO", "JRS.GET"]).unwrap();
        redis::from_redis_value_ref(&info[0][2]).unwrap()
    };
    assert!(!flags(conn).contains(&"write".to_owned()));
    assert_refused(conn, "ERR", &["CONFIG", "SET", "jrs.get-requires-write", "yes"]);
    let value: Vec<String> = send(conn, &["CONFIG", "GET", "jrs.get-requires-write"]).unwrap();
    assert_eq!(value[1], "no");
    exec(conn, &["CONFIG", "REWRITE"]);
    server.stop();
    server.restart();
    let conn = &mut server.conn();
    assert!(!flags(conn).contains(&"write".to_owned()));
    // The category @write does not have the command, @jrs does.
    let token = &create(conn, "ada", "{}", &[]);
    exec(conn, &["ACL", "SETUSER", "app", "on", "nopass", "~*", "-@all", "+@write", "+@read"]);
    let app = &mut server.conn();
    exec(app, &["AUTH", "app", "x"]);
    assert_eq!(refused(app, &["JRS.GET", token]), "NOPERM");
    exec(conn, &["ACL", "SETUSER", "app", "+jrs.get", "resetkeys", "%R~*"]);
    assert_eq!(refused(app, &["JRS.GET", token]), "NOPERM", "reading a session needs the permission to write its key");
    exec(conn, &["ACL", "SETUSER", "app", "~*"]);
    assert!(get(app, token).is_some());

    let plain = Server::builder().keys(SECRET.as_bytes()).start();
    assert!(flags(&mut plain.conn()).contains(&"write".to_owned()));
}

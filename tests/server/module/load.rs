//! Loading and unloading the module, and arguments and configurations that stop the start.

use std::collections::HashMap;

use redis::{Connection, Value};

use crate::support::{
    Builder, Server, await_that, error_word, module_path,
    sessions::{create, exec, get, send},
    tokens::SECRET,
};

/// Whether `MODULE LIST` has the module. Some servers have their own modules.
fn has_jrs(conn: &mut Connection) -> bool {
    listed_version(conn).is_some()
}

/// The module's version in `MODULE LIST`.
fn listed_version(conn: &mut Connection) -> Option<Value> {
    let modules: Vec<HashMap<String, Value>> = redis::cmd("MODULE").arg("LIST").query(conn).unwrap();
    let jrs = modules.into_iter().find(|module| module["name"] == Value::BulkString(b"jrs".to_vec()));
    jrs.map(|jrs| jrs["ver"].clone())
}

#[test]
fn a_server_without_the_module_starts_and_restarts() {
    let mut server = Server::builder().without_module().config("save", "3600 1").start();
    redis::cmd("SET").arg("key").arg("value").exec(&mut server.conn3()).unwrap();
    assert!(!has_jrs(&mut server.conn()));
    assert_eq!(error_word(redis::cmd("JRS.HELP").query(&mut server.conn())), "ERR");

    server.stop();
    assert!(!server.alive());
    server.restart();
    assert!(server.alive());
    let value: String = redis::cmd("GET").arg("key").query(&mut server.conn()).unwrap();
    assert_eq!(value, "value");

    server.kill();
    assert!(!server.alive());
}

#[test]
fn the_module_loads_without_arguments() {
    let mut server = Server::start();
    let numbers = env!("CARGO_PKG_VERSION").split('.').map(|number| number.parse().unwrap());
    let [major, minor, patch] = numbers.collect::<Vec<i64>>()[..] else { panic!("a version has three numbers") };
    assert_eq!(listed_version(&mut server.conn()), Some(Value::Int(10_000 * major + 100 * minor + patch)));
    assert!(has_jrs(&mut server.conn3()));
    server.stop();
}

#[test]
fn sessions_are_plain_keys_without_the_module() {
    let mut server = Server::builder().config("enable-module-command", "local").arg("allow-unload", "yes").start();
    let mut conn = server.conn();
    let data = r#"{"cart":["book"]}"#;
    let token: String = redis::cmd("JRS.CREATE").arg("user:42").arg(data).query(&mut conn).unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("sess:{user:42}:*").query(&mut conn).unwrap();
    let [key] = keys.as_slice() else { panic!("not one key: {keys:?}") };

    redis::cmd("MODULE").arg("UNLOAD").arg("jrs").exec(&mut conn).unwrap();
    assert!(!has_jrs(&mut conn));
    assert_eq!(error_word(redis::cmd("JRS.GET").arg(token).query(&mut conn)), "ERR");
    let plain: String = redis::cmd("GET").arg(key).query(&mut conn).unwrap();
    assert_eq!(plain, data);
    let ttl: u64 = redis::cmd("TTL").arg(key).query(&mut conn).unwrap();
    assert!((86_000..=86_400).contains(&ttl), "{ttl}");
    assert!(server.alive());
}

#[test]
fn unload_is_refused_and_commands_in_flight_are_served() {
    let mut server = Server::builder().config("enable-module-command", "local").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let mut queued: Vec<Connection> = (0..4).map(|_| server.conn()).collect();
    let mut last: Vec<Connection> = (0..4).map(|_| server.conn()).collect();
    for round in 0..10 {
        for client in &mut queued {
            exec(client, &["MULTI"]);
            exec(client, &["JRS.GET", &token]);
        }
        for client in &mut last {
            let peek = redis::cmd("JRS.PEEK").arg(&token).get_packed_command();
            client.send_packed_command(&peek.repeat(100)).unwrap();
        }
        let refused = send::<Value>(conn, &["MODULE", "UNLOAD", "jrs"]).unwrap_err();
        assert!(refused.to_string().contains("unloading"), "{refused}");
        for client in &mut last {
            for _ in 0..100 {
                assert!(matches!(client.recv_response().unwrap(), Value::Array(_)), "round {round}");
            }
            exec(client, &["PING"]);
        }
        for client in &mut queued {
            assert_eq!(send::<Vec<Value>>(client, &["EXEC"]).unwrap().len(), 1);
        }
    }
    assert!(has_jrs(conn));
    let log = server.log();
    for word in ["MODULE UNLOAD is refused", "restart the server", "fail over", "jrs.allow-unload"] {
        assert!(log.contains(word), "{word}: {log}");
    }
    server.stop();
}

#[test]
fn allow_unload_is_no_by_default() {
    let mut server = Server::builder().config("enable-module-command", "local").start();
    let conn = &mut server.conn();
    create(conn, "ada", "{}", &[]);
    assert_eq!(error_word(send(conn, &["MODULE", "UNLOAD", "jrs"])), "ERR");
    exec(conn, &["CONFIG", "SET", "jrs.allow-unload", "yes"]);
    exec(conn, &["CONFIG", "SET", "jrs.allow-unload", "no"]);
    assert_eq!(error_word(send(conn, &["MODULE", "UNLOAD", "jrs"])), "ERR");
    assert!(has_jrs(conn));
    exec(conn, &["CONFIG", "SET", "jrs.allow-unload", "yes"]);
    exec(conn, &["MODULE", "UNLOAD", "jrs"]);
    assert!(!has_jrs(conn) && server.alive());
}

/// Arguments that must stop the start, and a word of the log line about them.
const BAD_ARGUMENTS: [(&[&str], &str); 14] = [
    (&["no-such-setting", "1"], "no-such-setting"),
    (&["max-age"], "max-age"),
    (&["max-age", "0"], "max-age"),
    (&["max-age", "-1"], "max-age"),
    (&["max-age", "a-day"], "max-age"),
    (&["leeway", "301"], "leeway"),
    (&["keyspace", ""], "keyspace"),
    (&["keyspace", "sess{"], "keyspace"),
    (&["algorithm", "none"], "algorithm"),
    (&["allow-weak-secret", "perhaps"], "allow-weak-secret"),
    (&["max-sessions", "-1"], "max-sessions"),
    (&["max-sessions", "1000001"], "max-sessions"),
    (&["max-sessions-policy", "ask"], "max-sessions-policy"),
    (&["keys-file", "/no/such/file"], "/no/such/file"),
];

#[test]
fn bad_arguments_stop_the_start_and_the_log_names_them() {
    for (args, word) in BAD_ARGUMENTS {
        let Err(log) = Server::builder().args(args).try_start() else { panic!("the server started with {args:?}") };
        // The server's own log lines name the module's file, not the setting.
        assert!(log.lines().any(|line| line.contains("jrs") && line.contains(word)), "{args:?}:\n{log}");
        assert!(!log.contains("REDIS BUG REPORT") && !log.contains("panicked"), "{args:?}:\n{log}");
    }
}

/// The commands that the module requires on each server, and on cluster nodes.
const REQUIRED: [&str; 3] = ["SET", "PEXPIREAT", "DEL"];
const REQUIRED_IN_CLUSTER: [&str; 2] = ["CLUSTER", "EXISTS"];

/// Checks that the module is not loaded without one of these commands, and that the log names it.
fn assert_required(server: &Builder, commands: &[&str]) {
    for name in commands {
        for renamed in [format!("{name} \"\""), format!("{name} another")] {
            let server = server.clone().config("rename-command", &renamed);
            let Err(log) = server.try_start() else { panic!("the server started with {renamed}") };
            let names_it = |line: &str| line.contains("jrs") && line.contains("not loaded") && line.contains(name);
            assert!(log.lines().any(names_it), "{renamed}:\n{log}");
            assert!(!log.contains("REDIS BUG REPORT") && !log.contains("panicked"), "{renamed}:\n{log}");
        }
    }
}

/// Starts the server without these commands.
fn start_without(server: Builder, commands: &[&str]) -> Server {
    commands.iter().fold(server, |server, name| server.config("rename-command", &format!("{name} \"\""))).start()
}

#[test]
fn a_missing_required_command_stops_the_load() {
    assert_required(&Server::builder(), &REQUIRED);
    let node = Server::builder().config("cluster-enabled", "yes");
    assert_required(&node, &REQUIRED_IN_CLUSTER);
    assert_required(&node, &["SET"]);
}

#[test]
fn other_commands_may_be_renamed() {
    let others = ["CONFIG", "KEYS", "GET", "EXPIRE", "ZADD", "ZREM", "ZRANGE", "ZRANDMEMBER", "DBSIZE", "SCAN"];
    let server = start_without(
        Server::builder().config("maxmemory-policy", "volatile-lru"),
        &[&others[..], &REQUIRED_IN_CLUSTER].concat(),
    );
    assert!(!server.log().contains("evict"), "there is no warning about eviction: {}", server.log());
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    assert_eq!(get(conn, &token).expect("a session").owner, "ada");

    let server =
        start_without(Server::builder().keys(SECRET.as_bytes()).config("cluster-enabled", "yes"), &["CONFIG", "KEYS"]);
    let conn = &mut server.conn();
    exec(conn, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    await_that("a cluster that accepts commands", || send::<String>(conn, &["JRS.CREATE", "ada", "{}"]).ok());
}

#[test]
fn a_failed_load_leaves_the_server_unchanged() {
    let builder = Server::builder().without_module().config("enable-module-command", "yes");
    let mut server = builder.config("rename-command", "PEXPIREAT \"\"").start();
    let conn = &mut server.conn();
    for _ in 0..2 {
        let path = module_path();
        assert_eq!(error_word(redis::cmd("MODULE").arg("LOAD").arg(path.to_str().unwrap()).query(conn)), "ERR");
        assert!(!has_jrs(conn) && server.log().contains("PEXPIREAT"), "{}", server.log());
        assert_eq!(error_word(redis::cmd("JRS.HELP").query(conn)), "ERR");
    }
    assert!(server.alive());
}

/// Redis 7.0 keeps the event subscriptions of a module whose load fails, and calls code that is no longer there.
#[test]
fn a_load_that_fails_late_leaves_no_event_subscription() {
    let mut server = Server::builder().without_module().config("enable-module-command", "yes").start();
    let conn = &mut server.conn();
    let path = module_path();
    let load = ["MODULE", "LOAD", path.to_str().unwrap(), "keys-file", "/no/such/file"];
    for _ in 0..3 {
        assert_eq!(error_word(send(conn, &load)), "ERR");
        assert!(server.log().contains("/no/such/file"), "{}", server.log());
        exec(conn, &["SWAPDB", "0", "1"]);
        exec(conn, &["REPLICAOF", "127.0.0.1", "1"]);
        exec(conn, &["REPLICAOF", "NO", "ONE"]);
    }
    server.stop();
}

#[test]
fn a_weak_secret_stops_the_start_unless_it_is_allowed() {
    let weak = Server::builder().keys(b"too short");
    let Err(log) = weak.clone().try_start() else { panic!("the server started with a weak secret") };
    assert!(log.contains("allow-weak-secret"), "{log}");
    assert!(!log.contains("too short"), "the log repeats the secret:\n{log}");
    assert!(weak.arg("allow-weak-secret", "yes").start().alive());
}

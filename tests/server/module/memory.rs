//! No command leaks memory: after many repetitions the server uses no more than before.

use std::fs;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use redis::{Cmd, Connection, ConnectionLike, Value};
use serde_json::json;

use crate::support::{
    Builder, Server, await_that, module_path,
    random_commands::{self, Supplies},
    sessions::{create, exec, send},
    tokens::{SECRET, elliptic_jwk, jwk, key, sign},
};

/// A server without a token cache and without SLOWLOG.
fn server() -> Builder {
    let builder = Server::builder().arg("token-cache-size", "0").config("slowlog-log-slower-than", "-1");
    builder.config("save", "\"\"").config("enable-debug-command", "local")
}

/// A number of INFO.
fn info_number(conn: &mut Connection, name: &str) -> i64 {
    let info: String = send(conn, &["INFO", "server", "clients", "memory"]).unwrap();
    let number = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    number.unwrap().parse().unwrap()
}

/// Sends the commands. Returns the replies, some of which may be errors.
fn send_all(conn: &mut Connection, commands: &[Cmd]) -> Vec<Value> {
    let mut replies = Vec::new();
    // In small parts, so that the buffers of client and server stay small.
    for some in commands.chunks(50) {
        let packed: Vec<u8> = some.iter().flat_map(Cmd::get_packed_command).collect();
        replies.extend(conn.req_packed_commands(&packed, 0, some.len()).expect("the server replies"));
    }
    replies
}

/// Checks that `round`, which runs hundreds of commands and leaves no keys, leaks no memory.
fn assert_no_leak(server: &Server, name: &str, mut round: impl FnMut(&mut Connection)) {
    let observer = &mut server.conn();
    // The server resizes the reply buffer of a client by up to 16 kB.
    exec(observer, &["DEBUG", "REPLYBUFFER", "RESIZING", "0"]);
    let clients = info_number(observer, "connected_clients");
    let mut used_after_a_round = || {
        // The buffers of a client vary by 17 kB, so each round has its own client.
        round(&mut server.conn());
        await_that("the disconnect of the client", || {
            (info_number(observer, "connected_clients") == clients).then_some(())
        });
        info_number(observer, "used_memory")
    };
    // The first rounds fill tables and buffers of the server.
    let used: Vec<i64> = (0..25).map(|_| used_after_a_round()).skip(4).collect();
    // The server may keep up to eight internal clients of 17 kB for a module, at any moment. So the median counts, not the
    // sum.
    let mut growth: Vec<i64> = used.windows(2).map(|pair| pair[1] - pair[0]).collect();
    growth.sort_unstable();
    assert!(growth[growth.len() / 2] < 50, "{name}: rounds leave {growth:?} bytes");
}

fn command(words: &[&str]) -> Cmd {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command
}

/// Creates, uses and destroys sessions with all commands.
fn use_sessions(conn: &mut Connection, times: usize) {
    for _ in 0..times {
        let token = create(conn, "ada", r#"{"n":1}"#, &["CLAIMS", r#"{"role":"admin"}"#, "EX", "500"]);
        let key = key(&token);
        let commands = [
            command(&["JRS.GET", &token]),
            command(&["JRS.GET", &key, &token]),
            command(&["JRS.PEEK", &key, &token]),
            command(&["JRS.UPDATE", &token, r#"{"n":2}"#]),
            command(&["JRS.UPDATE", &key, &token, &format!(r#"{{"n":"{}"}}"#, "x".repeat(40_000)), "KEEPTTL"]),
            command(&["JRS.TOUCH", &token, "PX", "123456"]),
            command(&["JRS.INSPECT", &token]),
            command(&["JRS.UPDATE", &token, r#"{"m":{"o":[1.50]}}"#, "MERGE"]),
            command(&["JRS.UPDATE", &token, r#"[{"op":"copy","from":"/m","path":"/p"}]"#, "PATCH", "IFMATCH", "0"]),
            command(&["JRS.UPDATE", &token, r#"[{"op":"copy","from":"/m","path":"/p"}]"#, "PATCH"]),
            command(&["JRS.LIST", "ada", "WITHDATA"]),
            command(&["JRS.DESTROYALL", "ada", "EXCEPT", &token]),
            command(&["JRS.DESTROY", &token]),
            command(&["JRS.GET", &token]),
            command(&["JRS.INSPECT", &token]),
            command(&["JRS.DESTROY", &token]),
            command(&["JRS.ROTATE", &token]),
            command(&["JRS.REVOKE", &key]),
        ];
        let replies = send_all(conn, &commands);
        assert_eq!(replies[11..14], [Value::Int(0), Value::Int(1), Value::Nil], "{replies:?}");
        let token = create(conn, "ada", r#"{"n":1}"#, &[]);
        let rotated =
            send_all(conn, &[command(&["JRS.ROTATE", &token, "OWNER", "bob", "CLAIMS", r#"{"a":1}"#, "REAUTH"])]);
        assert!(matches!(rotated[0], Value::BulkString(_)), "{rotated:?}");
        assert_eq!(send_all(conn, &[command(&["JRS.DESTROYALL", "bob"])]), [Value::Int(1)]);
    }
}

#[test]
fn lives_of_sessions_leak_no_memory() {
    let server = server().start();
    assert_no_leak(&server, "lives of sessions", |conn| use_sessions(conn, 30));
}

#[test]
fn random_commands_leak_no_memory() {
    let server = server().start();
    let conn = &mut server.conn();
    let tokens = (0..10).map(|_| create(conn, "ada", "{}", &[])).map(|token| (key(&token), token));
    let supplies = Supplies { tokens: tokens.collect(), owners: vec!["ada".to_owned()] };
    let mut runner = TestRunner::deterministic();
    let strategy = random_commands::commands(&supplies);
    let commands: Vec<Cmd> = (0..400)
        .map(|_| {
            let random = strategy.new_tree(&mut runner).unwrap().current();
            redis::cmd(&random.name).arg(random.arguments).clone()
        })
        .collect();
    assert_no_leak(&server, "random commands", |conn| {
        for (key, _) in &supplies.tokens {
            exec(conn, &["SET", key, "{}", "EX", "10000"]);
        }
        send_all(conn, &commands);
        exec(conn, &["FLUSHALL", "SYNC"]);
    });
}

#[test]
fn transactions_and_scripts_leak_no_memory() {
    let server = server().start();
    let conn = &mut server.conn();
    let script = "local token = redis.call('JRS.CREATE', 'ada', '{}')
        for _, name in ipairs({'GET', 'PEEK', 'TOUCH', 'INSPECT', 'DESTROY', 'GET'}) do
            redis.pcall('JRS.' .. name, token)
            redis.pcall('JRS.' .. name, ARGV[1])
        end
        return 'done'";
    assert_no_leak(&server, "scripts", |conn| {
        for _ in 0..50 {
            exec(conn, &["EVAL", script, "0", "no token"]);
        }
    });
    let token = create(conn, "ada", "{}", &[]);
    let transaction: [&[&str]; 6] = [
        &["MULTI"],
        &["JRS.GET", &token],
        &["JRS.UPDATE", &token, "{}"],
        &["JRS.GET", "none"],
        &["JRS.TOUCH", &token],
        &["EXEC"],
    ];
    let transactions: Vec<Cmd> = transaction.map(command).into_iter().cycle().take(300).collect();
    assert_no_leak(&server, "transactions", |conn| drop(send_all(conn, &transactions)));
}

#[test]
fn administration_leaks_no_memory() {
    let server = server().keys(SECRET.as_bytes()).start();
    let commands: [&[&str]; 9] = [
        &["JRS.RELOAD"],
        &["CONFIG", "GET", "jrs.*"],
        &["CONFIG", "SET", "jrs.max-age", "100", "jrs.issuer", "https://login.example"],
        &["CONFIG", "SET", "jrs.max-age", "200", "jrs.issuer", "", "jrs.token-cache-size", "1mb"],
        &["CONFIG", "SET", "jrs.keyspace", "{"],
        &["CONFIG", "SET", "jrs.token-cache-size", "0"],
        &["INFO", "everything"],
        &["JRS.REALMS"],
        &["JRS.HELP"],
    ];
    let commands: Vec<Cmd> = commands.map(command).into_iter().cycle().take(200).collect();
    assert_no_leak(&server, "administration", |conn| drop(send_all(conn, &commands)));
}

/// The resident memory of the process in bytes, which includes memory of other allocators.
fn resident(conn: &mut Connection) -> i64 {
    let status = fs::read_to_string(format!("/proc/{}/status", info_number(conn, "process_id"))).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<i64>().unwrap() * 1024
}

#[test]
fn crypto_threads_leak_no_memory() {
    let keys = json!({"keys": [elliptic_jwk(), jwk("quick", "HS256", SECRET.as_bytes())]}).to_string();
    let server = server().keys(keys.as_bytes()).start();
    let conn = &mut server.conn();
    let forged = sign(&json!({"alg": "ES256", "kid": "slow"}), &json!({"jti": "a"}), SECRET.as_bytes());
    let bad: Vec<Cmd> = ["JRS.GET", "JRS.INSPECT", "JRS.DESTROY"].map(|name| command(&[name, &forged])).to_vec();
    assert_no_leak(&server, "crypto threads", |conn| {
        use_sessions(conn, 20);
        send_all(conn, &bad);
    });
    let settled = resident(conn);
    for _ in 0..40 {
        use_sessions(conn, 20);
        send_all(conn, &bad);
    }
    let later = resident(conn);
    // For 10,000 commands: some pages are not a leak, a hundred bytes for each command are.
    assert!(later - settled < 500_000, "{settled} bytes before, {later} after");
}

#[test]
fn unload_and_load_leak_no_memory() {
    let server = server().config("enable-module-command", "yes").arg("allow-unload", "yes").start();
    let module = module_path();
    assert_no_leak(&server, "unloading and loading", |conn| {
        for _ in 0..10 {
            use_sessions(conn, 1);
            // After a list in slices a timer may exist for a millisecond, which refuses the unload.
            await_that("a successful unload", || send::<Value>(conn, &["MODULE", "UNLOAD", "jrs"]).ok());
            exec(conn, &["MODULE", "LOAD", module.to_str().unwrap(), "token-cache-size", "0", "allow-unload", "yes"]);
        }
    });
}

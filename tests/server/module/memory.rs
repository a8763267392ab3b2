//! No command keeps memory: the same again and again, and the server uses no more than before.

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

/// A server that remembers no more than it must: no tokens, no slow commands.
fn server() -> Builder {
    let builder = Server::builder().arg("token-cache-size", "0").config("slowlog-log-slower-than", "-1");
    builder.config("save", "\"\"").config("enable-debug-command", "local")
}

/// A number that INFO tells of.
fn told(conn: &mut Connection, name: &str) -> i64 {
    let info: String = send(conn, &["INFO", "server", "clients", "memory"]).unwrap();
    let number = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    number.unwrap().parse().unwrap()
}

/// Plays the commands, whatever the replies, errors among them.
fn play(conn: &mut Connection, commands: &[Cmd]) -> Vec<Value> {
    let mut replies = Vec::new();
    // Few at a time, so that the buffers of client and server stay small.
    for some in commands.chunks(50) {
        let packed: Vec<u8> = some.iter().flat_map(Cmd::get_packed_command).collect();
        replies.extend(conn.req_packed_commands(&packed, 0, some.len()).expect("the server answers"));
    }
    replies
}

/// Checks that `round`, which does and undoes something some hundred times, leaves nothing behind.
fn assert_keeps_nothing(server: &Server, what: &str, mut round: impl FnMut(&mut Connection)) {
    let watch = &mut server.conn();
    // The server shrinks and widens the buffer of a client's replies, by up to 16 kB, as it sees fit.
    exec(watch, &["DEBUG", "REPLYBUFFER", "RESIZING", "0"]);
    let clients = told(watch, "connected_clients");
    let mut used_after_a_round = || {
        // A client's own buffers, which differ by 17 kB from one moment to another, go with it.
        round(&mut server.conn());
        await_that("the end of the client", || (told(watch, "connected_clients") == clients).then_some(()));
        told(watch, "used_memory")
    };
    // The first rounds fill tables and buffers of the server.
    let used: Vec<i64> = (0..25).map(|_| used_after_a_round()).skip(4).collect();
    // What a module does may make the server keep up to eight clients of 17 kB for next time, at any moment: so it is not
    // the sum that counts, but what is usual.
    let mut left: Vec<i64> = used.windows(2).map(|pair| pair[1] - pair[0]).collect();
    left.sort_unstable();
    assert!(left[left.len() / 2] < 50, "{what}: rounds leave {left:?} bytes behind");
}

fn command(words: &[&str]) -> Cmd {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command
}

/// The whole life of a session, in each way to say it.
fn live(conn: &mut Connection, times: usize) {
    for _ in 0..times {
        let token = create(conn, "ada", r#"{"n":1}"#, &["CLAIMS", r#"{"role":"admin"}"#, "EX", "500"]);
        let key = key(&token);
        let life = [
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
        let replies = play(conn, &life);
        assert_eq!(replies[11..14], [Value::Int(0), Value::Int(1), Value::Nil], "{replies:?}");
        let token = create(conn, "ada", r#"{"n":1}"#, &[]);
        let rotated = play(conn, &[command(&["JRS.ROTATE", &token, "OWNER", "bob", "CLAIMS", r#"{"a":1}"#, "REAUTH"])]);
        assert!(matches!(rotated[0], Value::BulkString(_)), "{rotated:?}");
        assert_eq!(play(conn, &[command(&["JRS.DESTROYALL", "bob"])]), [Value::Int(1)]);
    }
}

#[test]
fn good_use() {
    let server = server().start();
    assert_keeps_nothing(&server, "lives of sessions", |conn| live(conn, 30));
}

#[test]
fn commands_that_make_no_sense() {
    let server = server().start();
    let conn = &mut server.conn();
    let tokens = (0..10).map(|_| create(conn, "ada", "{}", &[])).map(|token| (key(&token), token));
    let supplies = Supplies { tokens: tokens.collect(), owners: vec!["ada".to_owned()] };
    let mut runner = TestRunner::deterministic();
    let strategy = random_commands::commands(&supplies);
    let storm: Vec<Cmd> = (0..400)
        .map(|_| {
            let random = strategy.new_tree(&mut runner).unwrap().current();
            redis::cmd(&random.name).arg(random.arguments).clone()
        })
        .collect();
    assert_keeps_nothing(&server, "random commands", |conn| {
        for (key, _) in &supplies.tokens {
            exec(conn, &["SET", key, "{}", "EX", "10000"]);
        }
        play(conn, &storm);
        exec(conn, &["FLUSHALL", "SYNC"]);
    });
}

#[test]
fn transactions_and_scripts() {
    let server = server().start();
    let conn = &mut server.conn();
    let script = "local token = redis.call('JRS.CREATE', 'ada', '{}')
        for _, name in ipairs({'GET', 'PEEK', 'TOUCH', 'INSPECT', 'DESTROY', 'GET'}) do
            redis.pcall('JRS.' .. name, token)
            redis.pcall('JRS.' .. name, ARGV[1])
        end
        return 'done'";
    assert_keeps_nothing(&server, "scripts", |conn| {
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
    assert_keeps_nothing(&server, "transactions", |conn| drop(play(conn, &transactions)));
}

#[test]
fn administration() {
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
    assert_keeps_nothing(&server, "administration", |conn| drop(play(conn, &commands)));
}

/// The memory of the process, in bytes: also what does not come from the server's own allocator.
fn resident(conn: &mut Connection) -> i64 {
    let status = fs::read_to_string(format!("/proc/{}/status", told(conn, "process_id"))).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<i64>().unwrap() * 1024
}

#[test]
fn crypto_threads() {
    let keys = json!({"keys": [elliptic_jwk(), jwk("quick", "HS256", SECRET.as_bytes())]}).to_string();
    let server = server().keys(keys.as_bytes()).start();
    let conn = &mut server.conn();
    let forged = sign(&json!({"alg": "ES256", "kid": "slow"}), &json!({"jti": "a"}), SECRET.as_bytes());
    let bad: Vec<Cmd> = ["JRS.GET", "JRS.INSPECT", "JRS.DESTROY"].map(|name| command(&[name, &forged])).to_vec();
    assert_keeps_nothing(&server, "crypto threads", |conn| {
        live(conn, 20);
        play(conn, &bad);
    });
    let settled = resident(conn);
    for _ in 0..40 {
        live(conn, 20);
        play(conn, &bad);
    }
    let later = resident(conn);
    // 10,000 commands; a page more or less is no leak, a hundred bytes for each of them are.
    assert!(later - settled < 500_000, "{settled} bytes became {later}");
}

#[test]
fn the_module_itself() {
    let server = server().config("enable-module-command", "yes").arg("allow-unload", "yes").start();
    let module = module_path();
    assert_keeps_nothing(&server, "unloading and loading", |conn| {
        for _ in 0..10 {
            live(conn, 1);
            // A list that took its time leaves a timer for a millisecond.
            await_that("the unloading", || send::<Value>(conn, &["MODULE", "UNLOAD", "jrs"]).ok());
            exec(conn, &["MODULE", "LOAD", module.to_str().unwrap(), "token-cache-size", "0", "allow-unload", "yes"]);
        }
    });
}

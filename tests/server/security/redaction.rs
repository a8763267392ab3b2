//! SLOWLOG, MONITOR, INFO, CONFIG GET and the log show no token and no secret.

use std::fs;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Server,
    cases::cases,
    in_flight::rs256,
    sessions::{create, exec, now, send},
    tokens::{self, SECRET, elliptic_jwk, jwk, key, token},
};

/// The lines of MONITOR for the commands that `act` sends.
pub(super) fn monitored(server: &Server, act: impl FnOnce(&mut Connection)) -> Vec<String> {
    let (mut monitor, mut conn) = (server.conn(), server.conn());
    exec(&mut monitor, &["MONITOR"]);
    act(&mut conn);
    exec(&mut conn, &["ECHO", "end of the commands"]);
    let mut lines = Vec::new();
    loop {
        let Value::SimpleString(line) = monitor.recv_response().unwrap() else { panic!("MONITOR sends lines") };
        if line.contains("end of the commands") {
            return lines;
        }
        lines.push(line);
    }
}

/// The commands in SLOWLOG, oldest first, each as one text.
pub(super) fn slow_log(conn: &mut Connection) -> Vec<String> {
    let entries: Vec<Vec<Value>> = send(conn, &["SLOWLOG", "GET", "-1"]).unwrap();
    let words = |entry: &Vec<Value>| redis::from_redis_value_ref::<Vec<String>>(&entry[3]).unwrap().join(" ");
    entries.iter().rev().map(words).collect()
}

/// A server that writes each command to SLOWLOG.
pub(super) fn slow_server(keys: &str) -> Server {
    let builder = Server::builder().keys(keys.as_bytes());
    builder.config("slowlog-log-slower-than", "0").config("slowlog-max-len", "10000").start()
}

/// Sends the commands and checks that SLOWLOG and MONITOR show each of them, with `(redacted)` and without the token.
/// Commands may be refused, but only by the module.
fn assert_redacted(server: &Server, conn: &mut Connection, commands: &[Vec<&str>], hidden: &[&str]) {
    exec(conn, &["SLOWLOG", "RESET"]);
    let lines = monitored(server, |other| {
        for words in commands {
            let _: redis::RedisResult<Value> = send(other, words);
        }
    });
    let is_of_module = |line: &&String| line.to_lowercase().contains("jrs.");
    for (source, lines) in [("MONITOR", lines), ("SLOWLOG", slow_log(conn))] {
        let lines: Vec<&String> = lines.iter().filter(is_of_module).collect();
        assert_eq!(lines.len(), commands.len(), "{source} shows each command: {lines:?}");
        for (line, words) in lines.iter().zip(commands) {
            assert!(line.contains("(redacted)"), "{source} shows {words:?} as {line}");
            assert!(hidden.iter().all(|token| !line.contains(token)), "{source} shows {words:?} as {line}");
        }
    }
}

/// The commands with a token, and the arguments after the token.
const COMMANDS: [&[&str]; 16] = [
    &["JRS.GET"],
    &["jrs.get"],
    &["JRS.PEEK"],
    &["JRS.INSPECT"],
    &["JRS.UPDATE", "{}"],
    &["JRS.UPDATE", "{}", "KEEPTTL"],
    &["JRS.UPDATE", "{}", "REPLACE", "EX", "100"],
    &["JRS.UPDATE", "{}", "MERGE"],
    &["JRS.UPDATE", "[]", "PATCH", "IFMATCH", "1349cde127705c16"],
    &["JRS.TOUCH"],
    &["JRS.TOUCH", "PX", "100000"],
    &["JRS.MINT"],
    &["JRS.MINT", "EX", "60", "AUDIENCE", "shop", "CLAIMS", r#"{"iss":"login"}"#],
    &["JRS.ROTATE"],
    &["JRS.ROTATE", "CLAIMS", "{}", "OWNER", "bob", "REAUTH"],
    &["JRS.DESTROY"],
];

/// DESTROYALL with an EXCEPT token, valid and invalid forms.
fn with_except(token: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["JRS.DESTROYALL", "ada", "EXCEPT", token],
        vec!["jrs.destroyall", "ada", "realm", "default", "except", token],
        vec!["JRS.DESTROYALL", "ada", "EXCEPT", token, "REALM", "default"],
        vec!["JRS.DESTROYALL", "bob", "EXCEPT", token],
        vec!["JRS.DESTROYALL", "{", "EXCEPT", token],
        vec!["JRS.DESTROYALL", "ada", "EXCEPT", token, "REALM", "nowhere"],
        vec!["JRS.DESTROYALL", "ada", "EXCEPT", token, "EXCEPT", token],
        vec!["JRS.DESTROYALL", "ada", token],
        vec!["JRS.DESTROYALL", "ada", "NONSENSE", "EXCEPT", token],
        vec!["JRS.DESTROYALL", "ada", "EXCEPT", "EXCEPT", token],
        vec!["JRS.DESTROYALL", "ada", "REALM", token],
        vec!["JRS.DESTROYALL", "ada", "EXCEPT", token, "NONSENSE"],
    ]
}

/// Each of the commands, without the key and with it before the token.
fn with_and_without_key<'w>(commands: &[&[&'w str]], key: &'w str, token: &'w str) -> Vec<Vec<&'w str>> {
    let insert = |words: &[&'w str], arguments: &[&'w str]| [&words[..1], arguments, &words[1..]].concat();
    commands.iter().flat_map(|words| [insert(words, &[token]), insert(words, &[key, token])]).collect()
}

#[test]
fn tokens_of_successful_commands_are_redacted() {
    for keys in cases([("HS256", SECRET.to_owned()), ("ES256", elliptic_jwk().to_string()), ("RS256", rs256())]) {
        let server = slow_server(&keys);
        let conn = &mut server.conn();
        // Without a token cache ES256 and RS256 commands wait for a crypto thread.
        exec(conn, &["CONFIG", "SET", "jrs.token-cache-size", "0"]);
        let token = create(conn, "ada", "{}", &[]);
        assert_redacted(&server, conn, &with_and_without_key(&COMMANDS, &key(&token), &token), &[&token]);
        let token = create(conn, "ada", "{}", &[]);
        assert_redacted(&server, conn, &with_except(&token), &[&token]);
        if keys == SECRET {
            continue;
        }
        // A misplaced token in a command that waits for a crypto thread.
        let data = format!(r#"{{"token":"{token}"}}"#);
        let creates = [vec!["JRS.CREATE", "ada", &data], vec!["JRS.CREATE", &token, "{}"]];
        assert_redacted(&server, conn, &creates, &[&token]);
    }
}

#[test]
fn tokens_of_refused_commands_are_redacted() {
    let server = slow_server(SECRET);
    let conn = &mut server.conn();
    let live = create(conn, "ada", "{}", &[]);
    let forged = format!("{}x{}", &live[..live.len() - 5], &live[live.len() - 4..]);
    let expired = token(&json!({"jti": "a", "exp": now() - 10}));
    let (long, key) = (format!("ey{}", "x".repeat(9000)), key(&live));
    for token in cases([
        ("valid", &live),
        ("forged", &forged),
        ("expired", &expired),
        ("too long", &long),
        ("malformed", &live.replace('.', "!")),
    ]) {
        let mut commands = with_and_without_key(&COMMANDS, "sess:other", token);
        #[rustfmt::skip]
        commands.extend(with_and_without_key(&[
            &["JRS.GET", "too", "many"], &["JRS.PEEK", "too-many"], &["JRS.INSPECT", "too-many"],
            &["JRS.DESTROY", "too-many"], &["JRS.TOUCH", "EX"], &["JRS.TOUCH", "EX", "0"], &["JRS.TOUCH", "NONSENSE"],
            &["JRS.TOUCH", "EX", "1", "PX", "1"], &["JRS.UPDATE", "no JSON"], &["JRS.UPDATE", "{}", "NONSENSE"],
            &["JRS.UPDATE", "{}", "KEEPTTL", "KEEPTTL"], &["JRS.UPDATE", "{}", "EX"],
            &["JRS.UPDATE", "{}", "PATCH"], &["JRS.UPDATE", "{}", "MERGE", "PATCH"], &["JRS.UPDATE", "{}", "IFMATCH"],
            &["JRS.ROTATE", "too-many"], &["JRS.ROTATE", "CLAIMS"], &["JRS.ROTATE", "CLAIMS", "[]"],
            &["JRS.ROTATE", "OWNER", "{"], &["JRS.ROTATE", "REAUTH", "REAUTH"],
            &["JRS.MINT", "too-many"], &["JRS.MINT", "CLAIMS", "[]"], &["JRS.MINT", "EX", "3601"],
        ], &key, token));
        commands.extend(with_except(token));
        assert_redacted(&server, conn, &commands, &[token]);
    }
}

#[test]
fn the_token_of_an_update_without_data_is_redacted() {
    let server = slow_server(SECRET);
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    assert_redacted(&server, conn, &[vec!["JRS.UPDATE", &key(&token), &token]], &[&token]);
}

#[test]
fn tokens_in_transactions_and_of_refused_users_are_redacted() {
    let server = slow_server(SECRET);
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    exec(conn, &["ACL", "SETUSER", "limited", "on", "nopass", "+@all", "~other:*"]);
    for user in ["default", "limited"] {
        exec(conn, &["SLOWLOG", "RESET"]);
        let commands = [with_and_without_key(&COMMANDS, &key, &token), with_except(&token)].concat();
        let lines = monitored(&server, |other| {
            if user == "limited" {
                exec(other, &["AUTH", "limited", "x"]);
            }
            exec(other, &["MULTI"]);
            for words in &commands {
                exec(other, words);
            }
            let _: redis::RedisResult<Value> = send(other, &["EXEC"]);
        });
        for (source, lines) in [("MONITOR", lines), ("SLOWLOG", slow_log(conn))] {
            let shown = lines.iter().filter(|line| line.to_lowercase().contains("jrs."));
            assert_eq!(shown.count(), commands.len(), "{user}: {source}: {lines:?}");
            assert!(lines.iter().all(|line| !line.contains(&token)), "{user}: {source}: {lines:?}");
        }
    }
}

#[test]
fn secrets_are_never_shown() {
    let (key_set, k) =
        (json!({"keys": [jwk("k1", "HS512", SECRET.as_bytes())]}), BASE64_URL_SAFE_NO_PAD.encode(SECRET));
    for (file, algorithm) in [(SECRET.to_owned(), "HS256"), (key_set.to_string(), "HS512")] {
        let server = slow_server(SECRET);
        let conn = &mut server.conn();
        let path = server.dir().join("secret");
        let mut seen = monitored(&server, |other| {
            fs::write(&path, &file).unwrap();
            exec(other, &["CONFIG", "SET", "jrs.keys-file", path.to_str().unwrap()]);
            let token = create(other, "ada", "{}", &[]);
            assert_eq!(tokens::header(&token)["alg"], algorithm);
            exec(other, &["JRS.INSPECT", &token]);
            // A broken file that contains the secret.
            fs::write(&path, format!("{{{file}")).unwrap();
            for words in [&["JRS.RELOAD"][..], &["CONFIG", "SET", "jrs.algorithm", "HS384"]] {
                let error = send::<Value>(other, words).expect_err("a refusal").to_string();
                assert!(!error.contains(SECRET) && !error.contains(&k), "{error}");
            }
        });
        seen.extend(slow_log(conn));
        for words in [&["CONFIG", "GET", "*"][..], &["INFO", "everything"], &["INFO", "jrs"], &["ACL", "LOG"]] {
            seen.push(format!("{:?}", send::<Value>(conn, words).unwrap()));
        }
        seen.push(server.log());
        assert!(seen.iter().any(|text| text.contains("secret")), "the name of the file is shown");
        assert!(seen.iter().all(|text| !text.contains(SECRET) && !text.contains(&k)), "{seen:?}");
    }
}

//! Thousands of random commands: the server survives, its replies are right, and the keys agree with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread::{self, JoinHandle},
};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use redis::{Connection, ErrorKind, RedisError, Value};
use serde_json::json;

use crate::support::{
    Server,
    owner_sessions::{assert_index_agrees, ids},
    random_commands::{self, Command, Supplies},
    sessions::{contents, create, exec, get, send},
    tokens::{SECRET, elliptic_jwk, jwk, key},
};

/// The first words of errors that may occur here.
const WORDS: [&str; 7] = ["ERR", "BADTOKEN", "WRONGKEY", "BADDATA", "TOOBIG", "WRONGTYPE", "CONFLICT"];

/// Sessions for the commands. One is deleted, one key holds a list, and two hold invalid data.
fn supplies(conn: &mut Connection) -> Supplies {
    let mut supplies = Supplies::default();
    for number in 0..12 {
        // Each owner has a second session, which only commands on all sessions of an owner can reach.
        let owner = format!("owner {number}");
        let (token, _) = (create(conn, &owner, r#"{"a":[1,2,3]}"#, &[]), create(conn, &owner, "{}", &[]));
        let key = key(&token);
        supplies.owners.push(owner);
        match number {
            8 => exec(conn, &["DEL", &key]),
            9 => {
                exec(conn, &["DEL", &key]);
                exec(conn, &["RPUSH", &key, "a", "b"]);
            }
            10 => exec(conn, &["SET", &key, "no JSON"]),
            11 => exec(conn, &["SET", &key, ""]),
            _ => {}
        }
        supplies.tokens.push((key, token));
    }
    supplies.owners.push("zo\u{eb}".to_owned());
    supplies
}

/// All keys: those of sessions and those that hold something else.
fn all_keys(conn: &mut Connection) -> BTreeSet<String> {
    contents(conn).into_keys().collect()
}

/// Checks that the index agrees with the keyspace, and that the lists of all owners have exactly the session keys. Keys that
/// this test writes itself may be missing.
fn assert_lists_agree(conn: &mut Connection, written: &BTreeSet<String>) {
    assert_index_agrees(conn);
    let owned: BTreeSet<String> = all_keys(conn).into_iter().filter(|key| key.contains("}:")).collect();
    let owners: BTreeSet<&str> =
        owned.iter().filter_map(|key| key.strip_prefix("sess:{")?.split_once("}:")).map(|(owner, _)| owner).collect();
    let listed: BTreeSet<String> =
        owners.into_iter().flat_map(|owner| ids(conn, owner)).map(|id| format!("sess:{id}")).collect();
    let differ: Vec<_> = owned.symmetric_difference(&listed).filter(|key| !written.contains(*key)).collect();
    assert!(differ.is_empty() && !listed.is_empty(), "{differ:?}");
}

/// The first word of an error. The error must be a line of ASCII with a known first word, and must not repeat an argument.
fn word_of(error: &RedisError, command: &Command) -> String {
    assert_ne!(error.kind(), ErrorKind::Io, "{command:?}: {error}");
    let word = error.code().unwrap_or_else(|| panic!("{command:?}: {error}"));
    let detail = error.detail().unwrap_or_default();
    assert!(WORDS.contains(&word), "{command:?}: {error}");
    assert!(detail.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{command:?}: {error}");
    for argument in command.arguments.iter().filter(|argument| argument.len() > 12) {
        assert!(!detail.as_bytes().windows(argument.len()).any(|part| part == argument), "{command:?}: {error}");
    }
    word.to_owned()
}

/// Reads MONITOR until the commands end. Returns the lines that show the payload and signature of a token.
fn watch_monitor(server: &Server, supplies: &Supplies) -> JoinHandle<Vec<String>> {
    let mut monitor = server.conn();
    exec(&mut monitor, &["MONITOR"]);
    let hidden: Vec<String> =
        supplies.tokens.iter().map(|(_, token)| token.split_once('.').unwrap().1.to_owned()).collect();
    thread::spawn(move || {
        let mut shown = Vec::new();
        loop {
            let Value::SimpleString(line) = monitor.recv_response().unwrap() else { panic!("MONITOR sends lines") };
            if line.contains("end of the commands") {
                return shown;
            }
            if hidden.iter().any(|token| line.contains(token)) {
                shown.push(line);
            }
        }
    })
}

/// Sends random commands and checks each reply. Returns the kinds of replies of each command.
fn send_random_commands(server: &mut Server, commands: usize) -> BTreeMap<String, BTreeSet<String>> {
    let conn = &mut server.conn();
    let untouched = create(conn, "no command uses this token", r#"{"plain":true}"#, &[]);
    let supplies = supplies(conn);
    let before = contents(conn)[&key(&untouched)].clone();
    let written: BTreeSet<String> = supplies.tokens.iter().map(|(key, _)| key.clone()).collect();
    let count = |conn: &mut Connection| i64::try_from(all_keys(conn).len()).unwrap();
    let mut keys = count(conn);
    let shown = watch_monitor(server, &supplies);
    let mut replies = BTreeMap::<_, BTreeSet<_>>::new();
    // The same random numbers in each run, so that a failure can be repeated.
    let (mut runner, strategy) = (TestRunner::deterministic(), random_commands::commands(&supplies));
    for number in 0..commands {
        // Stores destroyed sessions again, so that commands always have sessions to act on.
        for (key, _) in supplies.tokens[..8].iter().filter(|_| number % 200 == 0) {
            keys += i64::from(send::<Option<String>>(conn, &["SET", key, r#"{"a":[1,2,3]}"#, "NX"]).unwrap().is_some());
        }
        let command = strategy.new_tree(&mut runner).unwrap().current();
        let reply = redis::cmd(&command.name).arg(&command.arguments).query::<Value>(conn);
        let reply = match reply {
            Ok(Value::BulkString(_)) if command.is("CREATE") => {
                keys += 1;
                "a token".to_owned()
            }
            Ok(Value::Int(gone)) if ["DESTROY", "REVOKE", "DESTROYALL"].iter().any(|name| command.is(name)) => {
                keys -= gone;
                gone.min(1).to_string()
            }
            Ok(Value::BulkString(_)) if command.is("ROTATE") => "a token".to_owned(),
            Ok(Value::Array(sessions)) if command.is("LIST") => {
                if sessions.is_empty() { "none" } else { "something" }.to_owned()
            }
            Ok(Value::Nil) => "null".to_owned(),
            Ok(_) => "something".to_owned(),
            Err(error) => word_of(&error, &command),
        };
        let is_one_token =
            command.arguments.len() == 1 || (command.arguments.len() == 2 && !command.begins_with_token());
        assert!(!command.is("INSPECT") || !is_one_token || reply == "something", "{command:?}: {reply}");
        replies.entry(command.name.to_uppercase()).or_default().insert(reply);
    }
    exec(conn, &["ECHO", "end of the commands"]);
    assert_eq!(shown.join().unwrap(), [""; 0], "MONITOR shows tokens");
    assert!(server.alive());
    assert_eq!(count(conn), keys);
    assert_lists_agree(conn, &written);
    assert_eq!(contents(conn)[&key(&untouched)], before);
    assert_eq!(get(conn, &untouched).unwrap().data, r#"{"plain":true}"#);
    replies
}

/// Checks that each command got each of these replies.
fn assert_has_each_reply(replies: &BTreeMap<String, BTreeSet<String>>) {
    let expected = [
        ("JRS.CREATE", &["a token", "ERR", "BADDATA"][..]),
        ("JRS.GET", &["something", "null", "ERR", "BADTOKEN", "WRONGKEY", "WRONGTYPE"]),
        ("JRS.PEEK", &["something", "null", "ERR", "BADTOKEN", "WRONGKEY", "WRONGTYPE"]),
        ("JRS.UPDATE", &["something", "null", "ERR", "BADTOKEN", "WRONGKEY", "BADDATA", "CONFLICT", "WRONGTYPE"]),
        ("JRS.TOUCH", &["something", "null", "ERR", "BADTOKEN", "WRONGKEY", "WRONGTYPE"]),
        ("JRS.DESTROY", &["1", "0", "ERR", "BADTOKEN", "WRONGKEY", "WRONGTYPE"]),
        ("JRS.ROTATE", &["a token", "null", "ERR", "BADTOKEN", "WRONGKEY", "BADDATA", "WRONGTYPE"]),
        // The server has no issuer.
        ("JRS.MINT", &["ERR", "BADTOKEN", "WRONGKEY", "BADDATA"]),
        ("JRS.LIST", &["something", "none", "ERR"]),
        ("JRS.REVOKE", &["1", "0", "ERR", "WRONGKEY", "WRONGTYPE"]),
        ("JRS.DESTROYALL", &["1", "0", "ERR", "BADTOKEN"]),
        ("JRS.INSPECT", &["something", "ERR"]),
    ];
    for (name, expected) in expected {
        for reply in expected {
            assert!(replies[name].contains(*reply), "{name} never replied {reply}: {:?}", replies[name]);
        }
    }
}

#[test]
fn random_commands_with_a_secret() {
    let mut server = Server::builder().keys(SECRET.as_bytes()).start();
    assert_has_each_reply(&send_random_commands(&mut server, 16000));
}

#[test]
fn random_commands_with_crypto_threads() {
    let keys = json!({"keys": [elliptic_jwk(), jwk("quick", "HS256", SECRET.as_bytes())]});
    let mut server = Server::builder().keys(keys.to_string().as_bytes()).arg("token-cache-size", "0").start();
    assert_has_each_reply(&send_random_commands(&mut server, 14000));
}

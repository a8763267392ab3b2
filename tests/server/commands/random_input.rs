//! A storm of commands that make no sense: the server survives it, does what it says, and keeps nothing.

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

/// All that a refusal may begin with here: the contract's words, as far as this server has reason to use them.
const WORDS: [&str; 7] = ["ERR", "BADTOKEN", "WRONGKEY", "BADDATA", "TOOBIG", "WRONGTYPE", "CONFLICT"];

/// Sessions to act on; one is gone, one key holds a list, and two hold what is no session data.
fn supplies(conn: &mut Connection) -> Supplies {
    let mut supplies = Supplies::default();
    for number in 0..12 {
        // Each has a second session, which no command but those on all sessions of an owner can reach.
        let owner = format!("owner {number}");
        let (token, _) = (create(conn, &owner, r#"{"a":[1,2,3]}"#, &[]), create(conn, &owner, "{}", &[]));
        let key = key(&token);
        supplies.owners.push(owner);
        match number {
            8 => send(conn, &["DEL", &key]).unwrap(),
            9 => {
                exec(conn, &["DEL", &key]);
                send(conn, &["RPUSH", &key, "a", "b"]).unwrap()
            }
            10 => send(conn, &["SET", &key, "no JSON"]).unwrap(),
            11 => send(conn, &["SET", &key, ""]).unwrap(),
            _ => {}
        }
        supplies.tokens.push((key, token));
    }
    supplies.owners.push("zo\u{eb}".to_owned());
    supplies
}

/// The keys that hold sessions, or something else in their place: all keys.
fn session_keys(conn: &mut Connection) -> BTreeSet<String> {
    contents(conn).into_keys().collect()
}

/// Checks that the index is what the keyspace is, and that each owner's list names the owner's sessions, and besides them none
/// but those that a plain command has replaced.
fn assert_lists_agree(conn: &mut Connection, replaced: &BTreeSet<String>) {
    assert_index_agrees(conn);
    let owned: BTreeSet<String> = session_keys(conn).into_iter().filter(|key| key.contains("}:")).collect();
    let owners: BTreeSet<&str> =
        owned.iter().filter_map(|key| key.strip_prefix("sess:{")?.split_once("}:")).map(|(owner, _)| owner).collect();
    let listed: BTreeSet<String> =
        owners.into_iter().flat_map(|owner| ids(conn, owner)).map(|id| format!("sess:{id}")).collect();
    let differ: Vec<_> = owned.symmetric_difference(&listed).filter(|key| !replaced.contains(*key)).collect();
    assert!(differ.is_empty() && !listed.is_empty(), "{differ:?}");
}

/// What a command that failed was refused with: words of the contract in one line of ASCII, which repeats no argument.
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

/// Reads MONITOR until the end of a storm: the lines that show what is signed of a token, and its signature.
fn watch(server: &Server, supplies: &Supplies) -> JoinHandle<Vec<String>> {
    let mut monitor = server.conn();
    exec(&mut monitor, &["MONITOR"]);
    let hidden: Vec<String> =
        supplies.tokens.iter().map(|(_, token)| token.split_once('.').unwrap().1.to_owned()).collect();
    thread::spawn(move || {
        let mut shown = Vec::new();
        loop {
            let Value::SimpleString(line) = monitor.recv_response().unwrap() else { panic!("MONITOR sends lines") };
            if line.contains("the end of the storm") {
                return shown;
            }
            if hidden.iter().any(|token| line.contains(token)) {
                shown.push(line);
            }
        }
    })
}

/// Sends thousands of random commands and checks each reply; says which replies there were to which command.
fn storm(server: &mut Server, commands: usize) -> BTreeMap<String, BTreeSet<String>> {
    let conn = &mut server.conn();
    let untouched = create(conn, "nobody sends this token", r#"{"plain":true}"#, &[]);
    let supplies = supplies(conn);
    let before = contents(conn)[&key(&untouched)].clone();
    let by_hand: BTreeSet<String> = supplies.tokens.iter().map(|(key, _)| key.clone()).collect();
    let count = |conn: &mut Connection| i64::try_from(session_keys(conn).len()).unwrap();
    let mut keys = count(conn);
    let shown = watch(server, &supplies);
    let mut replies = BTreeMap::<_, BTreeSet<_>>::new();
    // Always the same numbers: a failure comes again.
    let (mut runner, strategy) = (TestRunner::deterministic(), random_commands::commands(&supplies));
    for number in 0..commands {
        // Those that the storm has ended are there again, by hand, so that there is always something to act on.
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
    exec(conn, &["ECHO", "the end of the storm"]);
    assert_eq!(shown.join().unwrap(), [""; 0], "MONITOR shows tokens");
    assert!(server.alive());
    assert_eq!(count(conn), keys);
    assert_lists_agree(conn, &by_hand);
    assert_eq!(contents(conn)[&key(&untouched)], before);
    assert_eq!(get(conn, &untouched).unwrap().data, r#"{"plain":true}"#);
    replies
}

/// Checks that the storm was one: that it came as far as each of these replies.
fn assert_reached(replies: &BTreeMap<String, BTreeSet<String>>) {
    let expected = [
        ("JRS.CREATE", &["a token", "ERR", "BADDATA"][..]),
        ("JRS.GET", &["something", "null", "ERR", "BADTOKEN", "WRONGKEY", "WRONGTYPE"]),
        ("JRS.PEEK", &["something", "null", "ERR", "BADTOKEN", "WRONGKEY", "WRONGTYPE"]),
        ("JRS.UPDATE", &["something", "null", "ERR", "BADTOKEN", "WRONGKEY", "BADDATA", "CONFLICT", "WRONGTYPE"]),
        ("JRS.TOUCH", &["something", "null", "ERR", "BADTOKEN", "WRONGKEY", "WRONGTYPE"]),
        ("JRS.DESTROY", &["1", "0", "ERR", "BADTOKEN", "WRONGKEY", "WRONGTYPE"]),
        ("JRS.ROTATE", &["a token", "null", "ERR", "BADTOKEN", "WRONGKEY", "BADDATA", "WRONGTYPE"]),
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
fn a_storm_of_random_commands() {
    let mut server = Server::builder().keys(SECRET.as_bytes()).start();
    assert_reached(&storm(&mut server, 16000));
}

#[test]
fn a_storm_that_the_crypto_threads_weather() {
    let keys = json!({"keys": [elliptic_jwk(), jwk("quick", "HS256", SECRET.as_bytes())]});
    let mut server = Server::builder().keys(keys.to_string().as_bytes()).arg("token-cache-size", "0").start();
    assert_reached(&storm(&mut server, 10000));
}

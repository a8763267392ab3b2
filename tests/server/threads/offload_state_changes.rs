//! Data, memory, permissions or keys change while commands wait: the module checks all of them again.

use std::fs;

use redis::{Connection, Value};

use super::race::{CREATES, ROUNDS, race, split};
use crate::support::{
    in_flight::{
        self, Batch, OWNERS, assert_sound, create_commands, created, openssl_key, outcomes, sessions_of, slow,
        token_commands, words,
    },
    sessions::{assert_indexed, contents, create, exec, get, refusal},
    tokens::{header, key},
};

fn set(conn: &mut Connection, name: &str, value: &str) {
    exec(conn, &["CONFIG", "SET", name, value]);
}

#[test]
fn flushed_sessions_are_not_restored() {
    let mut server = slow().start();
    for _ in 0..ROUNDS {
        let (tokens, mut waiting) = race(&server, &["FLUSHALL"]);
        let replies = waiting.replies();
        let (creates, others) = split(&replies);
        let expected = [Value::Nil, Value::Nil, Value::Nil, Value::Nil, Value::Int(0), Value::Nil];
        for ((reply, expected), command) in others.iter().zip(expected).zip(OWNERS) {
            assert_eq!(*reply.as_ref().unwrap(), expected, "{command}");
        }
        let conn = &mut server.conn();
        let alive: Vec<_> =
            created(creates).into_iter().filter(|token| get(conn, token).is_some()).map(|token| key(&token)).collect();
        assert!(tokens.iter().all(|token| get(conn, token).is_none()));
        assert_indexed(conn, "in-flight", &alive);
        assert_eq!(contents(conn).len(), alive.len(), "only sessions created after FLUSHALL exist");
        assert_sound(&mut server);
    }
}

#[test]
fn deleted_and_replaced_sessions_are_not_restored() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for _ in 0..ROUNDS {
        let [update, touch] = in_flight::tokens(conn, ["update", "touch"]);
        let commands = [words(&["JRS.UPDATE", &update, "{}"]), words(&["JRS.TOUCH", &touch])];
        let change = ["DEL", &key(&update), &key(&touch)];
        let (mut waiting, changed) =
            Batch::creates(&server, CREATES).and(&commands).meanwhile_verifying(conn, 2, &change);
        assert_eq!(changed.unwrap(), Value::Int(2));
        exec(conn, &["LPUSH", &key(&touch), "a list"]);
        let replies = waiting.replies();
        assert_eq!(*replies[CREATES].as_ref().unwrap(), Value::Nil);
        assert_eq!(outcomes(&replies)[CREATES + 1], "WRONGTYPE");
        assert!(sessions_of(conn, "update").is_empty());
        exec(conn, &["FLUSHALL"]);
        assert_sound(&mut server);
    }
}

#[test]
fn nothing_is_written_while_writes_are_paused() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for _ in 0..ROUNDS {
        let (tokens, mut waiting) = race(&server, &["CLIENT", "PAUSE", "600000", "WRITE"]);
        let before = contents(conn);
        let replies = waiting.replies();
        let outcomes = outcomes(&replies);
        let (creates, others) = split(&outcomes);
        assert_eq!(others, ["ok", "ok", "TRYAGAIN", "TRYAGAIN", "TRYAGAIN", "TRYAGAIN"]);
        assert!(creates.iter().all(|outcome| ["ok", "TRYAGAIN"].contains(outcome)), "{creates:?}");
        assert!(creates.contains(&"TRYAGAIN"));
        assert_eq!(contents(conn), before, "written while paused");
        assert_sound(&mut server);
        exec(conn, &["CLIENT", "UNPAUSE"]);
        assert_eq!(created(&replies[..CREATES]).len(), sessions_of(conn, "in-flight").len());
        assert!(tokens.iter().all(|token| get(conn, token).is_some()));
        exec(conn, &["FLUSHALL"]);
    }
    // A pause of all commands ends only by its timeout. Commands after it in the queue may then run.
    let (_, mut waiting) = race(&server, &["CLIENT", "PAUSE", "500", "ALL"]);
    let replies = waiting.replies();
    let others = split(&outcomes(&replies)).1.to_vec();
    assert!(others[..2] == ["ok"; 2] && others.iter().all(|word| ["ok", "TRYAGAIN"].contains(word)), "{others:?}");
    assert_sound(&mut server);
}

#[test]
fn commands_that_need_memory_are_refused_when_it_is_full() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for _ in 0..ROUNDS {
        let (tokens, mut waiting) = race(&server, &["CONFIG", "SET", "maxmemory", "1"]);
        let replies = waiting.replies();
        let outcomes = outcomes(&replies);
        let (creates, others) = split(&outcomes);
        assert_eq!(others, ["ok", "ok", "OOM", "ok", "ok", "OOM"]);
        assert!(creates.contains(&"OOM") && creates.iter().all(|outcome| ["ok", "OOM"].contains(outcome)));
        set(conn, "maxmemory", "0");
        assert_eq!(created(&replies[..CREATES]).len(), sessions_of(conn, "in-flight").len());
        assert_eq!(get(conn, &tokens[2]).expect("a session").data, r#"{"old":1}"#);
        exec(conn, &["FLUSHALL"]);
        assert_sound(&mut server);
    }
}

#[test]
fn commands_that_need_memory_run_if_keys_can_be_evicted() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for _ in 0..ROUNDS {
        let (_, mut waiting) =
            race(&server, &["CONFIG", "SET", "maxmemory-policy", "allkeys-random", "maxmemory", "1"]);
        let replies = waiting.replies();
        assert!(outcomes(&replies).iter().all(|outcome| ["ok", "gone"].contains(outcome)), "{replies:?}");
        exec(conn, &["CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "0"]);
        exec(conn, &["FLUSHALL"]);
        assert_sound(&mut server);
    }
}

#[test]
fn permissions_are_checked_again_after_the_wait() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for change in [&["resetkeys", "~other:*"][..], &["resetkeys"], &["resetkeys", "%R~sess:*"]] {
        exec(conn, &["ACL", "SETUSER", "app", "reset", "on", "nopass", "+@all", "~sess:*"]);
        let tokens = in_flight::tokens(conn, OWNERS);
        let user = || {
            let mut conn = server.conn();
            exec(&mut conn, &["AUTH", "app", "any"]);
            conn
        };
        let commands = [create_commands(CREATES), token_commands(&tokens)].concat();
        let batch = Batch::new(&server).and_on(commands.iter().map(|_| user()).collect(), &commands);
        let command = [&["ACL", "SETUSER", "app"], change].concat();
        let (mut waiting, changed) = batch.meanwhile_verifying(conn, OWNERS.len(), &command);
        changed.unwrap();
        let replies = waiting.replies();
        let outcomes = outcomes(&replies);
        let (creates, others) = split(&outcomes);
        let peek = if change.contains(&"%R~sess:*") { "ok" } else { "NOPERM" };
        assert_eq!(others, ["NOPERM", peek, "NOPERM", "NOPERM", "NOPERM", "NOPERM"], "{change:?}");
        assert!(creates.contains(&"NOPERM"), "{creates:?}");
        assert_eq!(sessions_of(conn, "in-flight").len(), created(&replies[..CREATES]).len());
        assert!(tokens.iter().all(|token| get(conn, token).is_some_and(|session| session.data == r#"{"old":1}"#)));
        exec(conn, &["FLUSHALL"]);
        assert_sound(&mut server);
    }
    // The server ends the connections of a deleted user.
    exec(conn, &["ACL", "SETUSER", "app", "reset", "on", "nopass", "+@all", "~sess:*"]);
    let mut connections: Vec<_> = (0..CREATES).map(|_| server.conn()).collect();
    for connection in &mut connections {
        exec(connection, &["AUTH", "app", "any"]);
    }
    let batch = Batch::new(&server).and_on(connections, &create_commands(CREATES));
    let (mut waiting, changed) = batch.meanwhile(conn, 6, &["ACL", "DELUSER", "app"]);
    changed.unwrap();
    let made = created(&waiting.replies()).len();
    create(conn, "ada", "{}", &[]);
    assert_eq!(sessions_of(conn, "in-flight").len(), made);
    assert_sound(&mut server);
}

#[test]
fn a_key_removed_meanwhile_verifies_and_signs_nothing() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let path = server.dir().join("keys");
    let (old, new) = (fs::read_to_string(&path).unwrap(), openssl_key(&["-algorithm", "ED25519"]));
    for change in [&["JRS.RELOAD"][..], &["CONFIG", "SET", "jrs.keys-file", "other"]] {
        for _ in 0..ROUNDS {
            fs::write(&path, &old).unwrap();
            set(conn, "jrs.keys-file", path.to_str().unwrap());
            exec(conn, &["JRS.RELOAD"]);
            let old_kid = header(&create(conn, "ada", "{}", &[]))["kid"].clone();
            let tokens = in_flight::tokens(conn, OWNERS);
            // Written before the commands start, because a disk may be slower than the signatures.
            fs::write(&path, &new).unwrap();
            fs::write(server.dir().join("other"), &new).unwrap();
            let batch = Batch::creates(&server, CREATES).and(&token_commands(&tokens));
            let (mut waiting, changed) = batch.meanwhile_verifying(conn, OWNERS.len(), change);
            changed.unwrap();
            let replies = waiting.replies();
            assert_eq!(split(&outcomes(&replies)).1, ["BADTOKEN"; OWNERS.len()], "{change:?}");
            let made = created(&replies[..CREATES]);
            assert_eq!(made.len(), CREATES, "{replies:?}");
            let (before, after): (Vec<_>, Vec<_>) = made.iter().partition(|token| header(token)["kid"] == old_kid);
            assert!(!after.is_empty(), "the change ran after all creates");
            assert!(after.iter().all(|token| get(conn, token).is_some()));
            assert!(before.iter().all(|token| refusal(conn, token) == "BADTOKEN"));
            exec(conn, &["FLUSHALL"]);
            assert_sound(&mut server);
        }
    }
}

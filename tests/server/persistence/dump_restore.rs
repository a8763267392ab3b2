//! A session is an ordinary key: DUMP and RESTORE copy it, also to another server that has the same signing key.

use redis::{Connection, Value};

use crate::support::{
    Server,
    owner_sessions::{assert_agree, assert_index_agrees},
    sessions::{contents, create, exec, expiry, get, refusal, send},
    tokens::{SECRET, key, signing_keys},
};

/// Copies a session to another server, or restores it on the same one, with its expiry.
fn copy(from: &mut Connection, to: &mut Connection, key: &str) {
    let dump: Vec<u8> = send(from, &["DUMP", key]).unwrap();
    let expiry = expiry(from, key).to_string();
    redis::cmd("RESTORE").arg(key).arg(expiry).arg(dump).arg(&["REPLACE", "ABSTTL"]).exec(to).unwrap();
}

#[test]
fn another_server_with_the_same_key_serves_a_restored_session() {
    for keys in signing_keys() {
        let [from, to] = [(); 2].map(|()| Server::builder().keys(keys.as_bytes()).start());
        let (conn, other) = (&mut from.conn(), &mut to.conn());
        let tokens = [("ada", "500"), ("ada", "600"), ("", "700")]
            .map(|(owner, ttl)| create(conn, owner, r#"{"a":"é"}"#, &["EX", ttl, "CLAIMS", r#"{"b":1}"#]));
        assert!(get(other, &tokens[0]).is_none());
        for token in &tokens {
            copy(conn, other, &key(token));
        }
        assert_eq!(contents(other), contents(conn));
        assert_eq!(assert_agree(other, "ada"), assert_agree(conn, "ada"));
        assert_index_agrees(other);
        for token in &tokens {
            let session = get(other, token).expect("a session");
            assert_eq!((&*session.data, session.claims["b"].as_i64()), (r#"{"a":"é"}"#, Some(1)));
        }
        // Each server has its own session from now on.
        exec(other, &["JRS.UPDATE", &tokens[0], r#"{"a":2}"#]);
        let rotated: String = send(other, &["JRS.ROTATE", &tokens[1], "OWNER", "bob"]).unwrap();
        assert!(get(other, &tokens[1]).is_none() && get(conn, &tokens[1]).is_some() && get(conn, &rotated).is_none());
        assert_eq!(get(conn, &tokens[0]).expect("a session").data, r#"{"a":"é"}"#);
        assert_eq!(send::<i64>(other, &["JRS.DESTROYALL", "ada"]).unwrap(), 1);
        assert_eq!([assert_agree(conn, "ada").len(), assert_agree(other, "bob").len()], [2, 1]);
        // With REPLACE it replaces the data, and the owner has one session still.
        copy(conn, other, &key(&tokens[2]));
        assert!(get(other, &tokens[2]).is_some());
        assert_index_agrees(other);
    }
}

#[test]
fn migrate_moves_a_session() {
    let [from, to] = [(); 2].map(|()| Server::builder().keys(SECRET.as_bytes()).start());
    let (conn, other) = (&mut from.conn(), &mut to.conn());
    let [moved, stays] = [(); 2].map(|()| create(conn, "ada", r#"{"a":1}"#, &[]));
    exec(conn, &["MIGRATE", "127.0.0.1", &to.port().to_string(), &key(&moved), "0", "60000"]);
    assert!(get(conn, &moved).is_none() && get(conn, &stays).is_some());
    assert_eq!(get(other, &moved).expect("a session").data, r#"{"a":1}"#);
    for conn in [conn, other] {
        assert_eq!(assert_agree(conn, "ada").len(), 1);
        assert_index_agrees(conn);
    }
}

#[test]
fn a_server_with_another_key_refuses_the_token_of_a_restored_session() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let other_server = Server::builder().keys("another secret of at least 32 bytes: 2718281828".as_bytes()).start();
    let (conn, other) = (&mut server.conn(), &mut other_server.conn());
    let token = create(conn, "ada", "{}", &[]);
    copy(conn, other, &key(&token));
    assert_eq!(refusal(other, &token), "BADTOKEN");
    assert_eq!(assert_agree(other, "ada").len(), 1, "the session is in the keyspace");
    assert_eq!(send::<i64>(other, &["JRS.REVOKE", &key(&token)]).unwrap(), 1);
}

/// RESTORE undoes a logout: an operator who restores a session must want that.
#[test]
fn a_destroyed_session_can_be_restored_until_its_token_is_too_old() {
    let server = Server::builder().keys(SECRET.as_bytes()).args(&["max-lifetime", "1000"]).start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", r#"{"a":1}"#, &[]);
    let dump: Vec<u8> = send(conn, &["DUMP", &key(&token)]).unwrap();
    exec(conn, &["JRS.DESTROY", &token]);
    assert!(get(conn, &token).is_none());
    // Without an expiry: the next JRS.GET sets the one that the session may have at most.
    redis::cmd("RESTORE").arg(key(&token)).arg(0).arg(dump).exec(conn).unwrap();
    assert_eq!(expiry(conn, &key(&token)), -1);
    let session = get(conn, &token).expect("a session");
    assert!(session.data == r#"{"a":1}"# && session.ttl <= 1000);
    assert!(expiry(conn, &key(&token)) > 0);
    assert_eq!(assert_agree(conn, "ada").len(), 1);
}

#[test]
fn debug_reload_keeps_sessions_and_expiries() {
    for keys in signing_keys() {
        let builder = Server::builder().keys(keys.as_bytes()).config("enable-debug-command", "local");
        let server = builder.config("appendonly", "yes").start();
        let conn = &mut server.conn();
        let tokens = [("ada", "500"), ("ada", "600"), ("", "700")]
            .map(|(owner, ttl)| create(conn, owner, r#"{"n":1}"#, &["EX", ttl]));
        let gone = create(conn, "ada", "{}", &[]);
        exec(conn, &["JRS.DESTROY", &gone]);
        let before = contents(conn);
        for words in [&["DEBUG", "RELOAD"][..], &["DEBUG", "LOADAOF"]] {
            exec(conn, words);
            assert_eq!(contents(conn), before, "{words:?}");
            assert!(tokens.iter().all(|token| send::<Value>(conn, &["JRS.PEEK", token]).unwrap() != Value::Nil));
            assert!(get(conn, &gone).is_none());
            assert_eq!(assert_agree(conn, "ada").len(), 2);
            assert_index_agrees(conn);
        }
        let rotated: String = send(conn, &["JRS.ROTATE", &tokens[0], "OWNER", "bob"]).unwrap();
        exec(conn, &["DEBUG", "RELOAD"]);
        assert!(get(conn, &rotated).is_some() && get(conn, &tokens[0]).is_none());
    }
}

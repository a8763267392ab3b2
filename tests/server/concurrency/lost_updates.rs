//! Clients change one session at the same time: no update is lost, and no update restores a destroyed session.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use redis::{Connection, RedisResult, Value};
use serde_json::{Value as Json, json};

use crate::support::{
    Server,
    owner_sessions::assert_agree,
    sessions::{create, etag, exec, get, send},
    tokens::{key, signing_keys},
};

const CLIENTS: usize = 50;

/// A server for each kind of signing key. With ES256 and no token cache, clients wait together for each command.
fn servers() -> impl Iterator<Item = Server> {
    signing_keys().map(|keys| Server::builder().keys(keys.as_bytes()).arg("token-cache-size", "0").start())
}

/// Runs `act` for each of the clients, with its number.
fn clients(server: &Server, act: impl Fn(&mut Connection, usize) + Sync) {
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let act = &act;
            scope.spawn(move || act(&mut server.conn(), number));
        }
    });
}

fn data(conn: &mut Connection, token: &str) -> Json {
    serde_json::from_str(&get(conn, token).unwrap().data).unwrap()
}

#[test]
fn no_merge_is_lost() {
    for server in servers() {
        let token = create(&mut server.conn(), "ada", r#"{"kept":1}"#, &[]);
        clients(&server, |conn, number| {
            for turn in 0..10 {
                let field = json!({format!("field {number}"): {format!("{turn}"): number}}).to_string();
                exec(conn, &["JRS.UPDATE", &token, &field, "MERGE"]);
            }
        });
        let data = data(&mut server.conn(), &token);
        assert_eq!(data.as_object().unwrap().len(), 1 + CLIENTS);
        for number in 0..CLIENTS {
            let turns: Json =
                (0..10).map(|turn| (turn.to_string(), json!(number))).collect::<serde_json::Map<_, _>>().into();
            assert_eq!(data[format!("field {number}")], turns);
        }
    }
}

#[test]
fn no_patch_is_lost() {
    for server in servers() {
        let token = create(&mut server.conn(), "ada", r#"{"cart":[]}"#, &[]);
        clients(&server, |conn, number| {
            let patch = json!([{"op": "add", "path": "/cart/-", "value": number}]).to_string();
            exec(conn, &["JRS.UPDATE", &token, &patch, "PATCH"]);
        });
        let data = data(&mut server.conn(), &token);
        let mut cart: Vec<u64> = data["cart"].as_array().unwrap().iter().map(|item| item.as_u64().unwrap()).collect();
        cart.sort_unstable();
        assert_eq!(cart, (0..CLIENTS as u64).collect::<Vec<_>>());
    }
}

#[test]
fn ifmatch_loses_no_increment() {
    for server in servers() {
        let token = create(&mut server.conn(), "ada", r#"{"n":0}"#, &[]);
        let conflicts = AtomicUsize::new(0);
        clients(&server, |conn, _| {
            for _ in 0..4 {
                loop {
                    let session = get(conn, &token).unwrap();
                    let read: Json = serde_json::from_str(&session.data).unwrap();
                    let next = json!({"n": read["n"].as_u64().unwrap() + 1}).to_string();
                    match send::<String>(conn, &["JRS.UPDATE", &token, &next, "IFMATCH", &session.etag]) {
                        Ok(new) => {
                            assert_eq!(new, etag(&next));
                            break;
                        }
                        Err(error) => assert_eq!(error.code(), Some("CONFLICT"), "{error}"),
                    }
                    conflicts.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        assert_eq!(data(&mut server.conn(), &token), json!({"n": 4 * CLIENTS}));
        assert!(conflicts.into_inner() > 0, "some updates met a conflict");
    }
}

#[test]
fn an_update_never_restores_a_session() {
    for server in servers() {
        let conn = &mut server.conn();
        for end in ["JRS.DESTROY", "JRS.ROTATE", "JRS.REVOKE"] {
            let token = create(conn, "ada", "{}", &[]);
            let key = key(&token);
            let destroyed = AtomicBool::new(false);
            thread::scope(|scope| {
                for mode in ["REPLACE", "MERGE", "REPLACE", "MERGE"] {
                    let (server, token, destroyed) = (&server, &token, &destroyed);
                    scope.spawn(move || {
                        let conn = &mut server.conn();
                        loop {
                            let was_destroyed = destroyed.load(Ordering::SeqCst);
                            let reply: RedisResult<Value> = send(conn, &["JRS.UPDATE", token, r#"{"n":1}"#, mode]);
                            match reply.unwrap() {
                                Value::Nil => break,
                                _ => assert!(!was_destroyed, "updated a session after {end}"),
                            }
                        }
                    });
                }
                let argument = if end == "JRS.REVOKE" { &key } else { &token };
                assert_ne!(send::<Value>(conn, &[end, argument]).unwrap(), Value::Nil);
                destroyed.store(true, Ordering::SeqCst);
            });
            assert_eq!(send::<i64>(conn, &["EXISTS", &key]).unwrap(), 0, "{end}");
        }
        assert_eq!(assert_agree(conn, "ada").len(), 1, "the successor of the rotated session");
    }
}

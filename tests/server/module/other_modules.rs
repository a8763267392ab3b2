//! Other modules that call commands of JRS, directly and on keyspace events.

use redis::{Connection, Value};

use crate::support::{
    Server,
    cases::each,
    error_word,
    in_flight::{rs256, slow},
    reactor::with_reactor,
    sessions::{create, exec, send},
    tokens::key,
};

/// A connection of a user without permission for sessions.
fn stranger(server: &Server) -> Connection {
    exec(&mut server.conn(), &["ACL", "SETUSER", "stranger", "on", ">pw", "+@all", "~other:*"]);
    let mut conn = server.conn();
    exec(&mut conn, &["AUTH", "stranger", "pw"]);
    conn
}

#[test]
fn a_call_of_another_module_is_not_limited_by_users_of_blocked_clients() {
    let mut server = with_reactor(Server::builder().keys(rs256().as_bytes()).arg("token-cache-size", "0")).start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let mut strangers: Vec<Connection> = (0..8).map(|_| stranger(&server)).collect();
    for stranger in &mut strangers {
        assert_eq!(error_word(send(stranger, &["JRS.PEEK", &token])), "NOPERM");
        assert_eq!(error_word(send(stranger, &["JRS.LIST", "ada"])), "NOPERM");
        let other = ["JRS.DESTROYALL", "ada", "EXCEPT", &token];
        assert_eq!(error_word(send(stranger, &other)), "NOPERM");
    }
    for _ in 0..8 {
        let called: Value = send(conn, &["react.call", "JRS.PEEK", &token]).unwrap();
        assert!(matches!(called, Value::Array(_)), "{called:?}");
        assert_eq!(send::<Vec<Value>>(conn, &["react.call", "JRS.LIST", "ada"]).unwrap().len(), 1);
    }
    assert!(server.alive());
}

#[test]
fn a_call_of_another_module_works_after_blocked_clients() {
    let mut server = with_reactor(slow()).start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    exec(conn, &["ACL", "SETUSER", "stranger", "on", ">pw", "+@all", "~sess:{eve}:*"]);
    let mut eve = server.conn();
    exec(&mut eve, &["AUTH", "stranger", "pw"]);
    // The command is blocked, so the server creates an internal client for it.
    let hers = create(&mut eve, "eve", "{}", &[]);
    for _ in 0..4 {
        assert_eq!(send::<i64>(&mut eve, &["JRS.DESTROYALL", "eve", "EXCEPT", &hers]).unwrap(), 0);
        let called: Value = send(conn, &["react.call", "JRS.PEEK", &token]).unwrap();
        assert!(matches!(called, Value::Array(_)), "{called:?}");
        let revoked: i64 = send(conn, &["react.call", "JRS.REVOKE", "sess:{ada}:0"]).unwrap();
        assert_eq!(revoked, 0);
    }
    assert_eq!(send::<i64>(conn, &["react.call", "JRS.REVOKE", &key(&token)]).unwrap(), 1);
    assert!(server.alive());
}

#[test]
fn a_module_may_delete_any_key_on_an_event() {
    let mut server = with_reactor(Server::builder()).start();
    let conn = &mut server.conn();
    for event in ["set", "expire", "del"] {
        let mut token = create(conn, "ada", "{}", &[]);
        let other = key(&create(conn, "ada", "{}", &[]));
        exec(conn, &["react.on", event, "DEL", &other]);
        for _ in 0..3 {
            create(conn, "ada", "{}", &[]);
            exec(conn, &["JRS.UPDATE", &token, "{}"]);
            token = send(conn, &["JRS.ROTATE", &token]).unwrap();
        }
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &token]).unwrap(), 1, "{event}");
        assert!(send::<i64>(conn, &["react.hits"]).unwrap() > 0, "{event}");
        // The key of the event.
        exec(conn, &["react.on", event, "DEL", "@"]);
        let token = create(conn, "ada", "{}", &[]);
        // The replies are null if the key is deleted already.
        send::<Value>(conn, &["JRS.UPDATE", &token, "{}"]).unwrap();
        send::<Value>(conn, &["JRS.ROTATE", &token]).unwrap();
        exec(conn, &["JRS.DESTROYALL", "ada"]);
        exec(conn, &["react.on"]);
        exec(conn, &["FLUSHALL"]);
        assert!(server.alive(), "{event}");
    }
}

#[test]
fn a_module_cannot_rotate_a_session_again_on_an_event() {
    let mut server = with_reactor(Server::builder()).start();
    let conn = &mut server.conn();
    for options in each([&[][..], &["OWNER", "eve"]]) {
        let token = create(conn, "ada", "{}", &[]);
        exec(conn, &["react.on", "set", "JRS.ROTATE", &token]);
        let rotated: String = send(conn, &[&["JRS.ROTATE", &token], options].concat()).unwrap();
        assert_eq!(send::<i64>(conn, &["react.hits"]).unwrap(), 1);
        let sessions: Vec<String> = send(conn, &["KEYS", "sess:*:*"]).unwrap();
        assert_eq!(sessions, [key(&rotated)], "one rotation, one session");
        exec(conn, &["react.on"]);
        exec(conn, &["FLUSHALL"]);
    }
    assert!(server.alive());
}

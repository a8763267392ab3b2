//! Other modules beside JRS: they call its commands, also when keyspace events happen.

use redis::{Connection, Value};

use crate::support::{
    Server, error_word,
    in_flight::{rs256, slow},
    reactor::with_reactor,
    sessions::{create, exec, send},
    tokens::key,
};

/// A user who may use no session.
fn stranger(server: &Server) -> Connection {
    exec(&mut server.conn(), &["ACL", "SETUSER", "stranger", "on", ">pw", "+@all", "~other:*"]);
    let mut conn = server.conn();
    exec(&mut conn, &["AUTH", "stranger", "pw"]);
    conn
}

#[test]
fn a_call_of_another_module_is_not_judged_by_the_rights_of_a_client_that_waited_before() {
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
fn a_call_of_another_module_outlives_the_contexts_that_stood_for_clients() {
    let mut server = with_reactor(slow()).start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    exec(conn, &["ACL", "SETUSER", "stranger", "on", ">pw", "+@all", "~sess:{eve}:*"]);
    let mut eve = server.conn();
    exec(&mut eve, &["AUTH", "stranger", "pw"]);
    // The command waits, so that the server makes a client for the module that stands for eve's.
    let hers = create(&mut eve, "eve", "{}", &[]);
    for _ in 0..4 {
        assert_eq!(send::<i64>(&mut eve, &["JRS.DESTROYALL", "eve", "EXCEPT", &hers]).unwrap(), 0);
        let called: Value = send(conn, &["react.call", "JRS.PEEK", &token]).unwrap();
        assert!(matches!(called, Value::Array(_)), "{called:?}");
        let ended: i64 = send(conn, &["react.call", "JRS.REVOKE", "sess:{ada}:0"]).unwrap();
        assert_eq!(ended, 0);
    }
    assert_eq!(send::<i64>(conn, &["react.call", "JRS.REVOKE", &key(&token)]).unwrap(), 1);
    assert!(server.alive());
}

#[test]
fn a_module_that_reacts_to_an_event_may_delete_every_key() {
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
        // The key of the very event.
        exec(conn, &["react.on", event, "DEL", "@"]);
        let token = create(conn, "ada", "{}", &[]);
        // Null, where the key is deleted already.
        send::<Value>(conn, &["JRS.UPDATE", &token, "{}"]).unwrap();
        send::<Value>(conn, &["JRS.ROTATE", &token]).unwrap();
        exec(conn, &["JRS.DESTROYALL", "ada"]);
        exec(conn, &["react.on"]);
        exec(conn, &["FLUSHALL"]);
        assert!(server.alive(), "{event}");
    }
}

#[test]
fn a_module_that_reacts_to_a_rotation_finds_the_old_session_gone() {
    let mut server = with_reactor(Server::builder()).start();
    let conn = &mut server.conn();
    for options in [&[][..], &["OWNER", "eve"]] {
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

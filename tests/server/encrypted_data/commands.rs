//! Commands see the plain data.

use std::collections::{BTreeMap, BTreeSet};

use redis::Value;

use super::{DATA, key_id, server, stored};
use crate::support::{
    Server,
    sessions::{assert_refused, create, etag, exec, get, peek, refused, send},
    tokens::{elliptic_jwk, key},
};

#[test]
fn every_command_works_on_encrypted_data() {
    let server = server(Server::builder(), &[("k1", 1)]);
    let conn = &mut server.conn();
    let token = create(conn, "ada", DATA, &["CLAIMS", r#"{"role":"admin"}"#]);
    let name = &key(&token);
    assert_eq!(key_id(conn, name), "k1");
    for session in [get(conn, &token), peek(conn, &token)] {
        let session = session.expect("a session");
        assert_eq!((session.data.as_str(), session.etag), (DATA, etag(DATA)));
    }
    let listed: Vec<BTreeMap<String, Value>> = send(conn, &["JRS.LIST", "ada", "WITHDATA"]).unwrap();
    assert_eq!(listed[0]["data"], Value::BulkString(DATA.into()));
    let words = ["JRS.LIST", "ada", "FIELDS", "2", "/n", "/none"];
    let listed: Vec<BTreeMap<String, Value>> = send(conn, &words).unwrap();
    assert_eq!(listed[0]["fields"], Value::Array(vec![Value::BulkString(b"1".into()), Value::Nil]));

    let mut current = etag(DATA);
    for (words, data) in [
        (&[r#"{"n":2}"#, "MERGE"][..], r#"{"mail":"ada-q7x2@example.com","n":2}"#),
        (&[r#"[{"op":"remove","path":"/mail"}]"#, "PATCH"], r#"{"n":2}"#),
        (&[r#"{"m":1}"#, "REPLACE", "KEEPTTL"], r#"{"m":1}"#),
        (&[DATA], DATA),
    ] {
        let before = stored(conn, name);
        assert_refused(conn, "CONFLICT", &[&["JRS.UPDATE", &token], words, &["IFMATCH", "0123456789abcdef"]].concat());
        let new: String = send(conn, &[&["JRS.UPDATE", &token], words, &["IFMATCH", &current]].concat()).unwrap();
        assert_eq!(new, etag(data), "{words:?}");
        assert_eq!(get(conn, &token).expect("a session").data, data);
        assert_ne!(stored(conn, name), before);
        current = new;
    }
    let before = stored(conn, name);
    exec(conn, &["JRS.TOUCH", &token, "EX", "500"]);
    assert_eq!(stored(conn, name), before, "TOUCH does not encrypt again");

    let new: String = send(conn, &["JRS.ROTATE", &token, "OWNER", "bob"]).unwrap();
    assert_eq!(get(conn, &new).expect("a session").data, DATA);
    assert!(get(conn, &token).is_none());
    assert_eq!(send::<i64>(conn, &["JRS.COUNT", "bob"]).unwrap(), 1);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &new]).unwrap(), 1);
    let token = create(conn, "ada", "{}", &[]);
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &key(&token)]).unwrap(), 1);
    create(conn, "ada", "{}", &[]);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 1);
}

#[test]
fn each_write_has_another_nonce() {
    let server = server(Server::builder(), &[("k1", 1)]);
    let conn = &mut server.conn();
    let token = create(conn, "ada", DATA, &[]);
    let nonces: BTreeSet<String> = (0..500)
        .map(|_| {
            exec(conn, &["JRS.UPDATE", &token, DATA]);
            stored(conn, &key(&token)).split('.').nth(2).expect("a nonce").to_owned()
        })
        .collect();
    assert_eq!(nonces.len(), 500);
}

/// A signature that is computed off the thread, transactions, scripts and RESP3.
#[test]
fn every_way_to_call_works() {
    let server = server(Server::builder(), &[("k1", 1)]);
    std::fs::write(server.dir().join("slow.json"), elliptic_jwk().to_string()).unwrap();
    let conn = &mut server.conn3();
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", "slow.json"]);
    exec(conn, &["CONFIG", "SET", "jrs.token-cache-size", "0"]);
    let token = create(conn, "ada", DATA, &[]);
    let token: String = send(conn, &["JRS.ROTATE", &token]).unwrap();
    assert_eq!(get(conn, &token).expect("a session").data, DATA);
    let script = "return redis.call('JRS.UPDATE', ARGV[1], '{\"n\":3}', 'MERGE') and redis.call('JRS.GET', ARGV[1])[6]";
    let data: String = send(conn, &["EVAL", script, "0", &token]).unwrap();
    let merged = r#"{"mail":"ada-q7x2@example.com","n":3}"#;
    assert_eq!(data, merged);
    let (new, session): (String, BTreeMap<String, Value>) = redis::pipe()
        .atomic()
        .cmd("JRS.UPDATE")
        .arg(&[&token, r#"{"n":null}"#, "MERGE"])
        .cmd("JRS.GET")
        .arg(&token)
        .query(conn)
        .unwrap();
    let data = r#"{"mail":"ada-q7x2@example.com"}"#;
    assert_eq!((new, &session["data"]), (etag(data), &Value::BulkString(data.into())));
    assert_eq!(key_id(conn, &key(&token)), "k1");
}

/// `max-data-size` is the limit of the plain data, also where the encrypted form is larger.
#[test]
fn the_largest_data_can_be_stored() {
    let server = server(Server::builder().arg("max-data-size", "1mb"), &[("k1", 1)]);
    let conn = &mut server.conn();
    let of_size = |size: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(size - 8));
    let (largest, larger) = (of_size(1 << 20), of_size((1 << 20) + 1));
    let token = create(conn, "ada", &largest, &[]);
    assert!(stored(conn, &key(&token)).len() > largest.len());
    assert_eq!(get(conn, &token).expect("a session").data, largest);
    let listed: Vec<BTreeMap<String, Value>> = send(conn, &["JRS.LIST", "ada", "WITHDATA"]).unwrap();
    assert_eq!(listed[0]["data"], Value::BulkString(largest.clone().into()));
    let token: String = send(conn, &["JRS.ROTATE", &token]).unwrap();
    assert_eq!(refused(conn, &["JRS.UPDATE", &token, &larger]), "TOOBIG");
    assert_eq!(refused(conn, &["JRS.UPDATE", &token, r#"{"b":"x"}"#, "MERGE"]), "TOOBIG");
    assert_eq!(refused(conn, &["JRS.CREATE", "ada", &larger]), "TOOBIG");
    exec(conn, &["JRS.UPDATE", &token, r#"{"a":"y"}"#, "MERGE"]);
    assert_eq!(get(conn, &token).expect("a session").data, r#"{"a":"y"}"#);
}

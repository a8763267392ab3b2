//! COMPACT of JRS.GET and JRS.PEEK: the values in an array.

use redis::{Connection, Value};

use crate::support::{
    Server,
    sessions::{assert_refused, create, exec, get, millis, refused, send},
    tokens::{key, payload, signing_keys},
};

/// What `COMPACT` replies: id, owner, data, claims and ttl.
type Compact = (String, String, String, String, i64);

fn compact(conn: &mut Connection, words: &[&str]) -> Compact {
    send(conn, words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

#[test]
fn the_values_are_those_of_the_map() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).args(&["touch-interval", "0"]).start();
        let conn = &mut server.conn();
        for (owner, data) in [("ada", r#"{"name":"Zoë"}"#), ("", "{}")] {
            let token = &create(conn, owner, data, &[]);
            let found = get(conn, token).unwrap();
            let expected = (found.id, found.owner, found.data, found.claims_text, 86400);
            for words in [
                &["JRS.GET", token, "COMPACT"][..],
                &["JRS.GET", &key(token), token, "compact"],
                &["JRS.PEEK", token, "COMPACT"],
                &["JRS.PEEK", &key(token), token, "Compact"],
            ] {
                assert_eq!(compact(conn, words), expected, "{words:?}");
            }
            exec(conn, &["DEL", &key(token)]);
            for name in ["JRS.GET", "JRS.PEEK"] {
                assert_eq!(send::<Value>(conn, &[name, token, "COMPACT"]).unwrap(), Value::Nil);
            }
        }
    }
}

#[test]
fn get_extends_the_session_and_peek_does_not() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = &create(conn, "ada", "{}", &[]);
    let key = &key(token);
    exec(conn, &["EXPIRE", key, "1000"]);
    assert_eq!(compact(conn, &["JRS.PEEK", token, "COMPACT"]).4, 1000);
    assert!(send::<i64>(conn, &["TTL", key]).unwrap() <= 1000);
    assert_eq!(compact(conn, &["JRS.GET", token, "COMPACT"]).4, 86400);
    let end: i64 = send(conn, &["PEXPIRETIME", key]).unwrap();
    assert!(end - millis() > 80_000_000, "{end}");
}

#[test]
fn a_token_in_grace_has_the_values_of_the_new_session() {
    let server = Server::start();
    let conn = &mut server.conn();
    let old = create(conn, "ada", "{}", &["CLAIMS", r#"{"role":"guest"}"#]);
    let options = ["CLAIMS", r#"{"role":"editor"}"#, "GRACE", "60000"];
    let new: String = send(conn, &[&["JRS.ROTATE", &*old], &options[..]].concat()).unwrap();
    let expected = (key(&new)["sess:".len()..].to_owned(), "ada".into(), "{}".into(), payload(&new), 86400);
    for name in ["JRS.GET", "JRS.PEEK"] {
        assert_eq!(compact(conn, &[name, &old, "COMPACT"]), expected);
    }
}

#[test]
fn it_combines_with_maxauthage() {
    let server = Server::start();
    let conn = &mut server.conn();
    let (user, guest) = (create(conn, "ada", "{}", &[]), create(conn, "", "{}", &[]));
    for options in [["MAXAUTHAGE", "600", "COMPACT"], ["COMPACT", "MAXAUTHAGE", "600"]] {
        for name in ["JRS.GET", "JRS.PEEK"] {
            assert_eq!(compact(conn, &[&[name, &*user], &options[..]].concat()).1, "ada");
            assert_eq!(refused(conn, &[&[name, &*guest], &options[..]].concat()), "STALEAUTH");
        }
    }
}

#[test]
fn refused_reads_change_nothing() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = &create(conn, "ada", "{}", &[]);
    exec(conn, &["EXPIRE", &key(token), "1000"]);
    for name in ["JRS.GET", "JRS.PEEK"] {
        for options in [&["COMPACT", "COMPACT"][..], &["COMPACT", "1"], &["COMPACTS"], &["COMPACT", "MAXAUTHAGE"]] {
            assert_refused(conn, "ERR", &[&[name, &**token], options].concat());
        }
        assert_refused(conn, "BADTOKEN", &[name, &format!("{token}x"), "COMPACT"]);
        assert_refused(conn, "BADTOKEN", &[name, "hello", "COMPACT"]);
        assert_refused(conn, "WRONGKEY", &[name, "sess:x", token, "COMPACT"]);
    }
}

//! Stored data that cannot be decrypted: an error, never plain text, and the session stays as it is.

use std::collections::BTreeMap;

use redis::{Connection, Value};

use super::{DATA, READABLE, encrypt, server, stored, write_keys};
use crate::support::{
    Server,
    cases::cases,
    sessions::{assert_refused, create, exec, get, send},
    tokens::key,
};

/// The commands that read data. The session must be due for an extension, so that the test sees that a refused read does not
/// extend it.
fn assert_unreadable(conn: &mut Connection, token: &str) {
    for words in [
        &["JRS.GET"][..],
        &["JRS.PEEK"],
        &["JRS.UPDATE", "{}", "MERGE"],
        &["JRS.UPDATE", "[]", "PATCH"],
        &["JRS.UPDATE", "{}", "IFMATCH", "0123456789abcdef"],
        &["JRS.ROTATE"],
        &["JRS.ROTATE", "OWNER", "bob"],
    ] {
        let words = [&words[..1], &[token], &words[1..]].concat();
        assert_refused(conn, "BADDATA", &words);
        let error = send::<Value>(conn, &words).expect_err("refused").to_string();
        assert!(error.contains("tored data") && !error.contains(READABLE), "{error}");
    }
}

/// Sets the value of a key and keeps its expiry.
fn replace(conn: &mut Connection, key: &str, value: &[u8]) {
    redis::cmd("SET").arg(key).arg(value).arg("KEEPTTL").exec(conn).unwrap();
}

/// A session that the next read extends.
fn due(conn: &mut Connection, owner: &str) -> String {
    let token = create(conn, owner, DATA, &["EX", "5000"]);
    exec(conn, &["PEXPIRE", &key(&token), "1000000"]);
    token
}

#[test]
fn changed_values_are_refused() {
    let server = server(Server::builder(), &[("k1", 1)]);
    let conn = &mut server.conn();
    let token = due(conn, "ada");
    let name = &key(&token);
    let value = stored(conn, name).into_bytes();
    let peek = |conn: &mut Connection, changed: &[u8]| {
        replace(conn, name, changed);
        let reply = send::<Value>(conn, &["JRS.PEEK", &token]);
        let error = reply.expect_err("the value was changed");
        assert_eq!(error.code(), Some("BADDATA"), "{error}");
    };
    for at in 0..value.len() {
        for bit in [0, 1, 5, 7] {
            let mut changed = value.clone();
            changed[at] ^= 1 << bit;
            peek(conn, &changed);
        }
        peek(conn, &value[..at]);
    }
    let huge = [&value[..], &vec![b'A'; 4 << 20]].concat();
    for changed in cases([
        ("empty", b"".to_vec()),
        ("the mark", b"jrs1.".to_vec()),
        ("no parts", b"jrs1....".to_vec()),
        ("another kid", String::from_utf8(value.clone()).unwrap().replacen("k1", "k2", 1).into_bytes()),
        ("a fifth part", [&value[..], b".AAAA"].concat()),
        ("not base64url", b"jrs1.k1.AAAAAAAAAAAAAAAA.\xff\0".to_vec()),
        ("a short tag", b"jrs1.k1.AAAAAAAAAAAAAAAA.AAAA".to_vec()),
        ("a short nonce", b"jrs1.k1.AAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_vec()),
        ("huge", huge),
    ]) {
        peek(conn, &changed);
        assert_unreadable(conn, &token);
    }
    replace(conn, name, &value);
    assert_eq!(get(conn, &token).expect("a session").data, DATA);
}

#[test]
fn a_value_of_another_key_is_refused() {
    let server = server(Server::builder(), &[("k1", 1)]);
    let conn = &mut server.conn();
    let [ada, mallory] = ["ada", "mallory"].map(|owner| due(conn, owner));
    let (of_ada, of_mallory) = (stored(conn, &key(&ada)), stored(conn, &key(&mallory)));
    replace(conn, &key(&mallory), of_ada.as_bytes());
    replace(conn, &key(&ada), of_mallory.as_bytes());
    assert_unreadable(conn, &ada);
    assert_unreadable(conn, &mallory);
}

/// Commands that do not read the data need no key, and a session whose data is lost can be given new data.
#[test]
fn without_the_keys_sessions_can_be_ended_and_repaired() {
    let server = server(Server::builder(), &[("k1", 1)]);
    let conn = &mut server.conn();
    for keys in cases([("no data keys", &[][..]), ("other data keys", &[("k2", 2)])]) {
        let tokens = [(); 6].map(|()| due(conn, "ada"));
        let [read, destroyed, revoked, replaced, ..] = &tokens;
        if keys.is_empty() {
            exec(conn, &["CONFIG", "SET", "jrs.data-keys-file", ""]);
        } else {
            encrypt(&server, keys);
        }
        assert_unreadable(conn, read);
        let error = send::<Value>(conn, &["JRS.GET", read]).expect_err("unreadable").to_string();
        assert!(error.contains("data-keys-file"), "{error}");

        let listed: Vec<BTreeMap<String, Value>> = send(conn, &["JRS.LIST", "ada", "WITHDATA"]).unwrap();
        assert_eq!(listed.len(), 6);
        assert!(listed.iter().all(|session| session["data"] == Value::Nil), "{listed:?}");
        assert_eq!(send::<i64>(conn, &["JRS.COUNT", "ada"]).unwrap(), 6);
        assert_eq!(send::<i64>(conn, &["JRS.TOUCH", read]).unwrap(), 5000);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", destroyed]).unwrap(), 1);
        assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &key(revoked)]).unwrap(), 1);
        let active: Vec<BTreeMap<String, Value>> = vec![send(conn, &["JRS.INSPECT", read]).unwrap()];
        assert_eq!(active[0]["active"], Value::Int(1));

        exec(conn, &["JRS.UPDATE", replaced, r#"{"new":1}"#]);
        assert_eq!(get(conn, replaced).expect("a session").data, r#"{"new":1}"#);
        let listed: Vec<BTreeMap<String, Value>> = send(conn, &["JRS.LIST", "ada", "WITHDATA"]).unwrap();
        let readable = listed.iter().filter(|session| session["data"] != Value::Nil).count();
        assert_eq!((listed.len(), readable), (4, 1), "one unreadable session does not hide the others");

        // With the key again, the data is as it was.
        encrypt(&server, &[("k1", 1), ("k2", 2)]);
        assert_eq!(get(conn, read).expect("a session").data, DATA);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 4);
    }
}

/// The same `kid` with another secret, as after a mistake on one node.
#[test]
fn another_key_of_the_same_id_is_refused() {
    let server = server(Server::builder(), &[("k1", 1)]);
    let conn = &mut server.conn();
    let token = due(conn, "ada");
    write_keys(&server, &[("k1", 2)]);
    exec(conn, &["JRS.RELOAD"]);
    assert_unreadable(conn, &token);
}

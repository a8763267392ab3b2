//! The tombstone is in no list, count or limit.

use std::fs;

use redis::{Connection, Value};

use super::{LONG, rotate, tombstone};
use crate::support::{
    Server,
    cases::cases,
    keypairs,
    owner_sessions::{count, ids, info},
    sessions::{create, exec, get, refused, send},
    tokens::{SECRET, id, jwk, key},
};

#[test]
fn no_command_counts_tombstones() {
    let server = Server::builder()
        .keys(SECRET.as_bytes())
        .args(&["max-sessions", "3", "max-sessions-policy", "reject", "rotate-grace", LONG, "reuse-detection", "yes"])
        .start();
    let conn = &mut server.conn();
    let mut tokens: Vec<String> = (0..3).map(|_| create(conn, "ada", "{}", &[])).collect();
    for token in &mut tokens {
        *token = rotate(conn, token, &[]);
    }
    let mut expected: Vec<String> = tokens.iter().map(|token| id(token)).collect();
    expected.sort_unstable();
    assert_eq!(ids(conn, "ada"), expected);
    assert_eq!((count(conn, "ada"), info(conn, "jrs_sessions", "jrs_sessions_active")), (3, 3));
    assert_eq!(send::<Vec<String>>(conn, &["KEYS", "*:rotated"]).unwrap().len(), 3);
    assert_eq!(refused(conn, &["JRS.CREATE", "ada", "{}"]), "TOOMANY");
    exec(conn, &["JRS.DESTROY", &tokens[0]]);
    create(conn, "ada", "{}", &[]);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 3, "sessions only");
    assert_eq!(count(conn, "ada"), 0);
    assert_eq!(send::<i64>(conn, &["JRS.DEBUG", "INDEX"]).unwrap(), 1);
}

#[test]
fn a_damaged_tombstone_is_ignored() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    let old = create(conn, "ada", "{}", &[]);
    let new = rotate(conn, &old, &["GRACE", LONG]);
    let name = tombstone(&new);
    for value in ["", "{}", r#"{"current":"x"}"#, "jrs-rotated-1:{}", "jrs-rotated-2:", "jrs1.a.b.c"] {
        exec(conn, &["SET", &name, value]);
        assert!(get(conn, &old).is_none(), "{value}");
        assert_eq!(get(conn, &new).unwrap().id, id(&new));
    }
    // The next rotation writes a new one.
    let newer = rotate(conn, &new, &["GRACE", LONG]);
    assert!(get(conn, &old).is_none());
    assert_eq!((get(conn, &new).unwrap().id, tombstone(&newer)), (id(&newer), name.clone()));
    exec(conn, &["DEL", &name]);
    exec(conn, &["LPUSH", &name, "x"]);
    assert!(get(conn, &new).is_none());
    assert_eq!(refused(conn, &["JRS.ROTATE", &newer, "GRACE", LONG]), "WRONGTYPE");
    assert_eq!(send::<i64>(conn, &["EXISTS", &key(&newer)]).unwrap(), 1);
}

/// JRS signs the payload in a tombstone again. So a client that can write keys must not choose the payload.
#[test]
fn a_tombstone_that_jrs_did_not_write_is_ignored() {
    let private = ["ES256", "RS256", "EdDSA"].map(|algorithm| (algorithm, keypairs::pem(algorithm)));
    for keys in cases([("HS256", SECRET.to_owned())].into_iter().chain(private)) {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let [old, of_bob] = ["ada", "bob"].map(|owner| create(conn, owner, "{}", &[]));
        let [new, new_of_bob] = [&old, &of_bob].map(|token| rotate(conn, token, &["GRACE", LONG]));
        let [name, name_of_bob] = [&new, &new_of_bob].map(|token| tombstone(token));
        let [value, value_of_bob] = [&name, &name_of_bob].map(|name| send::<String>(conn, &["GET", name]).unwrap());
        assert_eq!(id(&rotate(conn, &old, &[])), id(&new));
        let json = value.find(":{").unwrap();
        let (mac, json) = value.split_at(json);
        for forged in [
            value.replace("ada", "bob"),
            value.replace("iat", "iaT"),
            value_of_bob,
            format!("{}{json}", mac.chars().rev().collect::<String>()),
            format!("{mac}A{json}"),
            format!("{}{json}", &mac[..mac.len() - 43]),
            format!("jrs-rotated-1{json}"),
        ] {
            assert_ne!(forged, value);
            exec(conn, &["SET", &name, &forged, "KEEPTTL"]);
            assert!(get(conn, &old).is_none(), "{forged}");
            assert_eq!(send::<Value>(conn, &["JRS.ROTATE", &old]).unwrap(), Value::Nil, "{forged}");
        }
        exec(conn, &["SET", &name, &value, "KEEPTTL"]);
        assert_eq!(get(conn, &old).unwrap().id, id(&new));
    }
}

#[test]
fn a_realm_that_encrypts_data_encrypts_tombstones() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    let first = create(conn, "ada", "{}", &["CLAIMS", r#"{"mail":"ada-q7x2"}"#]);
    let second = rotate(conn, &first, &["GRACE", LONG]);
    let key_file = server.dir().join("data.json");
    let mut data_key = jwk("k", "A256GCM", &[7; 32]);
    data_key["use"] = "enc".into();
    fs::write(&key_file, data_key.to_string()).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.data-keys-file", key_file.to_str().unwrap(), "jrs.reuse-detection", "yes"]);
    assert_eq!(get(conn, &first).unwrap().id, id(&second), "a tombstone that is still plain");
    let third = rotate(conn, &second, &["GRACE", LONG]);
    let stored = |conn: &mut Connection| send::<String>(conn, &["GET", &tombstone(&third)]).unwrap();
    assert!(stored(conn).starts_with("jrs1.k."), "{}", stored(conn));
    assert_eq!((get(conn, &first).unwrap().id, get(conn, &second).unwrap().id), (id(&third), id(&third)));
    let fourth = rotate(conn, &third, &["GRACE", "0"]);
    assert_eq!(refused(conn, &["JRS.GET", &first]), "REUSED");
    assert!(stored(conn).starts_with("jrs1.k."), "{}", stored(conn));
    assert_eq!(refused(conn, &["JRS.GET", &fourth]), "REUSED");
}

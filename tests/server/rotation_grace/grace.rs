//! An older token acts on the session until its grace ends.

use std::collections::HashMap;

use redis::Value;

use super::{LONG, assert_finds_nothing, await_end_of_grace, rotate};
use crate::support::{
    Server,
    sessions::{contents, create, exec, expiry, get, millis, peek, send},
    tokens::{SECRET, claims, id, key, signing_keys},
};

#[test]
fn an_old_token_acts_on_the_new_session() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        for owner in ["ada", ""] {
            let old = create(conn, owner, r#"{"n":1}"#, &["EX", "5000"]);
            let new = rotate(conn, &old, &["CLAIMS", r#"{"role":"admin"}"#, "GRACE", LONG]);
            assert_eq!(send::<i64>(conn, &["EXISTS", &key(&old)]).unwrap(), 0);
            let (found, expected) = (get(conn, &old).unwrap(), get(conn, &new).unwrap());
            assert_eq!((&found.id, &found.data, &found.claims), (&id(&new), &expected.data, &claims(&new)));
            assert_eq!(peek(conn, &old).unwrap().id, id(&new));
            exec(conn, &["JRS.UPDATE", &key(&old), &old, r#"{"n":2}"#]);
            assert_eq!(get(conn, &new).unwrap().data, r#"{"n":2}"#);
            exec(conn, &["JRS.TOUCH", &old, "EX", "77"]);
            assert!(expiry(conn, &key(&new)) <= millis() + 77_000, "TOUCH moves the new session's expiry");
            assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &old]).unwrap(), 1);
            for token in [&old, &new] {
                assert_finds_nothing(conn, token);
            }
        }
        assert!(contents(conn).is_empty(), "a logout also deletes the tombstone");
    }
}

#[test]
fn a_token_finds_nothing_after_its_grace() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let first = create(conn, "ada", "{}", &[]);
        // Several rotations within one grace, then one whose grace is short.
        let second = rotate(conn, &first, &["GRACE", LONG]);
        let third = rotate(conn, &second, &["GRACE", "1"]);
        let fourth = rotate(conn, &third, &["GRACE", LONG]);
        await_end_of_grace(conn, &second);
        assert_finds_nothing(conn, &second);
        for token in [&first, &third, &fourth] {
            assert_eq!(get(conn, token).unwrap().id, id(&fourth));
        }
        // The tombstone is the same for the whole chain, and expires with the last grace.
        assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), 2);
        let last = rotate(conn, &fourth, &["GRACE", "0"]);
        assert_eq!(contents(conn).into_keys().collect::<Vec<_>>(), [key(&last)]);
        for token in [&first, &second, &third, &fourth] {
            assert_finds_nothing(conn, token);
        }
        assert_eq!(claims(&last).get("jrs_chain"), None);
    }
}

#[test]
fn the_setting_is_the_default() {
    let server = Server::builder().keys(SECRET.as_bytes()).args(&["rotate-grace", "60000"]).start();
    let conn = &mut server.conn();
    let old = create(conn, "ada", "{}", &[]);
    let new = rotate(conn, &old, &[]);
    assert_eq!(get(conn, &old).unwrap().id, id(&new));
    let newer = rotate(conn, &new, &["GRACE", "0"]);
    assert_finds_nothing(conn, &old);
    assert_finds_nothing(conn, &new);
    // A login has no grace.
    for options in [&["REAUTH"][..], &["OWNER", "bob"], &["OWNER", "ada"]] {
        let first = create(conn, "ada", "{}", &[]);
        let old = rotate(conn, &first, &[]);
        let new = rotate(conn, &old, options);
        assert_finds_nothing(conn, &old);
        assert_eq!((claims(&new).get("jrs_chain"), get(conn, &new).unwrap().id), (None, id(&new)));
    }
    assert!(get(conn, &newer).is_some());
    let left: Vec<String> = send(conn, &["KEYS", "*:rotated"]).unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_login_with_a_token_in_grace_rotates_the_session() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let old = create(conn, "", "{}", &[]);
        let new = rotate(conn, &old, &["GRACE", LONG]);
        let user = rotate(conn, &old, &["OWNER", "ada", "REAUTH"]);
        assert_eq!((get(conn, &user).unwrap().owner, claims(&user).get("jrs_chain")), ("ada".to_owned(), None));
        assert_eq!(contents(conn).into_keys().collect::<Vec<_>>(), [key(&user)]);
        assert_finds_nothing(conn, &old);
        assert_finds_nothing(conn, &new);
    }
}

#[test]
fn no_token_in_grace_resurrects_a_session() {
    let server = Server::builder().keys(SECRET.as_bytes()).args(&["max-sessions", "2"]).start();
    let conn = &mut server.conn();
    for how in 0..6 {
        let old = create(conn, "ada", "{}", &["PX", "9000000"]);
        let new = rotate(conn, &old, &["GRACE", LONG]);
        match how {
            0 => exec(conn, &["DEL", &key(&new)]),
            1 => exec(conn, &["JRS.REVOKE", &key(&new)]),
            2 => exec(conn, &["JRS.DESTROYALL", "ada"]),
            3 => exec(conn, &["PEXPIRE", &key(&new), "0"]),
            4 => exec(conn, &["JRS.DESTROY", &new]),
            _ => {
                let two = [(); 2].map(|()| create(conn, "ada", "{}", &[]));
                assert!(get(conn, &two[0]).is_some(), "max-sessions has evicted the rotated session");
            }
        }
        for token in [&old, &new] {
            assert_finds_nothing(conn, token);
        }
    }
}

#[test]
fn destroyall_spares_the_session_of_a_token_in_grace() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    let old = create(conn, "ada", "{}", &[]);
    let new = rotate(conn, &old, &["GRACE", LONG]);
    create(conn, "ada", "{}", &[]);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", &old]).unwrap(), 1);
    assert_eq!(get(conn, &old).unwrap().id, id(&new));
}

#[test]
fn an_access_token_of_a_token_in_grace_is_of_the_new_session() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).args(&["issuer", "i", "audience", "a"]).start();
        let conn = &mut server.conn();
        let old = create(conn, "ada", "{}", &[]);
        let new = rotate(conn, &old, &["GRACE", LONG]);
        let minted: String = send(conn, &["JRS.MINT", &old]).unwrap();
        assert_eq!(claims(&minted)["sid"], id(&new));
        exec(conn, &["JRS.DESTROY", &new]);
        assert_eq!(send::<Value>(conn, &["JRS.MINT", &old]).unwrap(), Value::Nil);
    }
}

#[test]
fn transactions_and_scripts_rotate_with_a_grace() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let old = create(conn, "ada", "{}", &[]);
        let mut atomic = redis::pipe();
        for _ in 0..2 {
            atomic.atomic().cmd("JRS.ROTATE").arg(&[&old, "GRACE", LONG]);
        }
        let [new, same]: [String; 2] = atomic.query(conn).unwrap();
        assert_eq!(id(&same), id(&new), "the second one finds the session of the first");
        let script = "local token = redis.call('JRS.ROTATE', ARGV[1], 'GRACE', '60000') \
                      return {token, redis.call('JRS.GET', ARGV[1])[2]}";
        let [newer, found]: [String; 2] = send(conn, &["EVAL", script, "0", &new]).unwrap();
        assert_eq!(found, id(&newer));
        for token in [&old, &new, &newer] {
            assert_eq!(get(conn, token).unwrap().id, id(&newer));
        }
    }
}

#[test]
fn inspect_explains_a_token_in_grace() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let old = create(conn, "ada", "{}", &[]);
        let new = rotate(conn, &old, &["GRACE", LONG]);
        let report: HashMap<String, Value> = send(conn, &["JRS.INSPECT", &old]).unwrap();
        let text = |name: &str| redis::from_redis_value_ref::<String>(&report[name]).unwrap();
        assert_eq!((&report["active"], text("key")), (&Value::Int(1), key(&new)));
        assert!(text("reason").contains("acts on its successor"), "{}", text("reason"));
        assert_eq!(text("claims"), crate::support::tokens::payload(&old));
        let current: HashMap<String, Value> = send(conn, &["JRS.INSPECT", &new]).unwrap();
        assert_eq!((&current["active"], &current["reason"]), (&Value::Int(1), &Value::Nil));
    }
}

#[test]
fn the_acl_covers_the_new_session() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    let old = create(conn, "ada", r#"{"n":1}"#, &[]);
    let new = rotate(conn, &old, &["GRACE", LONG]);
    // The permission on the old key alone is not enough.
    exec(conn, &["ACL", "SETUSER", "app", "on", "nopass", "+@all", &format!("~{}", key(&old))]);
    let user = &mut server.conn();
    exec(user, &["AUTH", "app", "x"]);
    for words in
        [["JRS.GET", &old], ["JRS.PEEK", &old], ["JRS.TOUCH", &old], ["JRS.DESTROY", &old], ["JRS.ROTATE", &old]]
    {
        assert_eq!(crate::support::sessions::refused(user, &words), "NOPERM", "{words:?}");
    }
    exec(conn, &["ACL", "SETUSER", "app", &format!("~{}", key(&new))]);
    assert_eq!(get(user, &old).unwrap().data, r#"{"n":1}"#);
    assert_eq!(rotate(user, &old, &[]), new);
}

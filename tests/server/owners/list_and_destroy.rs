//! JRS.LIST, JRS.REVOKE and JRS.DESTROYALL: what they do, and what they refuse.

use redis::Value;
use serde_json::json;

use crate::support::{
    Server,
    cases::cases,
    owner_sessions::{self, assert_agree, created, ids, info, list},
    realms::add_app_realm,
    sessions::{assert_refused, create, exec, get, millis, now, refused, send},
    tokens::{self, SECRET, jwk, key, signing_keys, token},
};

fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).start()
}

#[test]
fn list_returns_the_oldest_session_first() {
    let server = server();
    for conn in cases([("RESP2", &mut server.conn()), ("RESP3", &mut server.conn3())]) {
        assert!(list(conn, &["unknown"]).is_empty());
        let before = millis();
        let tokens = [("{\"n\":1}", "100"), ("{}", "2000"), ("{\"n\":3}", "30")]
            .map(|(data, ttl)| create(conn, "ada", data, &["EX", ttl]));
        create(conn, "adam", "{}", &[]);
        create(conn, "", "{}", &[]);
        let listed = list(conn, &["ada"]);
        assert_eq!(listed.len(), 3);
        for ((session, token), ttl) in listed.iter().zip(&tokens).zip([100, 2000, 30]) {
            assert_eq!(format!("sess:{}", session.id), key(token));
            assert_eq!((session.created, &session.data), (created(&session.id), &None));
            assert!(session.ttl.is_some_and(|left| (ttl - 20..=ttl).contains(&left)), "{:?} of {ttl}", session.ttl);
            assert!((before..=millis()).contains(&session.created));
        }
        let data: Vec<_> = list(conn, &["ada", "withdata"]).into_iter().map(|session| session.data.unwrap()).collect();
        assert_eq!(data, ["{\"n\":1}", "{}", "{\"n\":3}"]);
        // PERSIST makes a session that does not expire.
        exec(conn, &["PERSIST", &key(&tokens[1])]);
        assert_eq!(list(conn, &["ada"])[1].ttl, None);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 3);
        assert_eq!(send::<i64>(conn, &["EXISTS", "sess:{ada}"]).unwrap(), 0, "there is no index key");
    }
}

#[test]
fn revoke_destroys_a_session_by_its_key() {
    let server = server();
    let conn = &mut server.conn();
    let [token, other, anonymous] = ["ada", "ada", ""].map(|owner| create(conn, owner, "{}", &[]));
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &key(&token)]).unwrap(), 1);
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &key(&token)]).unwrap(), 0);
    assert!(get(conn, &token).is_none());
    assert_eq!(assert_agree(conn, "ada"), [key(&other)["sess:".len()..].to_owned()]);
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &key(&anonymous)]).unwrap(), 1);
    // A session of the npm package jwt-redis-session.
    exec(conn, &["SET", "sess:9b2c5e1c-6e0b-4a57-8d9a-3f3a8f6d2c11", "{}"]);
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", "sess:9b2c5e1c-6e0b-4a57-8d9a-3f3a8f6d2c11"]).unwrap(), 1);
    exec(conn, &["RPUSH", "sess:list", "a"]);
    assert_refused(conn, "WRONGTYPE", &["JRS.REVOKE", "sess:list"]);
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", "sess:{ada}"]).unwrap(), 0);
    for not_a_session in ["sess:", "other:{ada}:x", "", "sess"] {
        assert_refused(conn, "WRONGKEY", &["JRS.REVOKE", not_a_session]);
    }
    assert_refused(conn, "ERR", &["JRS.REVOKE"]);
    assert_refused(conn, "ERR", &["JRS.REVOKE", &key(&other), "more"]);
    assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_destroyed"), 3);
}

#[test]
fn destroyall_keeps_only_the_excepted_session() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let tokens = [0; 4].map(|_| create(conn, "ada", "{}", &[]));
        let bob = create(conn, "bob", "{}", &[]);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", &tokens[2]]).unwrap(), 3);
        assert_eq!(assert_agree(conn, "ada"), [key(&tokens[2])["sess:".len()..].to_owned()]);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "except", &tokens[2]]).unwrap(), 0);
        assert!(get(conn, &tokens[2]).is_some() && get(conn, &tokens[1]).is_none());
        // The token of a destroyed session can be excepted.
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", &tokens[0]]).unwrap(), 1);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 0);
        assert!(get(conn, &bob).is_some());
        assert_eq!(assert_agree(conn, "ada"), [""; 0]);
    }
}

#[test]
fn refused_commands_change_nothing() {
    let server = server();
    let conn = &mut server.conn();
    let (ada, bob) = (create(conn, "ada", "{}", &[]), create(conn, "bob", "{}", &[]));
    let expired = token(&json!({"jti": "{ada}:x", "sub": "ada", "exp": now() - 10}));
    let early = token(&json!({"jti": "{ada}:x", "sub": "ada", "nbf": now() + 1000}));
    let forged = format!("{}AAAA", &ada[..ada.len() - 4]);
    let long = "x".repeat(257);
    for (word, words) in [
        ("ERR", &["JRS.LIST"][..]),
        ("ERR", &["JRS.LIST", ""]),
        ("ERR", &["JRS.LIST", "a{b"]),
        ("ERR", &["JRS.LIST", &long]),
        ("ERR", &["JRS.LIST", "ada", "NONSENSE"]),
        ("ERR", &["JRS.LIST", "ada", "WITHDATA", "WITHDATA"]),
        ("ERR", &["JRS.LIST", "ada", "REALM"]),
        ("ERR", &["JRS.LIST", "ada", "REALM", "no such"]),
        ("ERR", &["JRS.DESTROYALL"]),
        ("ERR", &["JRS.DESTROYALL", ""]),
        ("ERR", &["JRS.DESTROYALL", "a\nb"]),
        ("ERR", &["JRS.DESTROYALL", "ada", &ada]),
        ("ERR", &["JRS.DESTROYALL", "ada", "EXCEPT"]),
        ("ERR", &["JRS.DESTROYALL", "ada", "EXCEPT", &ada, "EXCEPT", &ada]),
        ("ERR", &["JRS.DESTROYALL", "ada", "EXCEPT", &ada, "REALM", "no such"]),
        ("BADTOKEN", &["JRS.DESTROYALL", "ada", "EXCEPT", &bob]),
        ("BADTOKEN", &["JRS.DESTROYALL", "ada", "EXCEPT", &forged]),
        ("BADTOKEN", &["JRS.DESTROYALL", "ada", "EXCEPT", "no token"]),
        ("EXPIREDTOKEN", &["JRS.DESTROYALL", "ada", "EXCEPT", &expired]),
    ] {
        assert_refused(conn, word, words);
    }
    let word = refused(conn, &["JRS.GET", &early]);
    assert_refused(conn, &word, &["JRS.DESTROYALL", "ada", "EXCEPT", &early]);
    assert_eq!(assert_agree(conn, "ada").len(), 1);
}

#[test]
fn the_excepted_token_is_redacted() {
    let server = server();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    exec(conn, &["CONFIG", "SET", "slowlog-log-slower-than", "0"]);
    // Mangled and misplaced tokens too.
    let mangled = format!("\"{token}\"");
    for words in [
        &["JRS.DESTROYALL", "ada", "EXCEPT", &*token][..],
        &["JRS.DESTROYALL", "ada", "EXCEPT", &token, "NONSENSE"],
        &["JRS.DESTROYALL", "ada", "NONSENSE", "EXCEPT", &token],
        &["JRS.DESTROYALL", "ada", &token],
        &["JRS.DESTROYALL", "ada", "except", &mangled],
    ] {
        // Some of these are refused.
        let _: redis::RedisResult<Value> = send(conn, words);
    }
    let log: Value = send(conn, &["SLOWLOG", "GET", "-1"]).unwrap();
    let log = format!("{log:?}");
    assert_eq!(log.matches("JRS.DESTROYALL").count(), 5, "{log}");
    // SLOWLOG shows only the beginning of long arguments.
    assert!(!log.contains(&token[40..80]), "{log}");
}

#[test]
fn each_realm_has_its_own_owners() {
    let key_file = jwk("main", "HS256", SECRET.as_bytes()).to_string();
    let server = Server::builder().keys(key_file.as_bytes()).start();
    let conn = &mut server.conn();
    add_app_realm(&server, "");
    let (here, there) = (create(conn, "ada", "{}", &[]), create(conn, "ada", "{}", &["REALM", "app"]));
    let id = |session: &owner_sessions::ListedSession| session.id.clone();
    assert_eq!(list(conn, &["ada"]).iter().map(id).collect::<Vec<_>>(), [key(&here)["sess:".len()..].to_owned()]);
    let app = list(conn, &["ada", "REALM", "app", "WITHDATA"]);
    assert_eq!(app.iter().map(id).collect::<Vec<_>>(), [tokens::claims(&there)["jti"].as_str().unwrap()]);
    assert_refused(conn, "BADTOKEN", &["JRS.DESTROYALL", "ada", "EXCEPT", &there]);
    assert_refused(conn, "BADTOKEN", &["JRS.DESTROYALL", "ada", "EXCEPT", &here, "REALM", "app"]);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 1);
    assert_eq!(list(conn, &["ada", "REALM", "app"]).len(), 1);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "REALM", "app", "EXCEPT", &there]).unwrap(), 0);
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &format!("app:{}", app[0].id)]).unwrap(), 1);
    assert_eq!(send::<i64>(conn, &["DBSIZE"]).unwrap(), 0);
    assert!(ids(conn, "ada").is_empty());
}

#[test]
fn destroyed_sessions_are_counted_in_info() {
    let server = server();
    let conn = &mut server.conn();
    for _ in 0..3 {
        create(conn, "ada", "{}", &[]);
    }
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 3);
    assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_destroyed"), 3);
    assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_created"), 3);
}

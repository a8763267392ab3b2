//! Commands that are refused, with the first word of the error. A refused command changes nothing.

use redis::Connection;
use serde_json::json;

use crate::support::{
    Server,
    sessions::{assert_indexed, assert_refused, contents, create, exec, get, now, send},
    tokens::{SECRET, claims, key, sign, token},
};

/// The commands on a session, with the arguments after the token.
const ON_A_SESSION: [(&str, &[&str]); 10] = [
    ("JRS.GET", &[]),
    ("JRS.PEEK", &[]),
    ("JRS.UPDATE", &[r#"{"n":2}"#]),
    ("JRS.UPDATE", &[r#"{"n":2}"#, "MERGE"]),
    ("JRS.UPDATE", &["[]", "PATCH", "IFMATCH", "1349cde127705c16"]),
    ("JRS.TOUCH", &[]),
    ("JRS.MINT", &["CLAIMS", r#"{"iss":"login","aud":"shop"}"#]),
    ("JRS.ROTATE", &[]),
    ("JRS.ROTATE", &["OWNER", "bob", "CLAIMS", "{}", "REAUTH"]),
    ("JRS.DESTROY", &[]),
];

/// The words of a command, with or without a key before the token.
fn words<'w>(name: &'w str, key: Option<&'w str>, token: &'w str, rest: &[&'w str]) -> Vec<&'w str> {
    [name].into_iter().chain(key).chain([token]).chain(rest.iter().copied()).collect()
}

fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).start()
}

#[test]
fn a_wrong_number_of_arguments_is_refused() {
    let server = server();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let key = &key(&token);
    for (name, rest) in ON_A_SESSION {
        assert_refused(conn, "ERR", &[name]);
        assert_refused(conn, "ERR", &words(name, None, &token, &[rest, &["more"]].concat()));
        assert_refused(conn, "ERR", &words(name, Some(key), &token, &[rest, &["more"]].concat()));
    }
    let table: [&[&str]; 15] = [
        &["JRS.LIST"],
        &["JRS.LIST", "ada", "more"],
        &["JRS.REVOKE"],
        &["JRS.REVOKE", key, "more"],
        &["JRS.DESTROYALL"],
        &["JRS.DESTROYALL", "ada", "more"],
        &["JRS.CREATE"],
        &["JRS.CREATE", "ada"],
        &["JRS.UPDATE", &token],
        &["JRS.INSPECT"],
        &["JRS.INSPECT", &token, "more"],
        &["JRS.INSPECT", key, &token, "more"],
        &["JRS.HELP", "me"],
        &["JRS.RELOAD", "now"],
        &["JRS.ROTATEKEY", "now"],
    ];
    for command in table {
        assert_refused(conn, "ERR", command);
    }
}

#[test]
fn a_key_of_another_session_is_refused() {
    let server = server();
    let conn = &mut server.conn();
    let (token, other) = (create(conn, "ada", "{}", &[]), create(conn, "bob", "{}", &[]));
    let (right, others) = (key(&token), key(&other));
    let id = right.strip_prefix("sess:").unwrap();
    let longer = format!("{right} ");
    let wrong = [
        &others,
        id,
        "",
        "sess:",
        &longer,
        &right[..right.len() - 1],
        "sess:{ada}:*",
        "\0",
        "Sess:",
        &right.to_uppercase(),
    ];
    for (name, rest) in ON_A_SESSION {
        for key in wrong {
            assert_refused(conn, "WRONGKEY", &words(name, Some(key), &token, rest));
        }
        // The key is also refused if the session does not exist.
        let gone = self::token(&json!({"jti": "gone"}));
        assert_refused(conn, "WRONGKEY", &words(name, Some(&right), &gone, rest));
    }
    assert!(get(conn, &token).is_some());
}

#[test]
fn a_forged_token_is_refused() {
    let server = server();
    let conn = &mut server.conn();
    let good = create(conn, "ada", "{}", &[]);
    let forged = sign(&json!({"alg": "HS256", "typ": "JWT"}), &claims(&good), &SECRET.as_bytes()[1..]);
    for (name, rest) in ON_A_SESSION {
        for key in [None, Some(key(&good))] {
            assert_refused(conn, "BADTOKEN", &words(name, key.as_deref(), &forged, rest));
        }
    }
}

#[test]
fn an_expired_token_can_only_destroy_its_session() {
    let server = server();
    let conn = &mut server.conn();
    let refused_for = [
        ("EXPIREDTOKEN", json!({"exp": now() - 100})),
        ("EXPIREDTOKEN", json!({"iat": now() - 40 * 86_400})),
        ("BADTOKEN", json!({"nbf": now() + 1000})),
    ];
    for (word, times) in refused_for {
        let mut claims = times.clone();
        claims["jti"] = json!("a");
        let (old, forged) = (token(&claims), sign(&json!({"alg": "HS256"}), &claims, b"the secret of another issuer"));
        for with_key in [None, Some("sess:a")] {
            exec(conn, &["SET", "sess:a", "{}", "EX", "1000"]);
            for (name, rest) in ON_A_SESSION.into_iter().filter(|(name, _)| *name != "JRS.DESTROY") {
                assert_refused(conn, word, &words(name, with_key, &old, rest));
            }
            assert_refused(conn, "BADTOKEN", &words("JRS.DESTROY", with_key, &forged, &[]));
            assert_refused(conn, "WRONGKEY", &words("JRS.DESTROY", Some("sess:b"), &old, &[]));
            assert_eq!(send::<i64>(conn, &words("JRS.DESTROY", with_key, &old, &[])).unwrap(), 1, "{times}");
            assert_eq!(send::<i64>(conn, &words("JRS.DESTROY", with_key, &old, &[])).unwrap(), 0, "{times}");
            assert_eq!(send::<i64>(conn, &["DBSIZE"]).unwrap(), 0);
        }
    }
}

#[test]
fn a_key_of_another_type_is_refused() {
    let server = server();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    let fill: [(&str, &[&str]); 4] =
        [("RPUSH", &["a", "b"]), ("HSET", &["data", "{}"]), ("SADD", &["{}"]), ("XADD", &["*", "a", "b"])];
    for (command, rest) in fill {
        for expire in [None, Some("PEXPIRE")] {
            exec(conn, &["DEL", &key]);
            exec(conn, &[&[command, &key], rest].concat());
            if let Some(expire) = expire {
                exec(conn, &[expire, &key, "500000"]);
            }
            for (name, rest) in ON_A_SESSION {
                assert_refused(conn, "WRONGTYPE", &words(name, None, &token, rest));
                assert_refused(conn, "WRONGTYPE", &words(name, Some(&key), &token, rest));
            }
            assert_refused(conn, "WRONGTYPE", &["JRS.REVOKE", &key]);
        }
    }
}

/// Older releases kept an index in this key.
#[test]
fn the_index_key_of_an_older_release_has_no_effect() {
    let server = server();
    let conn = &mut server.conn();
    for words in [&["SET", "sess:{ada}", "x"][..], &["RPUSH", "sess:{ada}", "x"], &["ZADD", "sess:{ada}", "1", "x"]] {
        exec(conn, &["FLUSHALL"]);
        exec(conn, words);
        let (token, guest) = (create(conn, "ada", "{}", &[]), create(conn, "", "{}", &[]));
        let rotated: String = send(conn, &["JRS.ROTATE", &token]).unwrap();
        let moved: String = send(conn, &["JRS.ROTATE", &guest, "OWNER", "ada"]).unwrap();
        assert_indexed(conn, "ada", &[key(&rotated), key(&moved)]);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 2);
        assert_eq!(contents(conn).into_keys().collect::<Vec<_>>(), ["sess:{ada}"], "{words:?}");
    }
    // The token of another issuer may have this id.
    assert_refused(conn, "WRONGTYPE", &["JRS.REVOKE", "sess:{ada}"]);
    exec(conn, &["SET", "sess:{ada}", "{}"]);
    assert!(get(conn, &token(&json!({"jti": "{ada}"}))).is_some());
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", "sess:{ada}"]).unwrap(), 1);
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", "sess:{ada}"]).unwrap(), 0);
}

#[test]
fn revoke_refuses_keys_that_are_not_sessions() {
    let server = server();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let id = key(&token)["sess:".len()..].to_owned();
    exec(conn, &["SET", "other:key", "x"]);
    for wrong in ["", "other:key", "sess:", "sess", &id, "Sess:a", "other:{ada}"] {
        assert_refused(conn, "WRONGKEY", &["JRS.REVOKE", wrong]);
    }
    assert_refused(conn, "ERR", &["JRS.REVOKE", &token]);
    // A session of the npm package jwt-redis-session, without an owner.
    exec(conn, &["SET", "sess:9b2c5e1c-6e0b-4a57-8d9a-3f3a8f6d2c11", "{}"]);
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", "sess:9b2c5e1c-6e0b-4a57-8d9a-3f3a8f6d2c11"]).unwrap(), 1);
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", "sess:unknown"]).unwrap(), 0);
}

#[test]
fn commands_that_need_memory_are_refused_without_it() {
    let server = server();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let memory = |conn: &mut Connection, limit: &str| exec(conn, &["CONFIG", "SET", "maxmemory", limit]);
    memory(conn, "1");
    for command in [&["JRS.CREATE", "ada", "{}"][..], &["JRS.UPDATE", &token, "{}"], &["JRS.ROTATE", &token]] {
        assert_refused(conn, "OOM", command);
    }
    assert!(get(conn, &token).is_some());
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &token]).unwrap(), 1);
    memory(conn, "0");
    create(conn, "ada", "{}", &[]);
}

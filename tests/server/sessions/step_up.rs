//! MAXAUTHAGE of JRS.GET and JRS.PEEK refuses a session whose user authenticated too long ago (step-up authentication).

use redis::{Connection, Value};
use serde_json::{Value as Json, json};
use uuid::Builder;

use crate::support::{
    Server, await_that,
    clock::Clock,
    in_flight::info,
    replicas::{await_replicas, primary, replica},
    sessions::{assert_refused, begin, create, exec, millis, now, refused, send},
    tokens::{SECRET, key, sign, signing_keys},
};

const HOUR: i64 = 3600;
/// The largest MAXAUTHAGE, in seconds.
const YEAR: i64 = 31_536_000;

/// A token with only these claims.
fn token(claims: &Json) -> String {
    sign(&json!({"alg": "HS256"}), claims, SECRET.as_bytes())
}

/// The reads with this MAXAUTHAGE.
fn reads<'w>(key: &'w str, token: &'w str, seconds: &'w str) -> [Vec<&'w str>; 4] {
    [
        vec!["JRS.PEEK", token, "MAXAUTHAGE", seconds],
        vec!["JRS.GET", token, "maxauthage", seconds],
        vec!["JRS.PEEK", key, token, "MAXAUTHAGE", seconds],
        vec!["JRS.GET", key, token, "MAXAUTHAGE", seconds],
    ]
}

/// Checks that a read with this MAXAUTHAGE is refused and changes nothing.
#[track_caller]
fn assert_stale(conn: &mut Connection, token: &str, seconds: i64) {
    for words in reads(&key(token), token, &seconds.to_string()) {
        assert_refused(conn, "STALEAUTH", &words);
    }
}

/// Checks that a read with this MAXAUTHAGE returns the session.
#[track_caller]
fn assert_recent(conn: &mut Connection, token: &str, seconds: i64) {
    for words in reads(&key(token), token, &seconds.to_string()) {
        exec(conn, &words);
    }
}

fn rotate(conn: &mut Connection, token: &str, options: &[&str]) -> String {
    send(conn, &[&["JRS.ROTATE", token], options].concat()).unwrap_or_else(|error| panic!("{options:?}: {error}"))
}

#[test]
fn an_old_authentication_is_refused_until_the_user_authenticates_again() {
    for keys in signing_keys() {
        let clock = Clock::new();
        let server = clock.of(Server::builder().keys(keys.as_bytes())).start();
        let conn = &mut server.conn();
        let token = create(conn, "ada", r#"{"n":1}"#, &[]);
        assert_recent(conn, &token, 600);
        clock.set(conn, HOUR);
        assert_stale(conn, &token, HOUR - 600);
        assert_eq!(info(conn, "tokens_refused_stale_auth"), 4);
        assert_recent(conn, &token, HOUR + 600);
        // A rotation keeps the time, also with a new owner. REAUTH sets it.
        let token = rotate(conn, &token, &["CLAIMS", r#"{"role":"editor"}"#]);
        assert_stale(conn, &token, HOUR - 600);
        assert_recent(conn, &token, HOUR + 600);
        let token = rotate(conn, &token, &["OWNER", "bob"]);
        assert_stale(conn, &token, HOUR - 600);
        let token = rotate(conn, &token, &["REAUTH"]);
        assert_recent(conn, &token, 600);
        let token = rotate(conn, &token, &[]);
        assert_recent(conn, &token, 600);
        clock.set(conn, 2 * HOUR);
        assert_stale(conn, &token, HOUR - 600);
        assert_recent(conn, &token, HOUR + 600);
    }
}

#[test]
fn auth_time_counts_or_else_the_start() {
    let server = Server::builder().keys(SECRET.as_bytes()).arg("max-lifetime", "0").start();
    let conn = &mut server.conn();
    let v7 = |millis: i64| Builder::from_unix_timestamp_millis(millis.unsigned_abs(), &[7; 10]).into_uuid().to_string();
    let (old_id, late_id) = (v7(millis() - 1_000_000), v7(millis() + HOUR * 1000));
    let at = |ago: i64| now() - ago;
    for (claims, age) in [
        (json!({"jti": "a", "auth_time": at(1000), "iat": at(0)}), 1000),
        (json!({"jti": old_id, "auth_time": at(500), "iat": at(1000)}), 500),
        (json!({"jti": late_id, "auth_time": at(500)}), 500),
        (json!({"jti": "a", "iat": at(1000)}), 1000),
        (json!({"jti": old_id, "iat": at(0)}), 1000),
        (json!({"jti": old_id}), 1000),
        (json!({"jti": late_id, "iat": at(1000)}), 1000),
        // The clock of another machine.
        (json!({"jti": "a", "iat": at(-30)}), 0),
        (json!({"jti": "a", "iat": at(1000), "auth_time": at(-30)}), 0),
    ] {
        let mut claims = claims;
        claims["sub"] = json!("ada");
        exec(conn, &["SET", &format!("sess:{}", claims["jti"].as_str().unwrap()), "{}", "EX", "100000"]);
        let token = token(&claims);
        assert_recent(conn, &token, age + 400);
        if age > 0 {
            assert_stale(conn, &token, age - 400);
        }
    }
}

#[test]
fn an_unknown_time_and_an_anonymous_session_are_never_recent() {
    let server = Server::builder().keys(SECRET.as_bytes()).arg("max-lifetime", "0").start();
    let conn = &mut server.conn();
    for claims in [
        json!({"jti": "a", "sub": "ada"}),
        json!({"jti": "a", "sub": "ada", "iat": millis()}),
        json!({"jti": "a", "sub": "ada", "iat": now() + HOUR}),
        json!({"jti": "a", "sub": "ada", "iat": now(), "auth_time": millis()}),
        json!({"jti": "a", "sub": "ada", "iat": now(), "auth_time": now() + HOUR}),
        json!({"jti": "a", "sub": "ada", "iat": now(), "auth_time": 1e300}),
        json!({"jti": "a", "sub": "ada", "iat": now(), "auth_time": -1e300}),
        json!({"jti": "a", "sub": "ada", "iat": now(), "auth_time": 0}),
        json!({"jti": "a", "iat": now()}),
        json!({"jti": "a", "iat": now(), "auth_time": now()}),
        json!({"jti": "a", "sub": "", "iat": now(), "auth_time": now()}),
        json!({"jti": "a", "sub": 5, "iat": now(), "auth_time": now()}),
    ] {
        exec(conn, &["SET", "sess:a", "{}", "EX", "100000"]);
        let token = token(&claims);
        assert_stale(conn, &token, YEAR);
        // A rotation without REAUTH does not make the time known, apart from an `auth_time` in the future.
        if claims["auth_time"].as_f64().is_none_or(|time| time <= 0.0) {
            let owner: &[&str] = if claims["sub"].is_number() { &["OWNER", ""] } else { &[] };
            let rotated = rotate(conn, &token, owner);
            assert_stale(conn, &rotated, YEAR);
            exec(conn, &["JRS.DESTROY", &rotated]);
        }
    }
    let guest = create(conn, "", "{}", &[]);
    assert_stale(conn, &guest, YEAR);
    let guest = rotate(conn, &guest, &["REAUTH"]);
    assert_stale(conn, &guest, YEAR);
    let user = rotate(conn, &guest, &["OWNER", "ada", "REAUTH"]);
    assert_recent(conn, &user, 600);
}

#[test]
fn a_missing_session_is_null_and_a_refused_token_keeps_its_error() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        for owner in ["", "ada"] {
            let token = create(conn, owner, "{}", &[]);
            exec(conn, &["DEL", &key(&token)]);
            for words in reads(&key(&token), &token, "600") {
                assert_eq!(send::<Value>(conn, &words).unwrap(), Value::Nil);
            }
            assert_refused(conn, "ERR", &["JRS.GET", &token, "MAXAUTHAGE", "0"]);
            assert_refused(conn, "BADTOKEN", &["JRS.GET", &format!("{token}x"), "MAXAUTHAGE", "600"]);
            assert_refused(conn, "WRONGKEY", &["JRS.GET", "sess:x", &token, "MAXAUTHAGE", "600"]);
        }
        let short = create(conn, "", "{}", &["EXAT", &(now() + 1).to_string()]);
        await_that("the end of the token", || {
            send::<Value>(conn, &["JRS.GET", &short]).err().filter(|error| error.code() == Some("EXPIREDTOKEN"))
        });
        // The server removes the key at any time now.
        assert_eq!(refused(conn, &["JRS.GET", &short, "MAXAUTHAGE", "600"]), "EXPIREDTOKEN");
    }
}

#[test]
fn invalid_options_are_refused() {
    let server = Server::start();
    let conn = &mut server.conn();
    let (user, guest) = (create(conn, "ada", "{}", &[]), create(conn, "", "{}", &[]));
    let too_long = (YEAR + 1).to_string();
    for options in [
        &["MAXAUTHAGE"][..],
        &["MAXAUTHAGE", "600", "MAXAUTHAGE", "600"],
        &["MAXAUTHAGE", "600", "EX"],
        &["MAXAUTHAGES", "600"],
        &["MAXAUTHAGE 600"],
        &["600"],
        &["MAXAUTHAGE", ""],
        &["MAXAUTHAGE", "0"],
        &["MAXAUTHAGE", "-1"],
        &["MAXAUTHAGE", "+1"],
        &["MAXAUTHAGE", "1.5"],
        &["MAXAUTHAGE", " 1"],
        &["MAXAUTHAGE", "one"],
        &["MAXAUTHAGE", &too_long],
        &["MAXAUTHAGE", "9223372036854775808"],
        &["MAXAUTHAGE", "18446744073709551617"],
    ] {
        for command in ["JRS.GET", "JRS.PEEK"] {
            for token in [&user, &guest] {
                assert_refused(conn, "ERR", &[&[command, token], options].concat());
                assert_refused(conn, "ERR", &[&[command, &key(token), token], options].concat());
            }
        }
    }
    assert_recent(conn, &user, YEAR);
}

#[test]
fn the_option_works_in_transactions_scripts_and_replicas() {
    for keys in signing_keys() {
        let server = primary(Server::builder().keys(keys.as_bytes())).start();
        let replica = replica(&server, Server::builder().keys(keys.as_bytes()));
        let conn = &mut server.conn();
        let (user, guest) = (create(conn, "ada", "{}", &[]), create(conn, "", "{}", &[]));
        let (user, guest) = (user.as_str(), guest.as_str());
        exec(conn, &["MULTI"]);
        for token in [user, guest, user] {
            exec(conn, &["JRS.GET", token, "MAXAUTHAGE", "600"]);
        }
        begin(conn, &["EXEC"]);
        let Value::Array(replies) = conn.recv_response().unwrap() else { panic!("EXEC") };
        let is_stale = |value: &Value| matches!(value, Value::ServerError(error) if error.code() == "STALEAUTH");
        assert_eq!(replies.iter().map(is_stale).collect::<Vec<_>>(), [false, true, false], "{replies:?}");
        let script = "return redis.call('JRS.GET', ARGV[1], 'MAXAUTHAGE', '600')[3]";
        assert_eq!(send::<String>(conn, &["EVAL", script, "0", user]).unwrap(), "owner");
        assert_eq!(refused(conn, &["EVAL", script, "0", guest]), "STALEAUTH");
        await_replicas(conn, 1);
        let conn = &mut replica.conn();
        exec(conn, &["JRS.PEEK", user, "MAXAUTHAGE", "600"]);
        assert_refused(conn, "STALEAUTH", &["JRS.PEEK", guest, "MAXAUTHAGE", "600"]);
    }
}

#[test]
fn the_option_works_without_the_write_flag() {
    let server = Server::builder().arg("get-requires-write", "no").start();
    let conn = &mut server.conn();
    let (user, guest) = (create(conn, "ada", "{}", &[]), create(conn, "", "{}", &[]));
    assert_recent(conn, &user, 600);
    // The expiry is due to be extended, and the refused read does not do it.
    exec(conn, &["EXPIRE", &key(&guest), "1000"]);
    assert_stale(conn, &guest, 600);
    exec(conn, &["JRS.GET", &guest]);
    assert!(send::<i64>(conn, &["TTL", &key(&guest)]).unwrap() > 1000);
}

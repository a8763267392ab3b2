//! Deadlines of sessions: `EXAT`, `PXAT`, `exp`, `nbf` and max-lifetime.

use jsonwebtoken::Algorithm;
use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Server, await_that,
    sessions::{assert_lives, assert_refused, create, exec, expiry, get, millis, now, refusal, send},
    tokens::{self, SECRET, claims, key, sign_bytes, token},
};

/// The default of `max-age`, in milliseconds.
const DAY: i64 = 86_400_000;

/// The commands that refuse a token outside its time, with the arguments after the token.
const CHECK_TIME: [(&str, &[&str]); 5] = [
    ("JRS.GET", &[]),
    ("JRS.PEEK", &[]),
    ("JRS.TOUCH", &["EX", "50"]),
    ("JRS.UPDATE", &[r#"{"n":2}"#]),
    ("JRS.UPDATE", &[r#"{"n":2}"#, "KEEPTTL"]),
];

/// The commands that move the expiry of a session.
const EXTENDING: [(&str, &[&str]); 7] = [
    ("JRS.GET", &[]),
    ("JRS.TOUCH", &[]),
    ("JRS.TOUCH", &["EX", "99999999"]),
    ("JRS.UPDATE", &["{}"]),
    ("JRS.UPDATE", &["{}", "KEEPTTL"]),
    ("JRS.UPDATE", &["{}", "EX", "99999999"]),
    ("JRS.UPDATE", &["{}", "PX", "99999999999"]),
];

/// A server with [`SECRET`] and these module arguments.
fn server(arguments: &[&str]) -> Server {
    Server::builder().keys(SECRET.as_bytes()).args(arguments).start()
}

/// Checks that each command sets the key's expiry to `end`, regardless of its former value.
fn assert_bounded(conn: &mut Connection, token: &str, end: i64) {
    let key = key(token);
    let states: [&[&str]; 2] = [&["PERSIST", &key], &["PEXPIREAT", &key, &(end + 5000).to_string()]];
    for (name, rest) in EXTENDING {
        for state in states {
            exec(conn, &["SET", &key, "{}"]);
            exec(conn, state);
            let reply: Value = send(conn, &[&[name, token], rest].concat()).unwrap();
            assert_ne!(reply, Value::Nil, "{name} {rest:?}");
            assert_eq!(expiry(conn, &key), end, "{name} {rest:?} after {state:?}");
        }
    }
}

/// Checks that the commands that need a valid token refuse it with this word, and that JRS.DESTROY accepts it.
fn assert_only_destroys(conn: &mut Connection, token: &str, word: &str) {
    exec(conn, &["SET", &key(token), "{}", "EX", "500"]);
    for (name, rest) in CHECK_TIME {
        assert_refused(conn, word, &[&[name, token], rest].concat());
    }
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", token]).unwrap(), 1);
}

#[test]
fn a_deadline_is_the_exp_of_the_token_and_the_expiry_of_the_key() {
    let server = server(&[]);
    let conn = &mut server.conn();
    let second = now() + 1000;
    let exp = |claim: &str| format!(r#"{{"role":"admin","exp":{claim}}}"#);
    let cases: [(&[&str], i64, serde_json::Value); 6] = [
        (&["EXAT", &second.to_string()], second * 1000, json!(second)),
        (&["PXAT", &format!("{second}000")], second * 1000, json!(second)),
        (&["PXAT", &format!("{second}050")], second * 1000 + 50, json!(second as f64 + 0.05)),
        (&["CLAIMS", &exp(&second.to_string())], second * 1000, json!(second)),
        (&["CLAIMS", &exp(&format!("{second}.5"))], second * 1000 + 500, json!(second as f64 + 0.5)),
        (&["CLAIMS", &exp(&second.to_string()), "EX", "5000"], second * 1000, json!(second)),
    ];
    for (options, end, claim) in cases {
        let token = create(conn, "ada", "{}", options);
        assert_eq!(claims(&token)["exp"], claim, "{options:?}");
        assert_eq!(expiry(conn, &key(&token)), end, "{options:?}");
        assert_bounded(conn, &token, end);
    }
}

#[test]
fn a_session_with_a_deadline_has_an_idle_timeout_too() {
    let server = server(&[]);
    let conn = &mut server.conn();
    let deadline = (now() + 10 * 86_400).to_string();
    let exp = format!(r#"{{"exp":{deadline}}}"#);
    let cases: [(&[&str], i64); 3] =
        [(&["EXAT", &deadline], DAY), (&["CLAIMS", &exp], DAY), (&["CLAIMS", &exp, "PX", "5000500"], 5_000_500)];
    for (options, span) in cases {
        let token = create(conn, "ada", "{}", options);
        for state in [["PEXPIRE", "50000"].as_slice(), &["PERSIST"], &["PEXPIREAT", &format!("{deadline}000")]] {
            exec(conn, &[&[state[0], &key(&token)], &state[1..]].concat());
            assert_lives(conn, &key(&token), span, |conn| get(conn, &token).unwrap());
        }
    }
}

#[test]
fn a_session_ends_at_its_deadline() {
    let server = server(&[]);
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &["PXAT", &(millis() + 5000).to_string()]);
    assert_eq!(get(conn, &token).unwrap().owner, "ada");
    await_that("the deadline", || send::<Value>(conn, &["JRS.GET", &token]).is_err().then_some(()));
    // The server removes a key after its last millisecond.
    await_that("the expiry of the key", || (!send::<bool>(conn, &["EXISTS", &key(&token)]).unwrap()).then_some(()));
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &token]).unwrap(), 0);
    assert_only_destroys(conn, &token, "EXPIREDTOKEN");
}

#[test]
fn create_refuses_a_past_deadline() {
    let server = server(&["leeway", "300"]);
    let conn = &mut server.conn();
    let past = now() - 1;
    for options in
        [["EXAT", &past.to_string()], ["PXAT", &format!("{past}000")], ["CLAIMS", &format!(r#"{{"exp":{past}}}"#)]]
    {
        assert_refused(conn, "ERR", &[&["JRS.CREATE", "ada", "{}"][..], &options].concat());
    }
    assert_eq!(send::<i64>(conn, &["DBSIZE"]).unwrap(), 0);
}

#[test]
fn leeway_extends_no_session() {
    let server = server(&[]);
    let conn = &mut server.conn();
    let token = |name: &str, time: i64| token(&json!({"jti": "a", name: now() + time}));
    let (over, early) = (token("exp", -100), token("nbf", 100));
    assert_only_destroys(conn, &over, "EXPIREDTOKEN");
    assert_only_destroys(conn, &early, "BADTOKEN");

    exec(conn, &["CONFIG", "SET", "jrs.leeway", "300"]);
    assert_only_destroys(conn, &token("exp", -301), "EXPIREDTOKEN");
    assert_only_destroys(conn, &token("nbf", 400), "BADTOKEN");
    exec(conn, &["SET", "sess:a", "{}"]);
    assert_lives(conn, "sess:a", DAY, |conn| get(conn, &early).unwrap());
    // The leeway admits the token, but the session has ended, even if the key exists.
    exec(conn, &["SET", "sess:a", "{}"]);
    for (name, rest) in CHECK_TIME {
        assert_eq!(
            send::<Value>(conn, &[&[name, over.as_str()], rest].concat()).unwrap(),
            Value::Nil,
            "{name} {rest:?}"
        );
    }
    assert_eq!((send::<String>(conn, &["GET", "sess:a"]).unwrap().as_str(), expiry(conn, "sess:a")), ("{}", -1));
    let ending = now() + 100;
    assert_bounded(conn, &tokens::token(&json!({"jti": "a", "exp": ending})), ending * 1000);

    // Cached tokens are checked against the new leeway.
    exec(conn, &["CONFIG", "SET", "jrs.leeway", "0"]);
    assert_only_destroys(conn, &over, "EXPIREDTOKEN");
    assert_only_destroys(conn, &early, "BADTOKEN");
}

#[test]
fn a_session_starts_at_its_nbf() {
    let server = server(&[]);
    let conn = &mut server.conn();
    let nbf = |from_now: i64| format!(r#"{{"nbf":{}}}"#, now() + from_now);
    let later = create(conn, "ada", "{}", &["CLAIMS", &nbf(1000)]);
    assert_only_destroys(conn, &later, "BADTOKEN");
    let soon = create(conn, "ada", "{}", &["CLAIMS", &nbf(4)]);
    assert_eq!(refusal(conn, &soon), "BADTOKEN");
    await_that("the start", || send::<Value>(conn, &["JRS.GET", &soon]).ok());
    assert!(get(conn, &soon).is_some());
}

/// An id with a version 7 UUID of this time.
fn id(owner: &str, millis: i64) -> String {
    format!("{owner}{}", uuid::Builder::from_unix_timestamp_millis(millis.try_into().unwrap(), &[7; 10]).into_uuid())
}

#[test]
fn max_lifetime_counts_from_the_earliest_known_start() {
    let server = server(&["max-lifetime", "1000"]);
    let conn = &mut server.conn();
    let tokens_from = |millis: i64| {
        let (start, later) = (millis / 1000, millis / 1000 + 50);
        [
            json!({"jti": "a", "iat": start}),
            json!({"jti": "a", "auth_time": start}),
            json!({"jti": id("", millis)}),
            json!({"jti": id("{ada}:", millis)}),
            json!({"jti": "a", "iat": start, "auth_time": later}),
            json!({"jti": "a", "iat": later, "auth_time": start}),
            json!({"jti": id("", millis), "iat": later, "auth_time": later}),
            json!({"jti": id("", millis + 50_000), "iat": start}),
            json!({"jti": id("{a}:", millis + 50_000), "iat": later, "auth_time": start}),
        ]
    };
    let second = now() * 1000;
    for claims in tokens_from(second - 900_000) {
        assert_bounded(conn, &token(&claims), second + 100_000);
    }
    for claims in tokens_from(second - 1_000_000) {
        assert_only_destroys(conn, &token(&claims), "EXPIREDTOKEN");
    }
    let fraction = token(&json!({"jti": id("", second - 900_001)}));
    assert_bounded(conn, &fraction, second + 99_999);
}

#[test]
fn a_new_session_ends_within_max_lifetime() {
    let server = server(&["max-lifetime", "1000"]);
    let conn = &mut server.conn();
    let far = (now() + 5000).to_string();
    let cases: [&[&str]; 5] =
        [&[], &["EX", "5000"], &["PX", "5000000"], &["EXAT", &far], &["CLAIMS", &format!(r#"{{"exp":{far}}}"#)]];
    for options in cases {
        let token = create(conn, "ada", "{}", options);
        let end = (claims(&token)["iat"].as_i64().unwrap() + 1000) * 1000;
        let created = expiry(conn, &key(&token));
        assert_bounded(conn, &token, end);
        assert!(created <= end, "{options:?}: the key expires {} ms after the start plus max-lifetime", created - end);
    }
}

#[test]
fn a_new_max_lifetime_applies_at_once() {
    let server = server(&[]);
    let conn = &mut server.conn();
    let start = now() - 500;
    let token = token(&json!({"jti": "a", "iat": start}));
    let set = |conn: &mut Connection, seconds: &str| exec(conn, &["CONFIG", "SET", "jrs.max-lifetime", seconds]);
    exec(conn, &["SET", "sess:a", "{}"]);
    assert_lives(conn, "sess:a", DAY, |conn| get(conn, &token).unwrap());
    set(conn, "1000");
    assert_bounded(conn, &token, (start + 1000) * 1000);
    set(conn, "400");
    assert_only_destroys(conn, &token, "EXPIREDTOKEN");
    set(conn, "0");
    exec(conn, &["SET", "sess:a", "{}"]);
    assert_lives(conn, "sess:a", DAY, |conn| get(conn, &token).unwrap());
}

/// What happens to a token with an unusual time.
#[derive(Clone, Copy, Debug)]
enum Outcome {
    Refused(&'static str),
    /// The same as without the claim.
    Accepted,
}

#[test]
fn unusual_times_are_accepted_or_refused() {
    use Outcome::{Accepted, Refused};
    let server = server(&[]);
    let conn = &mut server.conn();
    let not_a_time = ["\"1\"", "null", "true", "[1]", "{}", "1e999", "-1e999", "\"\""];
    let (past, future) =
        (["0", "-1", "-0.5", "0.5", "-1e300", "-9223372036854775808"], ["1e300", "18446744073709551615"]);
    let mut cases: Vec<(&str, &str, Outcome)> = Vec::new();
    for name in ["iat", "auth_time", "exp", "nbf"] {
        cases.extend(not_a_time.map(|time| (name, time, Refused("BADTOKEN"))));
    }
    for name in ["iat", "auth_time", "exp"] {
        cases.extend(past.map(|time| (name, time, Refused("EXPIREDTOKEN"))));
    }
    cases.extend(["iat", "auth_time"].map(|name| future.map(|time| (name, time, Refused("BADTOKEN")))).concat());
    cases.extend(future.map(|time| ("exp", time, Accepted)));
    cases.extend(past.map(|time| ("nbf", time, Accepted)));
    cases.extend(future.map(|time| ("nbf", time, Refused("BADTOKEN"))));
    for (name, time, outcome) in cases {
        let start = if matches!(name, "iat" | "auth_time") { String::new() } else { format!(r#""iat":{},"#, now()) };
        let payload = format!(r#"{{"jti":"a",{start}"{name}":{time}}}"#);
        let token = sign_bytes(br#"{"alg":"HS256"}"#, payload.as_bytes(), Algorithm::HS256, SECRET.as_bytes());
        exec(conn, &["SET", "sess:a", "{}"]);
        match outcome {
            Accepted => assert_lives(conn, "sess:a", DAY, |conn| assert!(get(conn, &token).is_some(), "{payload}")),
            Refused(word) => assert_eq!(refusal(conn, &token), word, "{payload}"),
        }
    }
}

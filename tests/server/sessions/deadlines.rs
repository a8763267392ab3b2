//! The hard ends of sessions: `EXAT`, `PXAT`, `exp`, `nbf` and max-lifetime.

use jsonwebtoken::Algorithm;
use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Server, await_that,
    sessions::{assert_lives, assert_refused, create, exec, expiry, get, millis, now, refusal, send},
    tokens::{self, SECRET, claims, key, sign_bytes, token},
};

/// `max-age` in milliseconds, where nobody sets it.
const DAY: i64 = 86_400_000;

/// The commands that need a token that is valid now, each with what has to follow the token.
const NEED_VALIDITY: [(&str, &[&str]); 5] = [
    ("JRS.GET", &[]),
    ("JRS.PEEK", &[]),
    ("JRS.TOUCH", &["EX", "50"]),
    ("JRS.UPDATE", &[r#"{"n":2}"#]),
    ("JRS.UPDATE", &[r#"{"n":2}"#, "KEEPTTL"]),
];

/// The commands that move the end of a session, as far as they may.
const MOVERS: [(&str, &[&str]); 7] = [
    ("JRS.GET", &[]),
    ("JRS.TOUCH", &[]),
    ("JRS.TOUCH", &["EX", "99999999"]),
    ("JRS.UPDATE", &["{}"]),
    ("JRS.UPDATE", &["{}", "KEEPTTL"]),
    ("JRS.UPDATE", &["{}", "EX", "99999999"]),
    ("JRS.UPDATE", &["{}", "PX", "99999999999"]),
];

/// A server that knows [`SECRET`], with these module arguments.
fn server(arguments: &[&str]) -> Server {
    Server::builder().keys(SECRET.as_bytes()).args(arguments).start()
}

/// Checks that nothing makes the session end later than at this moment, and all of it just then.
fn assert_bounded(conn: &mut Connection, token: &str, end: i64) {
    let key = key(token);
    let states: [&[&str]; 2] = [&["PERSIST", &key], &["PEXPIREAT", &key, &(end + 5000).to_string()]];
    for (name, rest) in MOVERS {
        for state in states {
            exec(conn, &["SET", &key, "{}"]);
            exec(conn, state);
            let reply: Value = send(conn, &[&[name, token], rest].concat()).unwrap();
            assert_ne!(reply, Value::Nil, "{name} {rest:?}");
            assert_eq!(expiry(conn, &key), end, "{name} {rest:?} after {state:?}");
        }
    }
}

/// Checks that a token is refused with this word by all that needs it to be valid, and is good for a logout.
fn assert_over(conn: &mut Connection, token: &str, word: &str) {
    exec(conn, &["SET", &key(token), "{}", "EX", "500"]);
    for (name, rest) in NEED_VALIDITY {
        assert_refused(conn, word, &[&[name, token], rest].concat());
    }
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", token]).unwrap(), 1);
}

#[test]
fn a_deadline_is_the_exp_of_the_token_and_the_end_of_the_session() {
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
fn a_session_with_a_deadline_idles_out_too() {
    let server = server(&[]);
    let conn = &mut server.conn();
    let deadline = (now() + 10 * 86_400).to_string();
    let exp = format!(r#"{{"exp":{deadline}}}"#);
    let cases: [(&[&str], i64); 3] =
        [(&["EXAT", &deadline], DAY), (&["CLAIMS", &exp], DAY), (&["CLAIMS", &exp, "PX", "5000500"], 5_000_500)];
    for (options, span) in cases {
        let token = create(conn, "ada", "{}", options);
        for state in [["PEXPIRE", "5000"].as_slice(), &["PERSIST"], &["PEXPIREAT", &format!("{deadline}000")]] {
            exec(conn, &[&[state[0], &key(&token)], &state[1..]].concat());
            assert_lives(conn, &key(&token), span, |conn| get(conn, &token).unwrap());
        }
    }
}

#[test]
fn a_deadline_comes() {
    let server = server(&[]);
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &["PXAT", &(millis() + 2000).to_string()]);
    assert_eq!(get(conn, &token).unwrap().owner, "ada");
    await_that("the deadline", || send::<Value>(conn, &["JRS.GET", &token]).is_err().then_some(()));
    // The server lets a key live until its last millisecond is over.
    await_that("the end of the key", || (!send::<bool>(conn, &["EXISTS", &key(&token)]).unwrap()).then_some(()));
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &token]).unwrap(), 0);
    assert_over(conn, &token, "EXPIREDTOKEN");
}

#[test]
fn a_deadline_that_has_passed_makes_no_session() {
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
fn leeway_is_for_clocks_that_differ_and_lengthens_no_session() {
    let server = server(&[]);
    let conn = &mut server.conn();
    let token = |name: &str, time: i64| token(&json!({"jti": "a", name: now() + time}));
    let (over, early) = (token("exp", -100), token("nbf", 100));
    assert_over(conn, &over, "EXPIREDTOKEN");
    assert_over(conn, &early, "BADTOKEN");

    exec(conn, &["CONFIG", "SET", "jrs.leeway", "300"]);
    assert_over(conn, &token("exp", -301), "EXPIREDTOKEN");
    assert_over(conn, &token("nbf", 400), "BADTOKEN");
    exec(conn, &["SET", "sess:a", "{}"]);
    assert_lives(conn, "sess:a", DAY, |conn| get(conn, &early).unwrap());
    // Within its leeway the token is good, but its session is over, although somebody keeps its key.
    exec(conn, &["SET", "sess:a", "{}"]);
    for (name, rest) in NEED_VALIDITY {
        assert_eq!(
            send::<Value>(conn, &[&[name, over.as_str()], rest].concat()).unwrap(),
            Value::Nil,
            "{name} {rest:?}"
        );
    }
    assert_eq!((send::<String>(conn, &["GET", "sess:a"]).unwrap().as_str(), expiry(conn, "sess:a")), ("{}", -1));
    let ending = now() + 100;
    assert_bounded(conn, &tokens::token(&json!({"jti": "a", "exp": ending})), ending * 1000);

    // Tokens that were seen meanwhile are judged anew.
    exec(conn, &["CONFIG", "SET", "jrs.leeway", "0"]);
    assert_over(conn, &over, "EXPIREDTOKEN");
    assert_over(conn, &early, "BADTOKEN");
}

#[test]
fn a_session_that_begins_later() {
    let server = server(&[]);
    let conn = &mut server.conn();
    let nbf = |from_now: i64| format!(r#"{{"nbf":{}}}"#, now() + from_now);
    let later = create(conn, "ada", "{}", &["CLAIMS", &nbf(1000)]);
    assert_over(conn, &later, "BADTOKEN");
    let soon = create(conn, "ada", "{}", &["CLAIMS", &nbf(2)]);
    assert_eq!(refusal(conn, &soon), "BADTOKEN");
    await_that("the beginning", || send::<Value>(conn, &["JRS.GET", &soon]).ok());
    assert!(get(conn, &soon).is_some());
}

/// An id that a version 7 UUID ends, made at this moment.
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
        assert_over(conn, &token(&claims), "EXPIREDTOKEN");
    }
    let fraction = token(&json!({"jti": id("", second - 900_001)}));
    assert_bounded(conn, &fraction, second + 99_999);
}

#[test]
fn no_new_session_outlives_max_lifetime() {
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
        assert!(
            created <= end,
            "{options:?}: a new session ends {} ms after its start plus max-lifetime",
            created - end
        );
    }
}

#[test]
fn a_new_max_lifetime_holds_at_once() {
    let server = server(&[]);
    let conn = &mut server.conn();
    let start = now() - 500;
    let token = token(&json!({"jti": "a", "iat": start}));
    let set = |conn: &mut Connection, seconds: &str| send::<()>(conn, &["CONFIG", "SET", "jrs.max-lifetime", seconds]);
    exec(conn, &["SET", "sess:a", "{}"]);
    assert_lives(conn, "sess:a", DAY, |conn| get(conn, &token).unwrap());
    set(conn, "1000").unwrap();
    assert_bounded(conn, &token, (start + 1000) * 1000);
    set(conn, "400").unwrap();
    assert_over(conn, &token, "EXPIREDTOKEN");
    set(conn, "0").unwrap();
    exec(conn, &["SET", "sess:a", "{}"]);
    assert_lives(conn, "sess:a", DAY, |conn| get(conn, &token).unwrap());
}

/// What becomes of a token whose claim is this odd time.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Refused(&'static str),
    /// It is as if the claim were not there.
    Lives,
}

#[test]
fn odd_times() {
    use Fate::{Lives, Refused};
    let server = server(&[]);
    let conn = &mut server.conn();
    let no_time = ["\"1\"", "null", "true", "[1]", "{}", "1e999", "-1e999", "\"\""];
    let (past, future) =
        (["0", "-1", "-0.5", "0.5", "-1e300", "-9223372036854775808"], ["1e300", "18446744073709551615"]);
    let mut cases: Vec<(&str, &str, Fate)> = Vec::new();
    for name in ["iat", "auth_time", "exp", "nbf"] {
        cases.extend(no_time.map(|time| (name, time, Refused("BADTOKEN"))));
    }
    for name in ["iat", "auth_time", "exp"] {
        cases.extend(past.map(|time| (name, time, Refused("EXPIREDTOKEN"))));
    }
    cases.extend(["iat", "auth_time"].map(|name| future.map(|time| (name, time, Refused("BADTOKEN")))).concat());
    cases.extend(future.map(|time| ("exp", time, Lives)));
    cases.extend(past.map(|time| ("nbf", time, Lives)));
    cases.extend(future.map(|time| ("nbf", time, Refused("BADTOKEN"))));
    for (name, time, fate) in cases {
        let start = if matches!(name, "iat" | "auth_time") { String::new() } else { format!(r#""iat":{},"#, now()) };
        let payload = format!(r#"{{"jti":"a",{start}"{name}":{time}}}"#);
        let token = sign_bytes(br#"{"alg":"HS256"}"#, payload.as_bytes(), Algorithm::HS256, SECRET.as_bytes());
        exec(conn, &["SET", "sess:a", "{}"]);
        match fate {
            Lives => assert_lives(conn, "sess:a", DAY, |conn| assert!(get(conn, &token).is_some(), "{payload}")),
            Refused(word) => assert_eq!(refusal(conn, &token), word, "{payload}"),
        }
    }
}

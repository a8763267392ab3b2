//! The idle timeout of sessions: touch-interval, a session's own TTL, and `EX`/`PX` for one use.

use redis::{Connection, Value};
use serde_json::json;

use crate::support::{
    Server, await_that,
    cases::{cases, each},
    sessions::{assert_lives, assert_refused, create, exec, expiry, get, millis, send},
    tokens::{SECRET, claims, key, token},
};

/// The default of `max-age`, in milliseconds.
const DAY: i64 = 86_400_000;

/// Makes a key expire this many milliseconds from now, as a client can do.
fn expire_in(conn: &mut Connection, key: &str, span: i64) {
    exec(conn, &["PEXPIRE", key, &span.to_string()]);
}

/// A command with a token. It panics if the session does not exist.
type Use = fn(&mut Connection, &str);

/// The commands that correct the expiry of a session.
const USES: [(&str, Use); 3] = [
    ("JRS.GET", |conn, token| assert!(get(conn, token).is_some())),
    ("JRS.TOUCH", |conn, token| exec(conn, &["JRS.TOUCH", token])),
    ("JRS.UPDATE", |conn, token| exec(conn, &["JRS.UPDATE", token, "{}"])),
];

#[test]
fn with_touch_interval_0_each_read_moves_the_expiry() {
    let server = Server::with_args(&["touch-interval", "0"]);
    let conn = &mut server.conn();
    let token = assert_create(conn, &[], DAY);
    let key = key(&token);
    for words in [vec!["JRS.GET", &token], vec!["JRS.GET", &key, &token]] {
        let earlier = expiry(conn, &key) - 1;
        exec(conn, &["PEXPIREAT", &key, &earlier.to_string()]);
        assert_lives(conn, &key, DAY, |conn| send::<Value>(conn, &words).unwrap());
    }
}

/// Creates a session and checks that its key expires after `span`. Returns the token.
fn assert_create(conn: &mut Connection, options: &[&str], span: i64) -> String {
    let before = millis();
    let token = create(conn, "ada", "{}", options);
    let expiry = expiry(conn, &key(&token));
    assert!((before + span..=millis() + span).contains(&expiry), "{options:?}: {expiry} is not {span} after {before}");
    token
}

#[test]
fn a_read_moves_the_expiry_only_after_the_touch_interval() {
    let server = Server::start();
    let conn = &mut server.conn();
    // The TTL of a session, how much earlier the key may expire without being moved, and how much earlier is moved. They
    // differ by at least ten seconds, so that a slow machine does not confuse them.
    let cases: [(&[&str], i64, i64, i64); 3] = [
        (&[], DAY, 50_000, 60_001),
        (&["EX", "500"], 500_000, 40_000, 50_001),
        (&["EX", "900"], 900_000, 50_000, 60_001),
    ];
    for (options, span, little, much) in cases {
        let token = create(conn, "ada", "{}", options);
        let key = key(&token);
        expire_in(conn, &key, span - little);
        let before = expiry(conn, &key);
        let ttl = get(conn, &token).unwrap().ttl;
        assert_eq!(expiry(conn, &key), before, "{options:?}");
        assert!(ttl <= (span - little) / 1000, "the reply has the seconds until the real expiry: {ttl}");

        expire_in(conn, &key, span - much);
        assert_lives(conn, &key, span, |conn| get(conn, &token).unwrap());
    }
    exec(conn, &["CONFIG", "SET", "jrs.touch-interval", "20"]);
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    expire_in(conn, &key, DAY - 20_001);
    assert_lives(conn, &key, DAY, |conn| get(conn, &token).unwrap());
}

#[test]
fn an_expiry_that_a_client_changed_is_corrected() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    let changes: [fn(&mut Connection, &str); 4] = [
        |conn, key| expire_in(conn, key, 5000),
        |conn, key| exec(conn, &["PERSIST", key]),
        |conn, key| expire_in(conn, key, 10 * DAY),
        |conn, key| expire_in(conn, key, DAY + 5000),
    ];
    for change in changes {
        for uses in cases(USES) {
            change(conn, &key);
            assert_lives(conn, &key, DAY, |conn| uses(conn, &token));
        }
        change(conn, &key);
        assert_eq!(get(conn, &token).unwrap().ttl, 86_400);

        // PEEK and INSPECT do not move the expiry.
        change(conn, &key);
        let before = expiry(conn, &key);
        for words in [["JRS.PEEK", &token], ["JRS.INSPECT", &token]] {
            assert_ne!(send::<Value>(conn, &words).unwrap(), Value::Nil);
            assert_eq!(expiry(conn, &key), before, "{words:?}");
        }
    }
}

#[test]
fn seconds_left_are_rounded_up() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    for span in [10_001, 10_500, 10_999, 11_000, 100_400] {
        expire_in(conn, &key, span);
        let (expiry, before) = (expiry(conn, &key), millis());
        for (name, position) in [("JRS.PEEK", 9), ("JRS.INSPECT", 17)] {
            let reply: Vec<Value> = send(conn, &[name, &token]).unwrap();
            let Value::Int(ttl) = reply[position] else { panic!("{reply:?}") };
            let up = |moment: i64| (expiry - moment + 999) / 1000;
            assert!((up(millis())..=up(before)).contains(&ttl), "{name}: {ttl} for {span} ms");
        }
    }
    for (ttl, seconds) in [("10001", 11), ("10999", 11), ("11000", 11), ("1", 1)] {
        assert_eq!(send::<i64>(conn, &["JRS.TOUCH", &token, "PX", ttl]).unwrap(), seconds, "{ttl} ms");
        exec(conn, &["SET", &key, "{}"]);
    }
}

#[test]
fn a_session_can_have_its_own_ttl() {
    let server = Server::start();
    let conn = &mut server.conn();
    let options: [(&[&str], i64, serde_json::Value); 5] = [
        (&["EX", "100"], 100_000, json!(100)),
        (&["PX", "100500"], 100_500, json!(100.5)),
        (&["PX", "100001"], 100_001, json!(100.001)),
        (&["PX", "200000"], 200_000, json!(200)),
        (&["EX", "864000"], 10 * DAY, json!(864_000)),
    ];
    for (options, span, claim) in each(options) {
        let token = assert_create(conn, options, span);
        assert_eq!(claims(&token)["ttl"], claim);
        let key = key(&token);
        for uses in cases(USES) {
            exec(conn, &["PERSIST", &key]);
            assert_lives(conn, &key, span, |conn| uses(conn, &token));
        }
        let (expiry, before) = (expiry(conn, &key), millis());
        let ttl = get(conn, &token).unwrap().ttl;
        let up = |moment: i64| (expiry - moment + 999) / 1000;
        assert!((up(millis())..=up(before)).contains(&ttl), "{ttl} seconds of {span} ms");
    }
    assert!(claims(&create(conn, "ada", "{}", &[])).get("ttl").is_none());
}

#[test]
fn an_unused_session_expires() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &["PX", "50"]);
    await_that("the expiry of the session", || {
        send::<Value>(conn, &["JRS.PEEK", &token]).unwrap().eq(&Value::Nil).then_some(())
    });
    assert!(get(conn, &token).is_none());
    assert_eq!(send::<Value>(conn, &["JRS.UPDATE", &token, "{}"]).unwrap(), Value::Nil);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &token]).unwrap(), 0);
    await_that("the expiry of the key", || (send::<i64>(conn, &["DBSIZE"]).unwrap() == 0).then_some(()));
}

#[test]
fn the_ttl_claim_of_another_issuer_is_used() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    let lives = |conn: &mut Connection, claims: serde_json::Value, span: i64| {
        let token = token(&claims);
        for uses in cases(USES) {
            exec(conn, &["SET", "sess:a", "{}"]);
            assert_lives(conn, "sess:a", span, |conn| uses(conn, &token));
        }
    };
    for (ttl, span) in [(json!(100), 100_000), (json!(100.5), 100_500), (json!(1e2), 100_000), (json!(99.9994), 99_999)]
    {
        lives(conn, json!({"jti": "a", "ttl": ttl}), span);
    }
    // Values that are not a positive number are ignored.
    for ttl in [json!(0), json!(-1), json!(-0.5), json!(0.0001), json!("100"), json!(null), json!([100]), json!(true)] {
        lives(conn, json!({"jti": "a", "ttl": ttl}), DAY);
    }
    // Very large values: the start and max-lifetime bound them.
    for ttl in [json!(1e300), json!(i64::MAX), json!(u64::MAX), json!(9.3e15)] {
        let iat = millis() / 1000;
        let token = token(&json!({"jti": "a", "ttl": ttl, "iat": iat}));
        for uses in cases(USES) {
            exec(conn, &["SET", "sess:a", "{}"]);
            uses(conn, &token);
            assert_eq!(expiry(conn, "sess:a"), (iat + 2_592_000) * 1000, "{ttl}");
        }
    }
}

#[test]
fn a_very_large_ttl_is_bounded() {
    let server = Server::builder()
        .keys(SECRET.as_bytes())
        .arg("max-lifetime", "0")
        .config("appendonly", "yes")
        .config("enable-debug-command", "yes")
        .start();
    let conn = &mut server.conn();
    for ttl in [json!(1e300), json!(i64::MAX), json!(9.2e15)] {
        let token = token(&json!({"jti": "a", "ttl": ttl}));
        for uses in cases(USES) {
            exec(conn, &["SET", "sess:a", "{}", "EX", "100"]);
            uses(conn, &token);
            let session = get(conn, &token).unwrap();
            assert!(session.ttl > 9_000_000_000_000, "{ttl}: {}", session.ttl);
            // A replica and a restarted server must be able to read what is written.
            let before = expiry(conn, "sess:a");
            exec(conn, &["DEBUG", "LOADAOF"]);
            assert_eq!(expiry(conn, "sess:a"), before, "{ttl}");
        }
    }
}

#[test]
fn ex_and_px_apply_once() {
    let server = Server::start();
    let conn = &mut server.conn();
    let commands: [(&[&str], &[&str]); 2] = [(&["JRS.TOUCH"], &[]), (&["JRS.UPDATE"], &["{}"])];
    for (options, own) in [(&[][..], DAY), (&["EX", "1000"], 1_000_000)] {
        let token = create(conn, "ada", "{}", options);
        let key = key(&token);
        for (name, data) in commands {
            for (option, value, span) in
                [("EX", "500", 500_000), ("PX", "500500", 500_500), ("EX", "100000", 100_000_000)]
            {
                let command = [name, &[&token], data, &[option, value]].concat();
                assert_lives(conn, &key, span, |conn| send::<Value>(conn, &command).unwrap());
                assert_lives(conn, &key, own, |conn| get(conn, &token).unwrap());
            }
        }
        assert_eq!(send::<i64>(conn, &["JRS.TOUCH", &token, "PX", "500500"]).unwrap(), 501);
        assert_eq!(claims(&token).get("ttl").is_some(), !options.is_empty());
    }
}

#[test]
fn keepttl_keeps_the_expiry() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let key = key(&token);
    for span in each([50_000, DAY / 2, DAY]) {
        expire_in(conn, &key, span);
        let before = expiry(conn, &key);
        for data in each([r#"{"n":1}"#, r#"{"n":2}"#]) {
            exec(conn, &["JRS.UPDATE", &token, data, "KEEPTTL"]);
            assert_eq!(expiry(conn, &key), before);
            assert_eq!(send::<String>(conn, &["GET", &key]).unwrap(), data);
        }
    }
    // A session without an expiry gets one.
    exec(conn, &["PERSIST", &key]);
    assert_lives(conn, &key, DAY, |conn| send::<Value>(conn, &["JRS.UPDATE", &token, "{}", "KEEPTTL"]).unwrap());
}

#[test]
fn a_new_max_age_applies_at_once() {
    let server = Server::start();
    let conn = &mut server.conn();
    let (token, own) = (create(conn, "ada", "{}", &[]), create(conn, "ada", "{}", &["EX", "5000"]));
    for (max_age, span) in [("100", 100_000), ("200000", 200_000_000), ("86400", DAY)] {
        exec(conn, &["CONFIG", "SET", "jrs.max-age", max_age]);
        for uses in cases(USES) {
            expire_in(conn, &key(&token), DAY * 3);
            assert_lives(conn, &key(&token), span, |conn| uses(conn, &token));
        }
        assert_create(conn, &[], span);
        expire_in(conn, &key(&own), DAY * 3);
        assert_lives(conn, &key(&own), 5_000_000, |conn| get(conn, &own).unwrap());
    }
    assert_refused(conn, "ERR", &["CONFIG", "SET", "jrs.max-age", "0"]);
    assert_create(conn, &[], DAY);
}

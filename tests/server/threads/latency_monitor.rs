//! Slow signatures in the server's latency monitor, and their jobs in INFO.

use redis::Connection;

use crate::support::{
    Server, await_that,
    cases::each,
    info::{counted, fields, grown_by},
    sessions::{at_once, create, exec, send},
    tokens::{SECRET, elliptic_jwk, rsa_pem},
};

/// The times in milliseconds that the latency monitor has of an event.
fn history(conn: &mut Connection, event: &str) -> Vec<i64> {
    let samples: Vec<(i64, i64)> = send(conn, &["LATENCY", "HISTORY", event]).unwrap();
    samples.into_iter().map(|(_, millis)| millis).collect()
}

/// The jobs of both queues that are done, and their microseconds: signing, then verifying.
fn jobs(conn: &mut Connection) -> [(i64, i64); 2] {
    let fields = fields(conn, "jrs_tokens");
    let number = |name: &str, queue: &str| fields[&format!("crypto_{name}_{queue}")].parse().unwrap();
    ["signing", "verifying"].map(|queue| (number("jobs", queue), number("usec", queue)))
}

#[test]
fn signatures_over_the_threshold_are_events() {
    let server = Server::builder().keys(rsa_pem().as_bytes()).config("latency-monitor-threshold", "1").start();
    let conn = &mut server.conn();
    await_that("a signature over the threshold", || {
        create(conn, "ada", "{}", &[]);
        history(conn, "jrs-sign").first().filter(|millis| **millis >= 1).map(drop)
    });
    // Each row begins with the name of the event.
    let latest: redis::Value = send(conn, &["LATENCY", "LATEST"]).unwrap();
    assert!(format!("{latest:?}").contains("jrs-sign"), "{latest:?}");
    let report: redis::Value = send(conn, &["LATENCY", "DOCTOR"]).unwrap();
    assert!(format!("{report:?}").contains("jrs-sign"), "{report:?}");
    exec(conn, &["LATENCY", "GRAPH", "jrs-sign"]);

    // With an empty cache of tokens, each read verifies. Many at once wait for each other.
    exec(conn, &["CONFIG", "SET", "jrs.token-cache-size", "0"]);
    let token = create(conn, "ada", "{}", &[]);
    await_that("a verification over the threshold", || {
        at_once(&server, 50, &["JRS.GET", &token]);
        history(conn, "jrs-verify").first().map(drop)
    });
}

#[test]
fn nothing_is_recorded_below_the_threshold_or_while_the_monitor_is_off() {
    let server = Server::builder().keys(elliptic_jwk().to_string().as_bytes()).start();
    let conn = &mut server.conn();
    for threshold in ["0", "3600000"] {
        exec(conn, &["CONFIG", "SET", "latency-monitor-threshold", threshold]);
        create(conn, "ada", "{}", &[]);
        assert!(history(conn, "jrs-sign").is_empty(), "threshold {threshold}");
    }
    exec(conn, &["CONFIG", "SET", "maxmemory-samples", "6", "latency-monitor-threshold", "1"]);
    await_that("a queue that is slow", || {
        at_once(&server, 100, &["JRS.CREATE", "ada", "{}"]);
        history(conn, "jrs-sign").first().map(drop)
    });
}

#[test]
fn jobs_are_counted_with_their_time() {
    let server = Server::builder().keys(elliptic_jwk().to_string().as_bytes()).start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let [(signed, usec), verified] = jobs(conn);
    assert_eq!((signed, verified), (1, (0, 0)));
    assert!((1..60_000_000).contains(&usec), "{usec} microseconds");
    for (words, signing, verifying) in each([
        (&["JRS.GET", &token][..], 0, 1),
        (&["JRS.GET", &token], 0, 0),
        (&["JRS.MINT", &token, "AUDIENCE", "a", "CLAIMS", r#"{"iss":"me"}"#], 1, 0),
        (&["JRS.CREATE", "ada", "[]"], 0, 0),
        (&["EVAL", "return redis.call('JRS.CREATE', 'ada', '{}')", "0"], 0, 0),
        (&["JRS.GET", &format!("{token}AAAA")], 0, 1),
    ]) {
        let before = jobs(conn);
        let _ = send::<redis::Value>(conn, words);
        let after = jobs(conn);
        let done = [0, 1].map(|queue| after[queue].0 - before[queue].0);
        assert_eq!(done, [signing, verifying]);
        for queue in [0, 1] {
            assert_eq!(after[queue].1 > before[queue].1, done[queue] > 0, "{before:?} {after:?}");
        }
    }
}

#[test]
fn fast_signatures_are_no_jobs() {
    let server = Server::builder().keys(SECRET.as_bytes()).config("latency-monitor-threshold", "1").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    assert_eq!(counted(conn, &["JRS.GET", &token]).0, grown_by(&[("sessions_read", 1)]));
    assert_eq!(jobs(conn), [(0, 0); 2]);
    assert!(history(conn, "jrs-sign").is_empty() && history(conn, "jrs-verify").is_empty());
}

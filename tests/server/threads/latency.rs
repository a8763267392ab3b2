//! The latency of slow signatures in commandstats, latencystats and SLOWLOG.

use std::time::Instant;

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    in_flight::{Batch, InFlight, assert_sound, outcomes, slow, words},
    sessions::{create, exec, send},
};

/// How many commands wait at the same time.
const COUNT: usize = 20;

/// A number in a line of INFO, such as `calls=3`.
fn number(info: &str, line: &str, field: &str) -> f64 {
    let fields = info.lines().find_map(|found| found.strip_prefix(line)).unwrap_or_else(|| panic!("{line} in {info}"));
    let value = fields.split([':', ',']).find_map(|found| found.strip_prefix(field)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("{field} in {fields}")).parse().unwrap()
}

/// The entries of a command in SLOWLOG: the microseconds and the words of each.
fn slow_log(conn: &mut Connection, name: &str) -> (Vec<f64>, Vec<Vec<String>>) {
    let entries: Vec<Vec<Value>> = send(conn, &["SLOWLOG", "GET", "-1"]).unwrap();
    let entry = |entry: &Vec<Value>| {
        let words: Vec<String> = redis::from_redis_value_ref(&entry[3]).unwrap();
        (words[0] == name).then(|| (f64::from(redis::from_redis_value_ref::<u32>(&entry[2]).unwrap()), words))
    };
    entries.iter().filter_map(entry).unzip()
}

/// Checks that the latency of a command includes its wait. Then the sum of the latencies of commands that wait at the same
/// time is more than the time that passes. Without the wait it cannot be, because the server's thread runs one at a time.
fn assert_wait_is_measured(name: &str, start: impl Fn(&Server, &[String]) -> InFlight) {
    let mut server = slow().config("slowlog-log-slower-than", "0").config("slowlog-max-len", "10000").start();
    let conn = &mut server.conn();
    // On a busy machine each command may be done before the next one arrives.
    await_that("commands that wait at the same time", || {
        let tokens: Vec<String> = (0..COUNT).map(|_| create(conn, "ada", "{}", &[])).collect();
        exec(conn, &["CONFIG", "RESETSTAT"]);
        exec(conn, &["SLOWLOG", "RESET"]);
        let begin = Instant::now();
        let mut waiting = start(&server, &tokens);
        let replies = waiting.replies();
        let passed = begin.elapsed().as_secs_f64() * 1e6;
        assert!(outcomes(&replies).iter().all(|outcome| *outcome == "ok"), "{replies:?}");

        let stats: String = send(conn, &["INFO", "commandstats"]).unwrap();
        let latency: String = send(conn, &["INFO", "latencystats"]).unwrap();
        let stat = |field| number(&stats, &format!("cmdstat_{name}:"), field);
        assert_eq!(stat("calls"), COUNT as f64, "each counts once: {stats}");
        let (logged, shown) = slow_log(conn, name);
        assert_eq!(logged.len(), COUNT, "each is logged once");
        assert!(tokens.iter().all(|token| shown.iter().all(|words| !words.contains(token))), "{shown:?}");
        // Half of them took at least the median, which the histogram rounds to two digits.
        let median = number(&latency, &format!("latency_percentiles_usec_{name}:"), "p50");
        let all = [stat("usec"), logged.iter().sum(), 0.9 * median * (COUNT / 2) as f64];
        all.iter().all(|time| *time > passed).then_some(())
    });
    assert_sound(&mut server);
}

#[test]
fn the_latency_of_create_includes_the_wait() {
    assert_wait_is_measured("JRS.CREATE", |server, _| InFlight::creates(server, COUNT));
}

#[test]
fn the_latency_of_rotate_includes_the_wait() {
    assert_wait_is_measured("JRS.ROTATE", |server, tokens| {
        let connections = tokens.iter().map(|_| server.conn()).collect();
        let commands: Vec<_> = tokens.iter().map(|token| words(&["JRS.ROTATE", token])).collect();
        InFlight::start(connections, &commands)
    });
}

#[test]
fn the_latency_of_get_includes_the_wait() {
    assert_wait_is_measured("JRS.GET", |server, tokens| {
        let commands: Vec<_> = tokens.iter().map(|token| words(&["JRS.GET", token])).collect();
        Batch::creates(server, COUNT).and(&commands).send()
    });
}

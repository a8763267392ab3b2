//! The priority of the crypto threads.

use std::{collections::BTreeSet, fs, path::Path};

use redis::Connection;

use crate::support::{
    Builder, Server, await_that,
    cases::each,
    in_flight::{assert_sound, es256},
    sessions::{create, exec, get, send},
};

/// By how much the niceness of the threads is higher than that of the server.
const DIFFERENCE: i64 = 10;

/// The folder of the server in /proc.
fn process(conn: &mut Connection) -> String {
    let info: String = send(conn, &["INFO", "server"]).unwrap();
    let id = info.lines().find_map(|line| line.strip_prefix("process_id:")).expect("INFO has the process id");
    format!("/proc/{id}")
}

/// Whether a seccomp filter is active. Then the module does not change priorities.
fn is_filtered(process: &str) -> bool {
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    !status.lines().any(|line| line == "Seccomp:\t0")
}

/// Whether a thread is a crypto thread, and its niceness. None if the thread has ended.
fn niceness(thread: &Path) -> Option<(bool, i64)> {
    let stat = fs::read_to_string(thread.join("stat")).ok()?;
    // The process id, the name in parentheses, the state, …: niceness is field 19.
    let (name, fields) = stat.split_once('(')?.1.rsplit_once(')')?;
    Some((name == "jrs-crypto", fields.split_whitespace().nth(16)?.parse().unwrap()))
}

/// The niceness of each crypto thread, and the set of those of all other threads, whose number varies.
fn threads(process: &str) -> (Vec<i64>, BTreeSet<i64>) {
    let (mut crypto, mut others) = (Vec::new(), BTreeSet::new());
    for thread in fs::read_dir(format!("{process}/task")).unwrap() {
        match niceness(&thread.unwrap().path()) {
            Some((true, niceness)) => crypto.push(niceness),
            Some((false, niceness)) => drop(others.insert(niceness)),
            None => {}
        }
    }
    (crypto, others)
}

/// Starts a server with the niceness `own`. Checks that its crypto threads have the higher niceness, whenever they start,
/// and that no other thread has.
fn assert_lower_priority(builder: Builder, own: i64) {
    let mut server = builder.keys(es256().as_bytes()).arg("token-cache-size", "0").start();
    let conn = &mut server.conn();
    let process = process(conn);
    let expected = if is_filtered(&process) { own } else { (own + DIFFERENCE).min(19) };
    assert_eq!(threads(&process), (vec![], [own].into()), "before the first slow signature");
    for count in each([2, 3, 1]) {
        exec(conn, &["CONFIG", "SET", "jrs.crypto-threads", &count.to_string()]);
        let token = create(conn, "ada", "{}", &[]);
        assert!(get(conn, &token).is_some());
        let expected = (vec![expected; count], [own].into());
        await_that("the niceness of the threads", || (threads(&process) == expected).then_some(()));
    }
    assert_sound(&mut server);
}

#[test]
fn only_crypto_threads_have_a_lower_priority() {
    assert_lower_priority(Server::builder(), niceness(Path::new("/proc/self")).expect("this process").1);
}

#[test]
fn the_priority_is_relative_to_the_server() {
    for (increment, own) in each([("5", 5), ("15", 15)]) {
        let (_, ours) = niceness(Path::new("/proc/self")).expect("this process");
        assert_lower_priority(Server::builder().launcher(&["nice", "-n", increment]), (ours + own).min(19));
    }
}

/// The filter kills the process if it changes a priority.
#[test]
fn with_a_seccomp_filter_priorities_are_not_changed() {
    let launcher = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/support/filtered.py");
    let builder = || Server::builder().launcher(&["python3", launcher]);
    assert!(is_filtered(&process(&mut builder().start().conn())));
    assert_lower_priority(builder(), niceness(Path::new("/proc/self")).expect("this process").1);
}

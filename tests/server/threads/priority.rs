//! The priority of the crypto threads, beside that of the server's own.

use std::{collections::BTreeSet, fs, path::Path};

use redis::Connection;

use crate::support::{
    Builder, Server, await_that,
    in_flight::{assert_sound, es256},
    sessions::{create, exec, get, send},
};

/// How much nicer than the server the threads are.
const STEPS: i64 = 10;

fn process(conn: &mut Connection) -> String {
    let info: String = send(conn, &["INFO", "server"]).unwrap();
    let id = info.lines().find_map(|line| line.strip_prefix("process_id:")).expect("INFO tells the process");
    format!("/proc/{id}")
}

/// Whether a filter of system calls is in force, under which nothing is asked for.
fn filtered(process: &str) -> bool {
    let status = fs::read_to_string(format!("{process}/status")).unwrap();
    !status.lines().any(|line| line == "Seccomp:\t0")
}

/// The niceness of a thread, and whether it is one of JRS's. None if it has ended.
fn niceness(thread: &Path) -> Option<(bool, i64)> {
    let stat = fs::read_to_string(thread.join("stat")).ok()?;
    // Number, name in parentheses, state, and so on: niceness is the nineteenth.
    let (name, fields) = stat.split_once('(')?.1.rsplit_once(')')?;
    Some((name == "jrs-crypto", fields.split_whitespace().nth(16)?.parse().unwrap()))
}

/// The niceness of each crypto thread, and what there is among the others, whose number the server's allocator changes.
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

/// Starts a server whose own niceness is `own`, and checks that its crypto threads, however many and however late they
/// are started, are nicer by the same steps, and nothing else is.
fn assert_nicer(builder: Builder, own: i64) {
    let mut server = builder.keys(es256().as_bytes()).arg("token-cache-size", "0").start();
    let conn = &mut server.conn();
    let process = process(conn);
    let theirs = if filtered(&process) { own } else { (own + STEPS).min(19) };
    assert_eq!(threads(&process), (vec![], [own].into()), "before the first slow signature");
    for count in [2, 3, 1] {
        exec(conn, &["CONFIG", "SET", "jrs.crypto-threads", &count.to_string()]);
        let token = create(conn, "ada", "{}", &[]);
        assert!(get(conn, &token).is_some());
        let expected = (vec![theirs; count], [own].into());
        await_that("threads, each of its niceness", || (threads(&process) == expected).then_some(()));
    }
    assert_sound(&mut server);
}

#[test]
fn crypto_threads_are_nicer_than_the_server_and_nothing_else_is() {
    assert_nicer(Server::builder(), niceness(Path::new("/proc/self")).expect("this process").1);
}

#[test]
fn the_servers_own_niceness_counts() {
    for (more, own) in [("5", 5), ("15", 15)] {
        let (_, ours) = niceness(Path::new("/proc/self")).expect("this process");
        assert_nicer(Server::builder().launcher(&["nice", "-n", more]), (ours + own).min(19));
    }
}

/// The filter ends the process for a change of priority.
#[test]
fn a_filter_of_system_calls_is_not_put_to_the_test() {
    let launcher = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/server/support/filtered.py");
    let builder = || Server::builder().launcher(&["python3", launcher]);
    assert!(filtered(&process(&mut builder().start().conn())));
    assert_nicer(builder(), niceness(Path::new("/proc/self")).expect("this process").1);
}

//! The policy `evict-idle` of `max-sessions`.

use crate::support::{
    Server,
    owner_sessions::{assert_agree, info},
    sessions::{create, exec, get, send},
    tokens::{id, key},
};

fn limited(max_sessions: &str) -> Server {
    Server::builder().args(&["max-sessions", max_sessions, "max-sessions-policy", "evict-idle"]).start()
}

#[test]
fn the_session_with_the_least_time_left_is_evicted() {
    let server = limited("3");
    let conn = &mut server.conn();
    let [long, short, middle] = ["9000", "1000", "5000"].map(|ttl| create(conn, "ada", "{}", &["EX", ttl]));
    let newest = create(conn, "ada", "{}", &["EX", "100"]);
    assert!(get(conn, &short).is_none(), "the session with the least time left");
    assert_eq!(assert_agree(conn, "ada"), [id(&long), id(&middle), id(&newest)]);
    // The age of a session does not matter, only the time that it has left.
    exec(conn, &["PEXPIRE", &key(&long), "50000"]);
    let last = create(conn, "ada", "{}", &["EX", "7000"]);
    assert_eq!(assert_agree(conn, "ada"), [id(&middle), id(&newest), id(&last)]);
    assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_evicted"), 2);
}

#[test]
fn a_used_session_stays() {
    let server = limited("2");
    let conn = &mut server.conn();
    let [used, idle] = [0; 2].map(|_| create(conn, "ada", "{}", &["EX", "5000"]));
    for token in [&used, &idle] {
        exec(conn, &["PEXPIRE", &key(token), "60000"]);
    }
    assert!(get(conn, &used).is_some(), "a read extends the session");
    let new = create(conn, "ada", "{}", &["EX", "5000"]);
    assert_eq!(assert_agree(conn, "ada"), [id(&used), id(&new)]);
    assert!(get(conn, &idle).is_none());
}

#[test]
fn of_sessions_that_expire_together_the_oldest_is_evicted() {
    let server = limited("3");
    let conn = &mut server.conn();
    let made = [0; 3].map(|_| create(conn, "ada", "{}", &["EX", "5000"]));
    let now: Vec<i64> = send(conn, &["TIME"]).unwrap();
    let deadline = (now[0] + 3000).to_string();
    for token in &made {
        exec(conn, &["EXPIREAT", &key(token), &deadline]);
    }
    let new = create(conn, "ada", "{}", &["EX", "5000"]);
    assert_eq!(assert_agree(conn, "ada"), [id(&made[1]), id(&made[2]), id(&new)]);
}

#[test]
fn a_session_without_an_expiry_is_evicted_last() {
    let server = limited("2");
    let conn = &mut server.conn();
    let [forever, expires] = [0; 2].map(|_| create(conn, "ada", "{}", &["EX", "5000"]));
    exec(conn, &["PERSIST", &key(&forever)]);
    let new = create(conn, "ada", "{}", &["EX", "9000"]);
    assert_eq!(assert_agree(conn, "ada"), [id(&forever), id(&new)]);
    assert!(get(conn, &expires).is_none());
    exec(conn, &["PERSIST", &key(&new)]);
    let last = create(conn, "ada", "{}", &["EX", "9000"]);
    assert_eq!(assert_agree(conn, "ada"), [id(&new), id(&last)], "of sessions without an expiry the oldest is evicted");
}

#[test]
fn a_lower_limit_evicts_the_most_idle_sessions() {
    let server = limited("0");
    let conn = &mut server.conn();
    let made = ["3000", "7000", "1000", "9000", "5000"].map(|ttl| create(conn, "ada", "{}", &["EX", ttl]));
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "3"]);
    // The new owner's limit holds for a rotation, too.
    let bob = create(conn, "bob", "{}", &["EX", "8000"]);
    let moved: String = send(conn, &["JRS.ROTATE", &bob, "OWNER", "ada"]).unwrap();
    assert_eq!(assert_agree(conn, "ada"), [id(&made[1]), id(&made[3]), id(&moved)]);
    assert_eq!(info(conn, "jrs_sessions", "jrs_sessions_evicted"), 3);
}

//! What JRS.ROTATEKEY leaves behind: old keys are dropped in time, and neither a crash nor a signature that is computed
//! meanwhile does harm.

use std::fs;

use redis::Connection;
use rustix::process::Pid;
use serde_json::json;

use super::rotate_key::{active, file, kids, rotate, set};
use crate::support::{
    Server, await_that,
    clock::Clock,
    owner_sessions::info,
    sessions::{begin, create, end, exec, get, millis, refusal, send},
    tokens::{elliptic_jwk, header},
};

const DAY: i64 = 86_400;

/// Waits until the server's timer has run: it deletes an expired key that no command touches.
fn await_timer(conn: &mut Connection) {
    let keys = |conn: &mut Connection| send::<usize>(conn, &["DBSIZE"]).unwrap();
    exec(conn, &["SELECT", "1"]);
    exec(conn, &["SET", "expired", "", "PX", "1"]);
    await_that("the timer", || (keys(conn) == 0).then_some(()));
    exec(conn, &["SELECT", "0"]);
}

#[test]
fn old_keys_are_dropped_when_their_tokens_have_expired() {
    let clock = Clock::new();
    let server = clock.of(Server::builder()).arg("max-lifetime", "86400").arg("leeway", "60").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &["EX", "86400"]);
    let first = kids(&server).remove(0);
    let second = rotate(conn);
    clock.set(conn, DAY - 100);
    assert!(get(conn, &token).is_some());
    await_timer(conn);
    // After a step back, a key is kept by the latest time that was seen.
    clock.set(conn, -30 * DAY);
    let third = rotate(conn);
    let retired = set(&server)[1]["jrs_retired_at"].as_i64().unwrap();
    assert!(retired >= millis() / 1000 + DAY - 200, "{retired}");
    assert_eq!(kids(&server), [third.clone(), second.clone(), first.clone()]);
    clock.set(conn, DAY + 30);
    assert_eq!(refusal(conn, &token), "EXPIREDTOKEN");
    await_timer(conn);
    assert_eq!(active(conn).len(), 3, "the leeway is not over");
    clock.set(conn, DAY + 200);
    await_that("the first key is dropped", || (active(conn) == [third.clone(), second.clone()]).then_some(()));
    assert_eq!(kids(&server), [third.clone(), second.clone()]);
    assert_eq!(refusal(conn, &token), "BADTOKEN");
    assert!(server.log().contains(&format!("dropped the old key '{first}'")));
    // A longer lifetime counts from the moment it is set. Without a limit no key is dropped.
    exec(conn, &["CONFIG", "SET", "jrs.max-lifetime", "0"]);
    clock.set(conn, 900 * DAY);
    let fourth = rotate(conn);
    assert_eq!(kids(&server), [fourth.clone(), third.clone(), second.clone()]);
    // Unloaded changes of the operator come first.
    let text = fs::read_to_string(file(&server)).unwrap();
    fs::write(file(&server), format!("{text}\n")).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.max-lifetime", "86400"]);
    await_timer(conn);
    assert_eq!(kids(&server).len(), 3);
    exec(conn, &["JRS.RELOAD"]);
    await_that("the second key is dropped", || (active(conn) == [fourth.clone(), third.clone()]).then_some(()));
    clock.set(conn, 903 * DAY);
    await_that("the third key is dropped", || (active(conn) == [fourth.clone()]).then_some(()));
    assert_eq!(kids(&server), [fourth]);
}

#[test]
fn a_killed_server_always_finds_a_whole_file() {
    let mut server = Server::start();
    let mut token = create(&mut server.conn(), "ada", "{}", &[]);
    let mut acknowledged = Vec::new();
    for round in 0..6 {
        let conn = &mut server.conn();
        let pid = Pid::from_raw(i32::try_from(info(conn, "server", "process_id")).unwrap()).unwrap();
        for _ in 0..3 {
            acknowledged.push(rotate(conn));
        }
        // The kill comes while one of these commands runs.
        conn.send_packed_command(&redis::cmd("JRS.ROTATEKEY").get_packed_command().repeat(12)).unwrap();
        for _ in 0..round {
            acknowledged.push(redis::from_redis_value(end(conn).unwrap()).unwrap());
        }
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        server.kill();
        let found = kids(&server);
        assert!(acknowledged.iter().all(|kid| found.contains(kid)), "{found:?}");
        server.restart();
        assert_eq!(active(&mut server.conn()), found);
        assert!(!server.dir().join("jrs-keys.json.new").exists());
        // The token of the first round is still one of a known key: its session was lost with the memory.
        assert!(get(&mut server.conn(), &token).is_none());
        token = create(&mut server.conn(), "ada", "{}", &[]);
    }
}

/// A signature that is computed while the key changes is computed again with the new key.
#[test]
fn a_rotation_while_signatures_are_computed_leaves_no_token_of_a_removed_key() {
    let server = Server::start();
    let conn = &mut server.conn();
    let generated = set(&server).remove(0);
    fs::write(file(&server), json!({"keys": [elliptic_jwk(), generated]}).to_string()).unwrap();
    exec(conn, &["JRS.RELOAD"]);
    let mut clients: Vec<Connection> = (0..30).map(|_| server.conn()).collect();
    for client in &mut clients {
        begin(client, &["JRS.CREATE", "ada", "{}"]);
    }
    let kid = rotate(conn);
    let tokens: Vec<String> =
        clients.iter_mut().map(|client| redis::from_redis_value(end(client).unwrap()).unwrap()).collect();
    for token in &tokens {
        assert!(get(conn, token).is_some());
        assert!([json!("slow"), json!(kid)].contains(&header(token)["kid"]));
    }
    assert_eq!(header(&create(conn, "ada", "{}", &[]))["kid"], *kid);
}

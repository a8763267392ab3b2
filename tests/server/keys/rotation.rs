//! Keys are rotated while clients create and read sessions: no valid token is refused, and no old token is accepted.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};

use redis::{Connection, RedisResult, Value};
use serde_json::json;

use crate::support::{
    Server, await_that,
    in_flight::{assert_sound, es256},
    sessions::{create, exec, get, refused, send},
    tokens::{SECRET, header, jwk, key},
};

/// Rotates keys while clients create and read sessions. `files` are the old key, both keys with the new one first, and the
/// new key. `change` activates a file.
fn rotate(files: [&str; 3], change: impl Fn(&Server, &mut Connection, &str)) {
    /// Phases: the old key is being removed, it is removed, the clients must stop.
    const REMOVING: usize = 1;
    const REMOVED: usize = 2;
    const STOP: usize = 3;
    let mut server = Server::builder().keys(files[0].as_bytes()).start();
    let conn = &mut server.conn();
    let first = create(conn, "ada", "{}", &[]);
    let kid = |token: &str| header(token)["kid"].clone();
    let (old, phase, done) = (kid(&first), AtomicUsize::new(0), AtomicUsize::new(0));
    let client = |number: usize| {
        let (mut conn, mut made) = (server.conn3(), vec![first.clone()]);
        let mut turn = number;
        while phase.load(SeqCst) < STOP {
            turn += 1;
            if turn.is_multiple_of(4) {
                made.push(create(&mut conn, "ada", "{}", &[]));
            }
            // Cached old tokens and the newest one in turn.
            let token = if turn.is_multiple_of(2) { &made[turn % made.len()] } else { &made[made.len() - 1] };
            let before = phase.load(SeqCst);
            let reply: RedisResult<Value> = send(&mut conn, &["JRS.GET", token]);
            let (after, is_old) = (phase.load(SeqCst), kid(token) == old);
            match reply {
                Ok(Value::Map(_)) => assert!(!(is_old && before >= REMOVED), "a token of a removed key is accepted"),
                Err(error) => {
                    assert_eq!(error.code(), Some("BADTOKEN"), "{error}");
                    assert!(is_old && after >= REMOVING, "a valid token is refused: {error}");
                }
                Ok(other) => panic!("{other:?}"),
            }
            done.fetch_add(1, SeqCst);
        }
        made
    };
    let made: Vec<String> = thread::scope(|scope| {
        let clients: Vec<_> = (0..4).map(|number| scope.spawn(move || client(number))).collect();
        let await_requests = || {
            let goal = done.load(SeqCst) + 400;
            await_that("requests", || {
                let failed = clients.iter().any(thread::ScopedJoinHandle::is_finished);
                (failed || done.load(SeqCst) >= goal).then_some(())
            });
        };
        await_requests();
        change(&server, conn, files[1]);
        await_requests();
        phase.store(REMOVING, SeqCst);
        change(&server, conn, files[2]);
        phase.store(REMOVED, SeqCst);
        await_requests();
        phase.store(STOP, SeqCst);
        clients.into_iter().flat_map(|client| client.join().expect("the client did not fail")).collect()
    });
    let (olds, news): (Vec<_>, Vec<_>) = made.iter().partition(|token| kid(token) == old);
    assert!(olds.len() > 20 && news.len() > 20, "{} old, {} new tokens", olds.len(), news.len());
    for token in olds {
        for command in ["JRS.GET", "JRS.PEEK", "JRS.TOUCH", "JRS.DESTROY"] {
            assert_eq!(refused(conn, &[command, token]), "BADTOKEN", "{command}");
        }
        assert_eq!(send::<i64>(conn, &["EXISTS", &key(token)]).unwrap(), 1);
    }
    assert!(news.iter().all(|token| get(conn, token).is_some()));
    assert_sound(&mut server);
}

fn by_reload(server: &Server, conn: &mut Connection, file: &str) {
    fs::write(server.dir().join("keys"), file).unwrap();
    exec(conn, &["JRS.RELOAD"]);
}

fn by_config_set(server: &Server, conn: &mut Connection, file: &str) {
    let name = (0..).map(|number| format!("keys{number}")).find(|name| !server.dir().join(name).exists()).unwrap();
    fs::write(server.dir().join(&name), file).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", &name]);
}

/// Files for [`rotate`] with secrets.
fn secrets() -> [String; 3] {
    let [old, new] = ["old", "new"].map(|kid| jwk(kid, "HS256", format!("{kid}{SECRET}").as_bytes()));
    [json!({"keys": [old]}), json!({"keys": [new, old]}), json!({"keys": [new]})].map(|set| set.to_string())
}

/// Files for [`rotate`] with key pairs.
fn key_pairs() -> [String; 3] {
    let (old, new) = (es256(), es256());
    [old.clone(), format!("{new}{old}"), new]
}

#[test]
fn secrets_are_rotated_by_reload() {
    rotate(secrets().each_ref().map(|file| &**file), by_reload);
}

#[test]
fn secrets_are_rotated_by_config_set() {
    rotate(secrets().each_ref().map(|file| &**file), by_config_set);
}

#[test]
fn key_pairs_are_rotated_by_reload() {
    rotate(key_pairs().each_ref().map(|file| &**file), by_reload);
}

#[test]
fn key_pairs_are_rotated_by_config_set() {
    rotate(key_pairs().each_ref().map(|file| &**file), by_config_set);
}

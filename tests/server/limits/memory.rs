//! `maxmemory` under the policy `noeviction`: a command is done completely or refused with `OOM`.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use redis::{Connection, RedisResult};

use super::known_sessions::{KnownSessions, assert_known};
use crate::support::{
    Server, await_that,
    owner_sessions::{assert_agree, assert_index_agrees, info},
    sessions::{assert_refused, create, exec, get, send},
    tokens::signing_keys,
};

const OWNERS: [&str; 3] = ["ada", "bob", "eve"];

/// Creates, changes, rotates and destroys sessions until `enough` commands of all clients were refused. All commands
/// succeed or are refused with `OOM`.
fn act(conn: &mut Connection, seed: usize, refused: &AtomicUsize, enough: usize) -> KnownSessions {
    let (mut known, mut live) = (KnownSessions::new(), Vec::<String>::new());
    let mut step = seed;
    while refused.load(Ordering::Relaxed) < enough {
        step += 1;
        let data = format!(r#"{{"n":{step},"x":"{}"}}"#, "x".repeat(step * 37 % 3000));
        let chosen = (!live.is_empty()).then(|| step * 31 % live.len());
        let outcome: RedisResult<()> = match (step % 6, chosen) {
            (0 | 1, Some(at)) => send(conn, &["JRS.UPDATE", &live[at], &data]).map(|_: String| {
                known.insert(live[at].clone(), Some(data));
            }),
            (2 | 3, Some(at)) => {
                let words = ["JRS.ROTATE", &live[at], "OWNER", OWNERS[step / 6 % 3]];
                let words = if step.is_multiple_of(2) { &words[..2] } else { &words };
                send::<String>(conn, words).map(|new| {
                    let data = known.insert(live[at].clone(), None).flatten();
                    known.insert(new.clone(), data);
                    live[at] = new;
                })
            }
            (4, Some(at)) if step.is_multiple_of(4) => {
                assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &live[at]]).unwrap(), 1, "JRS.DESTROY needs no memory");
                known.insert(live.swap_remove(at), None);
                Ok(())
            }
            (4, Some(at)) => {
                exec(conn, &["JRS.TOUCH", &live[at]]);
                get(conn, &live[at]).expect("JRS.TOUCH and JRS.GET need no memory");
                Ok(())
            }
            _ => send(conn, &["JRS.CREATE", OWNERS[step / 6 % 3], &data]).map(|new: String| {
                known.insert(new.clone(), Some(data));
                live.push(new);
            }),
        };
        if let Err(error) = outcome {
            assert_eq!(error.code(), Some("OOM"), "{error}");
            refused.fetch_add(1, Ordering::Relaxed);
        }
    }
    known
}

#[test]
fn under_load_nothing_is_half_written() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        // The token cache and the connections have their memory before the limit is set.
        let mut connections: Vec<Connection> = (0..3).map(|_| server.conn()).collect();
        connections.iter_mut().for_each(|conn| exec(conn, &["PING"]));
        let limit = info(conn, "memory", "used_memory") + 400_000;
        exec(conn, &["CONFIG", "SET", "maxmemory", &limit.to_string()]);
        let refused = AtomicUsize::new(0);
        let known: Vec<KnownSessions> = thread::scope(|scope| {
            let client = |(number, mut conn): (usize, Connection)| {
                let refused = &refused;
                scope.spawn(move || act(&mut conn, number * 1000, refused, 60))
            };
            let clients: Vec<_> = connections.into_iter().enumerate().map(client).collect();
            clients.into_iter().map(|client| client.join().expect("only OOM is a refusal")).collect()
        });
        exec(conn, &["CONFIG", "SET", "maxmemory", "0"]);
        let known: KnownSessions = known.into_iter().flatten().collect();
        let live = known.values().flatten().count();
        assert!(live > 0 && known.len() > live);
        assert_known(conn, &known);
        assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), live, "a refused command leaves no key");
        let owned: usize = OWNERS.map(|owner| assert_agree(conn, owner).len()).iter().sum();
        assert_eq!(owned, live);
        assert_index_agrees(conn);
    }
}

#[test]
fn sessions_that_are_destroyed_make_room() {
    let server = Server::builder().args(&["max-sessions", "3", "max-sessions-policy", "evict-oldest"]).start();
    let data = format!(r#"{{"x":"{}"}}"#, "x".repeat(100_000));
    let tokens = {
        let conn = &mut server.conn();
        [(); 3].map(|()| create(conn, "ada", &data, &[]))
    };
    // The buffer of a connection is as large as its last command. The server frees it at any time, at the latest now.
    let conn = &mut server.conn();
    await_that("one client", || (info(conn, "clients", "connected_clients") == 1).then_some(()));
    let limit = info(conn, "memory", "used_memory") - 40_000;
    exec(conn, &["CONFIG", "SET", "maxmemory", &limit.to_string()]);
    // Also where the limit of the owner would remove another session: that one stays.
    assert_refused(conn, "OOM", &["JRS.CREATE", "ada", "{}"]);
    assert_refused(conn, "OOM", &["JRS.ROTATE", &tokens[0]]);
    assert_refused(conn, "OOM", &["JRS.ROTATE", &tokens[0], "OWNER", "bob"]);
    assert_refused(conn, "OOM", &["JRS.UPDATE", &tokens[0], "{}"]);
    assert_eq!(assert_agree(conn, "ada").len(), 3);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", &tokens[2]]).unwrap(), 2);
    await_that("free memory", || send::<String>(conn, &["JRS.CREATE", "ada", "{}"]).ok());
    exec(conn, &["JRS.ROTATE", &tokens[2], "OWNER", "bob"]);
    assert_eq!([assert_agree(conn, "ada").len(), assert_agree(conn, "bob").len()], [1, 1]);
}

//! After the server is killed and restarted, the sessions and the owner index agree and all acknowledged writes exist.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use redis::{Connection, RedisResult};

use crate::support::{
    Server, await_that,
    owner_sessions::{assert_agree, assert_index_agrees},
    sessions::{create, exec, get, millis, send},
    tokens::{key, signing_keys},
};

const OWNERS: [&str; 3] = ["ada", "bob", "eve"];

/// The acknowledged writes of a client: whether each token's session exists.
#[derive(Default)]
struct Known {
    sessions: HashMap<String, bool>,
    /// The session of the last command, which has no reply because the server was killed.
    uncertain: Option<String>,
}

/// Creates, rotates and destroys sessions until the server is killed.
fn act_until_killed(conn: &mut Connection, seed: usize, acts: &AtomicUsize) -> Known {
    let (mut known, mut live) = (Known::default(), Vec::<String>::new());
    for step in seed.. {
        let owner = OWNERS[step * 7 % OWNERS.len()];
        let chosen = (!live.is_empty()).then(|| step * 31 % live.len());
        let outcome: RedisResult<()> = match (step % 5, chosen) {
            (1 | 2, Some(at)) => {
                let old = live[at].clone();
                let words = ["JRS.ROTATE", &old, "OWNER", owner];
                let words = if step % 2 == 0 { &words[..2] } else { &words };
                send::<String>(conn, words)
                    .map(|new| {
                        known.sessions.insert(old.clone(), false);
                        known.sessions.insert(new.clone(), true);
                        live[at] = new;
                    })
                    .inspect_err(|_| known.uncertain = Some(old.clone()))
            }
            (3, Some(at)) => {
                let old = live[at].clone();
                send::<i64>(conn, &["JRS.DESTROY", &old])
                    .map(|_| {
                        known.sessions.insert(old.clone(), false);
                        live.swap_remove(at);
                    })
                    .inspect_err(|_| known.uncertain = Some(old.clone()))
            }
            _ => send::<String>(conn, &["JRS.CREATE", owner, "{}"]).map(|new| {
                known.sessions.insert(new.clone(), true);
                live.push(new);
            }),
        };
        if outcome.is_err() {
            break;
        }
        acts.fetch_add(1, Ordering::Relaxed);
    }
    known
}

#[test]
fn sessions_and_the_index_agree_after_kills() {
    for keys in signing_keys() {
        let aof = ["appendonly", "appendfsync"].into_iter().zip(["yes", "always"]);
        let builder = Server::builder().keys(keys.as_bytes()).args(&["max-sessions", "1000000"]);
        let mut server = aof.fold(builder, |builder, (name, value)| builder.config(name, value)).start();
        let mut all = HashMap::new();
        for round in 1..=3_usize {
            let acts = AtomicUsize::new(0);
            // The moment of the kill differs from run to run.
            let enough = 100 + usize::try_from(millis()).unwrap() % 150;
            let connections: Vec<Connection> = (0..4).map(|_| server.conn()).collect();
            let known: Vec<Known> = thread::scope(|scope| {
                let acts = &acts;
                let client = |(number, mut conn): (usize, Connection)| {
                    scope.spawn(move || act_until_killed(&mut conn, round * 1000 + number * 17, acts))
                };
                let clients: Vec<_> = connections.into_iter().enumerate().map(client).collect();
                await_that("some commands", || (acts.load(Ordering::Relaxed) > enough).then_some(()));
                server.kill();
                clients.into_iter().map(|client| client.join().unwrap()).collect()
            });
            server.restart();
            for Known { sessions, uncertain } in known {
                all.extend(sessions);
                if let Some(uncertain) = uncertain {
                    all.remove(&uncertain);
                }
            }
            let conn = &mut server.conn();
            let existing: usize = OWNERS.iter().map(|owner| assert_agree(conn, owner).len()).sum();
            assert_index_agrees(conn);
            let expected = all.values().filter(|lives| **lives).count();
            // The last command of each client may have created one more.
            assert!(
                (expected..=expected + 4 * round).contains(&existing),
                "{existing} sessions exist, {expected} were acknowledged"
            );
            for (token, lives) in &all {
                assert_eq!(get(conn, token).is_some(), *lives, "{} in round {round}", key(token));
            }
        }
        let conn = &mut server.conn();
        for owner in OWNERS {
            exec(conn, &["JRS.DESTROYALL", owner]);
        }
        assert_eq!(send::<i64>(conn, &["DBSIZE"]).unwrap(), 0);
        create(conn, "ada", "{}", &[]);
        assert_eq!(assert_agree(conn, "ada").len(), 1);
    }
}

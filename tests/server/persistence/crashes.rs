//! After a kill, sessions and indexes agree, and what was acknowledged is there.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use redis::{Connection, RedisResult};

use crate::support::{
    Server, await_that,
    in_flight::es256,
    owner_sessions::{assert_agree, assert_index_agrees},
    sessions::{create, exec, get, millis, send},
    tokens::{SECRET, key},
};

const OWNERS: [&str; 3] = ["ada", "bob", "eve"];

/// What a client knows of its sessions, by their tokens: whether each lives.
#[derive(Default)]
struct Known {
    sessions: HashMap<String, bool>,
    /// The session whose fate is unknown, because the server died over it.
    uncertain: Option<String>,
}

/// Creates, rotates and destroys sessions until the server dies.
fn act_until_it_dies(conn: &mut Connection, seed: usize, acts: &AtomicUsize) -> Known {
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
fn sessions_and_indexes_agree_after_kills() {
    for keys in [SECRET.to_owned(), es256()] {
        let aof = ["appendonly", "appendfsync"].into_iter().zip(["yes", "always"]);
        let builder = Server::builder().keys(keys.as_bytes()).args(&["max-sessions", "1000000"]);
        let mut server = aof.fold(builder, |builder, (name, value)| builder.config(name, value)).start();
        let mut all = HashMap::new();
        for round in 1..=3_usize {
            let acts = AtomicUsize::new(0);
            // Any moment will do: this one differs from run to run.
            let enough = 100 + usize::try_from(millis()).unwrap() % 150;
            let connections: Vec<Connection> = (0..4).map(|_| server.conn()).collect();
            let known: Vec<Known> = thread::scope(|scope| {
                let acts = &acts;
                let client = |(number, mut conn): (usize, Connection)| {
                    scope.spawn(move || act_until_it_dies(&mut conn, round * 1000 + number * 17, acts))
                };
                let clients: Vec<_> = connections.into_iter().enumerate().map(client).collect();
                await_that("some acts", || (acts.load(Ordering::Relaxed) > enough).then_some(()));
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
            let ids_in_keyspace: usize = OWNERS.iter().map(|owner| assert_agree(conn, owner).len()).sum();
            assert_index_agrees(conn);
            let expected = all.values().filter(|lives| **lives).count();
            // Each client may have been killed over one more.
            assert!(
                (expected..=expected + 4 * round).contains(&ids_in_keyspace),
                "{ids_in_keyspace} live, {expected} were acknowledged"
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

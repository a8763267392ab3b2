//! The role or the slots of the server change while commands wait: the module checks them again.

use redis::Value;

use super::race::{CREATES, ROUNDS, race, split};
use crate::support::{
    Server, await_that,
    in_flight::{Batch, assert_sound, created, outcomes, sessions_of, slow},
    replicas::{self, await_link, await_replicas},
    sessions::{contents, create, exec, get, send},
};

#[test]
fn nothing_is_written_on_a_new_replica() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    for _ in 0..ROUNDS {
        // There is no primary on this port, so the data stays.
        let (tokens, mut waiting) = race(&server, &["REPLICAOF", "127.0.0.1", "1"]);
        let before = contents(conn);
        let replies = waiting.replies();
        let others = outcomes(split(&replies).1);
        assert!(others.iter().all(|outcome| *outcome == "UNBLOCKED"), "{others:?}");
        let peeked: Value = send(conn, &["JRS.PEEK", &tokens[0]]).unwrap();
        assert_ne!(peeked, Value::Nil);
        assert_eq!(contents(conn), before, "written on a replica");
        exec(conn, &["REPLICAOF", "NO", "ONE"]);
        assert_eq!(created(&replies[..CREATES]).len(), sessions_of(conn, "in-flight").len());
        create(conn, "ada", "{}", &[]);
        exec(conn, &["FLUSHALL"]);
        assert_sound(&mut server);
    }
}

#[test]
fn a_writable_replica_accepts_writes() {
    let mut server = slow().config("replica-read-only", "no").config("replicaof", "127.0.0.1 1").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    exec(conn, &["JRS.UPDATE", &token, r#"{"a":1}"#]);
    assert_eq!(get(conn, &token).expect("a session").data, r#"{"a":1}"#);
    assert_sound(&mut server);
}

#[test]
fn a_failover_loses_no_acknowledged_session() {
    for _ in 0..ROUNDS {
        let mut primary = replicas::primary(slow()).start();
        let mut replica = replicas::replica(&primary, slow());
        let state = |server: &Server, state: &str| {
            await_that(state, || {
                let info: String = send(&mut server.conn(), &["INFO", "replication"]).unwrap();
                info.contains(state).then_some(())
            });
        };
        state(&primary, "state=online");
        let (_, mut waiting) = race(&primary, &["FAILOVER"]);
        let replies = waiting.replies();
        let refusals = outcomes(&replies).into_iter().filter(|outcome| *outcome != "ok");
        let refusals: Vec<&str> = refusals.collect();
        assert!(
            refusals.iter().all(|word| ["TRYAGAIN", "UNBLOCKED", "READONLY", "gone"].contains(word)),
            "{refusals:?}"
        );
        state(&replica, "role:master");
        state(&primary, "role:slave");
        await_link(&mut primary.conn());
        let conn = &mut replica.conn();
        let lost = created(&replies[..CREATES]).iter().filter(|token| get(conn, token).is_none()).count();
        assert_eq!(lost, 0);
        create(conn, "ada", "{}", &[]);
        await_replicas(conn, 1);
        assert_eq!(contents(conn), contents(&mut primary.conn()));
        assert_sound(&mut primary);
        assert_sound(&mut replica);
    }
}

#[test]
fn a_slot_removed_meanwhile_gets_no_session() {
    let cluster = slow().config("cluster-enabled", "yes").config("cluster-require-full-coverage", "no");
    let mut server = cluster.start();
    let conn = &mut server.conn();
    exec(conn, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    await_that("the cluster", || {
        let info: String = send(conn, &["CLUSTER", "INFO"]).unwrap();
        info.contains("cluster_state:ok").then_some(())
    });
    let slot = send::<u16>(conn, &["CLUSTER", "KEYSLOT", "in-flight"]).unwrap().to_string();
    for _ in 0..ROUNDS {
        let change = ["CLUSTER", "DELSLOTS", &slot];
        let (mut waiting, changed) = Batch::creates(&server, CREATES).meanwhile(conn, 5, &change);
        changed.unwrap();
        let replies = waiting.replies();
        let outcomes = outcomes(&replies);
        assert!(outcomes.contains(&"TRYAGAIN"), "{outcomes:?}");
        assert!(outcomes.iter().all(|outcome| ["ok", "TRYAGAIN"].contains(outcome)), "{outcomes:?}");
        exec(conn, &["CLUSTER", "ADDSLOTS", &slot]);
        assert_eq!(sessions_of(conn, "in-flight").len(), created(&replies).len());
        assert_eq!(send::<usize>(conn, &["JRS.DESTROYALL", "in-flight"]).unwrap(), created(&replies).len());
        assert_sound(&mut server);
    }
}

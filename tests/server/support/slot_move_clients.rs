//! Clients that use sessions while slots move from one cluster node to another.

use std::{
    collections::{BTreeMap, HashMap},
    sync::atomic::{AtomicBool, Ordering},
};

use redis::{Connection, RedisResult, Value};

use crate::support::{nodes::Cluster, tokens::key};

/// The data in a reply to `JRS.GET` or `JRS.PEEK`.
pub(crate) fn data(reply: RedisResult<Value>) -> Option<String> {
    let session: Option<HashMap<String, Value>> = redis::from_redis_value(reply.unwrap()).unwrap();
    session.map(|session| redis::from_redis_value_ref(&session["data"]).unwrap())
}

/// Owners whose slot is less than `below`.
pub(crate) fn owners(conn: &mut Connection, below: u16) -> Vec<String> {
    let names: Vec<String> = (0..5000).map(|number| format!("user:{number}")).collect();
    let mut pipe = redis::pipe();
    for name in &names {
        pipe.cmd("CLUSTER").arg("KEYSLOT").arg(name);
    }
    let slots: Vec<u16> = pipe.query(conn).unwrap();
    names.into_iter().zip(slots).filter(|(_, slot)| *slot < below).map(|(name, _)| name).collect()
}

/// Two owners whose sessions are in the same slot of the first node.
pub(crate) fn owners_in_one_slot(cluster: &Cluster) -> [String; 2] {
    let mut by_slot = BTreeMap::new();
    for owner in owners(&mut cluster.nodes()[0], 400) {
        if let Some(other) = by_slot.insert(cluster.slot(&owner), owner.clone()) {
            return [owner, other];
        }
    }
    panic!("no two owners are in one slot");
}

/// Reads and changes these sessions in turn until `stop` is set, then each once more. Returns the number of reads.
pub(crate) fn use_sessions(cluster: &Cluster, tokens: &[String], stop: &AtomicBool) -> usize {
    let router = &mut cluster.router();
    let mut expected: Vec<String> = vec!["{}".to_owned(); tokens.len()];
    for round in 0.. {
        let last = stop.load(Ordering::Relaxed);
        for (token, expected) in tokens.iter().zip(&mut expected) {
            let key = key(token);
            assert_eq!(data(router.routed(&["JRS.GET", &key, token])).as_ref(), Some(&*expected), "{key}");
            if round % 3 == 0 {
                *expected = format!(r#"{{"round":{round}}}"#);
                let etag = router.routed(&["JRS.UPDATE", &key, token, expected]);
                assert!(etag.as_ref().is_ok_and(|etag| *etag != Value::Nil), "{key}: {etag:?}");
            }
        }
        if last {
            return (round + 1) * tokens.len();
        }
    }
    0
}

//! Nodes that are added to a cluster, removed from it, or fail: every session stays where clients find it.

use std::collections::BTreeMap;

use crate::support::{
    cluster_router::{Router, key_slot},
    large_cluster::LargeCluster,
    owner_sessions::assert_index_agrees,
    sessions::{exec, send},
    slot_move_clients::data,
    slot_moves::move_slots,
    tokens::{SECRET, key},
};

/// Creates a session for each of these owners. Returns the tokens.
fn create_sessions(router: &mut Router, owners: usize) -> BTreeMap<String, String> {
    let create = |number| {
        let owner = format!("user:{number}");
        let reply = router.routed(&["JRS.CREATE", &owner, &format!(r#"{{"n":{number}}}"#)]);
        (owner, redis::from_redis_value(reply.unwrap()).unwrap())
    };
    (0..owners).map(create).collect()
}

/// Checks that each of these sessions exists and is the only one of its owner.
fn assert_found(router: &mut Router, sessions: &BTreeMap<String, String>) {
    for (owner, token) in sessions {
        let expected = format!(r#"{{"n":{}}}"#, &owner["user:".len()..]);
        assert_eq!(data(router.routed(&["JRS.GET", &key(token), token])), Some(expected), "{owner}");
        assert_eq!(router.routed(&["JRS.COUNT", owner]), Ok(redis::Value::Int(1)), "{owner}");
    }
}

#[test]
fn nodes_are_added_and_removed() {
    let mut cluster = LargeCluster::start(SECRET, 3, 0);
    let router = &mut cluster.router();
    let sessions = create_sessions(router, 300);
    let new = cluster.add();
    assert_found(router, &sessions);
    for from in 0..3 {
        let (first, _) = cluster.slots_of(from)[0];
        move_slots(&cluster, first..first + 1000, [from, new]);
    }
    assert_eq!(cluster.primary_of(0), new);
    assert_found(router, &sessions);
    let moved = sessions.keys().filter(|owner| cluster.primary_of(key_slot(owner)) == new).count();
    let conn = &mut cluster.conn(new);
    assert_index_agrees(conn);
    assert_eq!(send::<usize>(conn, &["DBSIZE"]), Ok(moved));
    for (first, last) in cluster.slots_of(0) {
        move_slots(&cluster, first..last + 1, [0, new]);
    }
    cluster.remove(0);
    assert_found(&mut cluster.router(), &sessions);
    exec(&mut cluster.conn(0), &["PING"]);
    assert_eq!(cluster.members().collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_replica_takes_the_place_of_a_failed_node() {
    let mut cluster = LargeCluster::start(SECRET, 3, 1);
    let router = &mut cluster.router();
    let sessions = create_sessions(router, 100);
    let [replica] = cluster.replicas_of(0)[..] else { panic!("one replica") };
    // One more session on the node that fails: WAIT is about the commands of its connection.
    let owner = (0..).map(|number| format!("other:{number}")).find(|owner| cluster.primary_of(key_slot(owner)) == 0);
    router.routed(&["JRS.CREATE", &owner.unwrap(), "{}"]).unwrap();
    assert_eq!(router.send_to_last(&["WAIT", "1", "60000"]), Ok(redis::Value::Int(1)));
    assert_eq!(cluster.kill(0), replica);
    assert_found(&mut cluster.router(), &sessions);
    cluster.restart(0);
    assert_eq!(cluster.replicas_of(replica), [0]);
    assert_found(&mut cluster.router(), &sessions);
}

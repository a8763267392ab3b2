//! Slots that Valkey moves between cluster nodes atomically (`CLUSTER MIGRATESLOTS`): all sessions of an owner are on one
//! node at each moment.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    cases::each,
    index_check::totals,
    nodes::Cluster,
    owner_sessions::{ids, ids_in_keyspace},
    sessions::{contents, create, exec, refused, send},
    slot_move_clients::{owners, use_sessions},
    slot_moves::{await_migration, moves_slots_atomically},
    tokens::{SECRET, key, signing_keys},
};

/// How many slots move: the lowest slots of the first node.
const MOVING: u16 = 300;

/// A cluster whose nodes know `CLUSTER MIGRATESLOTS`. None on servers other than Valkey 9 and later.
fn cluster(keys: &str) -> Option<Cluster> {
    // DEBUG can stop a migration before its end.
    let node = Server::builder().keys(keys.as_bytes()).config("enable-debug-command", "yes");
    moves_slots_atomically().then(|| Cluster::start_as(&node))
}

fn migrate(cluster: &Cluster, source: &mut Connection, target: usize) {
    let last = (MOVING - 1).to_string();
    let words = ["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", "0", &last, "NODE", &cluster.id(target)];
    exec(source, &words);
}

/// Begins a migration that stops when the target has all keys and the source still serves them.
fn begin_migration(cluster: &Cluster, source: &mut Connection, target: &mut Connection) {
    exec(source, &["DEBUG", "SLOTMIGRATION", "PREVENT-PAUSE", "1"]);
    migrate(cluster, source, 1);
    await_migration(target, "waiting-for-paused");
}

fn end_migration(source: &mut Connection) {
    exec(source, &["DEBUG", "SLOTMIGRATION", "PREVENT-PAUSE", "0"]);
    await_migration(source, "success");
}

/// Creates two sessions for each of many owners in the slots that move. Returns the tokens.
fn owners_with_sessions(source: &mut Connection) -> BTreeMap<String, [String; 2]> {
    let owners = owners(source, MOVING);
    assert!(owners.len() > 50);
    owners.into_iter().map(|owner| (owner.clone(), [(); 2].map(|()| create(source, &owner, "{}", &[])))).collect()
}

/// The sessions of these owners that a node lists. They must agree with its keys.
fn listed<'a>(node: &mut Connection, owners: impl Iterator<Item = &'a String>) -> BTreeMap<String, Vec<String>> {
    let mut of_owner = |owner: &String| {
        let ids = ids(node, owner);
        assert_eq!(ids_in_keyspace(node, "sess:", owner), ids, "the keys of {owner}");
        (owner.clone(), ids)
    };
    owners.map(&mut of_owner).collect()
}

/// Checks that the number of sessions in INFO is the number of keys.
fn assert_counted(nodes: &mut [Connection]) {
    for node in nodes {
        let keys: usize = send(node, &["DBSIZE"]).unwrap();
        assert_eq!(totals(node)[0], keys);
    }
}

#[test]
fn sessions_are_listed_on_the_node_that_has_the_slot() {
    let Some(mut cluster) = cluster(SECRET) else { return };
    let [source, target] = &mut cluster.nodes();
    let replica = &mut cluster.replica(1);
    exec(replica, &["READONLY"]);
    let tokens = owners_with_sessions(source);
    let owner = |number: usize| tokens.iter().nth(number).unwrap();
    let stays = key(&create(source, "ada", "{}", &[]));
    assert!((MOVING..8192).contains(&cluster.slot("ada")), "ada's slot does not move");

    begin_migration(&cluster, source, target);
    let (new, ((gone, _), (less, [destroyed, left]))) = (owner(0).0, (owner(1), owner(2)));
    create(source, new, "{}", &[]);
    let short = key(&create(source, new, "{}", &["PX", "300"]));
    assert_eq!(send::<i64>(source, &["JRS.DESTROYALL", gone]).unwrap(), 2);
    assert_eq!(send::<i64>(source, &["JRS.DESTROY", &key(destroyed), destroyed]).unwrap(), 1);
    await_that("the end of a session", || (send::<i64>(source, &["EXISTS", &short]).unwrap() == 0).then_some(()));
    let expected = listed(source, tokens.keys());
    assert_eq!((expected[new].len(), expected[gone].len()), (3, 0));
    assert_eq!(expected[less], [&key(left)["sess:".len()..]]);
    assert_eq!(refused(target, &["JRS.LIST", new]), "MOVED", "the target does not have the slot yet");
    assert_eq!(contents(target).len(), 0);

    end_migration(source);
    assert_counted(&mut cluster.nodes());
    assert_eq!(listed(target, tokens.keys()), expected);
    assert_eq!(contents(target).len(), expected.values().map(Vec::len).sum::<usize>(), "the target has no other keys");
    assert_eq!(refused(source, &["JRS.LIST", new]), "MOVED");
    assert_eq!(contents(source).into_keys().collect::<Vec<_>>(), [stays]);
    await_that("the keys on the replica", || {
        let knows = send::<Value>(replica, &["JRS.LIST", new]).is_ok();
        let keys = |node| send::<usize>(node, &["DBSIZE"]).unwrap();
        (knows && keys(replica) == keys(target)).then_some(())
    });
    assert_eq!(listed(replica, tokens.keys()), expected);
    // A limit counts the sessions that came from the source.
    exec(target, &["CONFIG", "SET", "jrs.max-sessions", "3"]);
    let created = key(&create(target, new, "{}", &[]));
    assert_eq!(
        listed(target, [new].into_iter())[new],
        [&expected[new][1..], &[created["sess:".len()..].to_owned()]].concat()
    );
}

#[test]
fn a_cancelled_migration_changes_nothing() {
    let Some(cluster) = cluster(SECRET) else { return };
    let [source, target] = &mut cluster.nodes();
    let tokens = owners_with_sessions(source);
    let expected = listed(source, tokens.keys());
    for _ in 0..2 {
        begin_migration(&cluster, source, target);
        exec(source, &["CLUSTER", "CANCELSLOTMIGRATIONS"]);
        // The target drops its keys before it reports the state.
        await_migration(target, "failed");
        assert_counted(&mut cluster.nodes());
        assert_eq!(listed(source, tokens.keys()), expected);
        assert_eq!(contents(target).len(), 0);
    }
    begin_migration(&cluster, source, target);
    end_migration(source);
    assert_counted(&mut cluster.nodes());
    assert_eq!(listed(target, tokens.keys()), expected);
    assert_eq!(contents(source).len(), 0);
}

#[test]
fn a_flushed_slot_has_no_sessions() {
    let Some(cluster) = cluster(SECRET) else { return };
    let node = &mut cluster.nodes()[0];
    let tokens = owners_with_sessions(node);
    exec(node, &["CONFIG", "SET", "jrs.max-sessions", "2", "jrs.max-sessions-policy", "reject"]);
    let flushed = tokens.keys().next().unwrap();
    let slot = cluster.slot(flushed);
    assert_eq!(refused(node, &["JRS.CREATE", flushed, "{}"]), "TOOMANY");
    let mut expected = listed(node, tokens.keys());
    for how in each(["SYNC", "ASYNC"]) {
        exec(node, &["CLUSTER", "FLUSHSLOT", &slot.to_string(), how]);
        expected.iter_mut().filter(|(owner, _)| cluster.slot(owner) == slot).for_each(|(_, ids)| ids.clear());
        assert_eq!(listed(node, tokens.keys()), expected);
        let new = [(); 2].map(|()| key(&create(node, flushed, "{}", &[]))["sess:".len()..].to_owned());
        expected.insert(flushed.clone(), new.to_vec());
        assert_eq!(listed(node, tokens.keys()), expected);
    }
}

#[test]
fn replies_are_right_while_slots_migrate_back_and_forth() {
    for keys in signing_keys() {
        let Some(cluster) = cluster(&keys) else { return };
        let nodes = &mut cluster.nodes();
        for node in &mut *nodes {
            // Without a token cache each ES256 command waits for a crypto thread while its slot may move.
            exec(node, &["CONFIG", "SET", "jrs.token-cache-size", "0"]);
        }
        let tokens = owners_with_sessions(&mut nodes[0]).into_values().flatten().collect::<Vec<_>>();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let users: Vec<_> = tokens
                .chunks(tokens.len().div_ceil(2))
                .map(|tokens| scope.spawn(|| use_sessions(&cluster, tokens, &stop)))
                .collect();
            for round in 0..6 {
                let [from, to] = if round % 2 == 0 { [0, 1] } else { [1, 0] };
                migrate(&cluster, &mut nodes[from], to);
                await_migration(&mut nodes[from], "success");
            }
            stop.store(true, Ordering::Relaxed);
            for user in users {
                assert!(user.join().unwrap() > 0, "sessions were used while slots moved");
            }
        });
        assert_eq!(contents(&mut nodes[0]).len(), tokens.len());
        assert!(contents(&mut nodes[1]).is_empty());
    }
}

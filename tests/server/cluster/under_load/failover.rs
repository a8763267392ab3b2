//! Replicas that take the place of their primaries: after a crash, and when the operator asks for it.

use std::{collections::HashMap, thread};

use redis::{ErrorKind, RedisError, RedisResult};

use super::{Clients, THINK_TIME, assert_holds_and_ends_empty, slow_nodes};
use crate::{
    chaos::{
        commands::Sender,
        load::{Load, rounds},
        model::Losses,
    },
    support::{
        cluster_router::key_slot,
        cluster_view::NodeView,
        large_cluster::{LargeCluster, SLOTS},
        sessions::send,
        tokens::SECRET,
    },
};

/// A client with one connection to each primary. It does not follow MOVED: as [`Load::connect`] explains, it must notice that
/// another node has the slot.
fn connect_to_primaries<'a>(ports: &[u16]) -> RedisResult<Sender<'a>> {
    let open = |port: u16| redis::Client::open(("127.0.0.1", port))?.get_connection();
    let not_ready = || RedisError::from((ErrorKind::Io, "no node knows a working primary for each slot"));
    let mut reachable = ports.iter().filter_map(|port| open(*port).ok());
    let view = reachable.find_map(|mut conn| NodeView::live(&mut conn)).ok_or_else(not_ready)?;
    if !(0..SLOTS).all(|slot| view.iter().any(|node| node.serves(slot))) {
        return Err(not_ready());
    }
    let primaries = view.iter().filter(|node| !node.slots.is_empty());
    let mut connections: HashMap<u16, _> =
        primaries.map(|node| Ok((node.port, open(node.port)?))).collect::<RedisResult<_>>()?;
    let mut last = 0;
    Ok(Box::new(move |words| {
        thread::sleep(THINK_TIME);
        if words[0] != "WAIT" {
            let slot = key_slot(words[1]);
            last = view.iter().find(|node| node.serves(slot)).expect("all slots are served").port;
        }
        send(connections.get_mut(&last).expect("all primaries are connected"), words)
    }))
}

#[test]
fn a_primary_is_killed_while_clients_run() {
    let mut cluster = LargeCluster::start(SECRET, 3, 1);
    let ports: Vec<u16> = cluster.members().map(|number| cluster.port(number)).collect();
    let connect = || connect_to_primaries(&ports);
    let load = Load { losses: Losses::Unconfirmed, waits: true, ..Load::new(&connect) };
    let ((), report) = load.run_while(|progress| {
        for round in rounds(1) {
            progress.await_more(300);
            let slot = u16::try_from(round % 3 * 6000).unwrap();
            let primary = cluster.primary_of(slot);
            let [replica] = cluster.replicas_of(primary)[..] else { panic!("one replica") };
            assert_eq!(cluster.kill(primary), replica);
            progress.await_more(300);
            cluster.restart(primary);
        }
    });
    assert!(report.errors["connection lost"] > 0, "{:?}", report.errors);
    assert_holds_and_ends_empty(&cluster, report);
}

#[test]
fn an_operator_fails_over_while_clients_run() {
    let cluster = LargeCluster::start_as(&slow_nodes(), 3, 1);
    let clients = Clients::of(&cluster);
    let ((), report) = clients.run_while(|progress| {
        for round in rounds(1) {
            let primary = round % 3;
            progress.await_more(200);
            let [replica] = cluster.replicas_of(primary)[..] else { panic!("one replica") };
            for (current, next) in [(primary, replica), (replica, primary)] {
                clients.await_answer_of(cluster.port(current));
                let known = clients.moves();
                cluster.fail_over_to(next);
                clients.await_moves(known);
                progress.await_more(100);
            }
        }
    });
    assert_holds_and_ends_empty(&cluster, report);
}

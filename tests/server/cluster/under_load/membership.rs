//! A node that is added with the servers' own client, receives slots, gives them back and is removed.

use super::{Clients, assert_holds_and_ends_empty};
use crate::{
    chaos::load::rounds,
    support::{large_cluster::LargeCluster, slot_moves::move_slots, tokens::SECRET},
};

/// How many slots the new node receives from the client, which moves one at a time. It receives more from the test.
const MOVING: u16 = 60;

#[test]
fn a_node_is_added_and_removed_while_clients_run() {
    let mut cluster = LargeCluster::start(SECRET, 3, 0);
    let moving = &MOVING.to_string();
    let ((), report) = Clients::of(&cluster).run_while(|progress| {
        for _ in rounds(1) {
            progress.await_more(100);
            let new = cluster.start_node();
            let (known, address) = (cluster.address(0), cluster.address(new));
            cluster.cli(&["add-node", &address, &known]);
            cluster.note_added(new);
            progress.await_more(100);
            let id = cluster.id(new);
            let to_new = ["--cluster-from", "all", "--cluster-to", id, "--cluster-slots", moving];
            cluster.cli(&[&["reshard", &known][..], &to_new].concat());
            cluster.await_agreement();
            assert!(!cluster.slots_of(new).is_empty());
            for from in 0..3 {
                let (first, last) = cluster.slots_of(from)[0];
                move_slots(&cluster, first..last.min(first + 1500), [from, new]);
            }
            progress.await_more(100);
            let mut slots = cluster.slots_of(new);
            slots.last_mut().expect("it has slots").1 -= MOVING;
            for (first, last) in slots {
                move_slots(&cluster, first..last + 1, [new, 2]);
            }
            cluster.await_agreement();
            let back = ["--cluster-from", id, "--cluster-to", cluster.id(1), "--cluster-slots", moving];
            cluster.cli(&[&["reshard", &known][..], &back].concat());
            cluster.await_agreement();
            cluster.cli(&["del-node", &known, id]);
            cluster.note_removed(new);
            progress.await_more(100);
        }
    });
    assert_holds_and_ends_empty(&cluster, report);
}

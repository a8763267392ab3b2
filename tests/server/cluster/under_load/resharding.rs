//! Slots that move key by key, as `CLI --cluster reshard` moves them.

use super::{Clients, assert_holds_and_ends_empty, slow_nodes};
use crate::{
    chaos::load::rounds,
    support::{
        large_cluster::{LargeCluster, SLOTS},
        slot_moves::move_slots,
    },
};

#[test]
fn every_slot_moves_while_clients_run() {
    let cluster = LargeCluster::start_as(&slow_nodes(), 3, 0);
    let (moved, report) = Clients::of(&cluster).run_while(|progress| {
        progress.await_more(200);
        let mut moved = 0;
        for _ in rounds(1) {
            let slots = [0, 1, 2].map(|number| cluster.slots_of(number));
            for (from, ranges) in slots.into_iter().enumerate() {
                for (first, last) in ranges {
                    move_slots(&cluster, first..last + 1, [from, (from + 1) % 3]);
                    moved += usize::from(last - first) + 1;
                }
            }
        }
        progress.await_more(200);
        moved
    });
    assert!(moved >= usize::from(SLOTS), "{moved}");
    assert!(report.acknowledged > 1000, "{}", report.acknowledged);
    assert_holds_and_ends_empty(&cluster, report);
}

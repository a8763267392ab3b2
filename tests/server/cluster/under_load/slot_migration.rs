//! Slots that Valkey moves atomically (`CLUSTER MIGRATESLOTS`), with migrations that are canceled before their end.

use super::{Clients, assert_holds_and_ends_empty, slow_nodes};
use crate::{
    chaos::load::rounds,
    support::{
        large_cluster::{LargeCluster, SLOTS},
        sessions::exec,
        slot_moves::{await_migration, moves_slots_atomically},
    },
};

/// Begins to move all these slots to another node.
fn begin(cluster: &LargeCluster, slots: &[(u16, u16)], [from, to]: [usize; 2]) {
    for (first, last) in slots {
        let [first, last] = [first, last].map(u16::to_string);
        let words = ["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", &first, &last, "NODE", cluster.id(to)];
        exec(&mut cluster.conn(from), &words);
    }
}

#[test]
fn every_slot_migrates_while_clients_run() {
    if !moves_slots_atomically() {
        return;
    }
    // DEBUG can stop a migration before its end.
    let cluster = LargeCluster::start_as(&slow_nodes().config("enable-debug-command", "yes"), 3, 0);
    let (moved, report) = Clients::of(&cluster).run_while(|progress| {
        let mut moved = 0;
        for _ in rounds(1) {
            for from in 0..3 {
                let to = (from + 1) % 3;
                // In the first round, later nodes also have the slots of earlier ones. All of them move.
                let slots = cluster.slots_of(from);
                let (source, target) = (&mut cluster.conn(from), &mut cluster.conn(to));
                exec(source, &["DEBUG", "SLOTMIGRATION", "PREVENT-PAUSE", "1"]);
                begin(&cluster, &slots[..1], [from, to]);
                await_migration(target, "waiting-for-paused");
                progress.await_more(50);
                exec(source, &["CLUSTER", "CANCELSLOTMIGRATIONS"]);
                await_migration(source, "cancelled");
                await_migration(target, "failed");
                exec(source, &["DEBUG", "SLOTMIGRATION", "PREVENT-PAUSE", "0"]);
                progress.await_more(50);
                begin(&cluster, &slots, [from, to]);
                await_migration(source, "success");
                cluster.await_agreement();
                moved += slots.iter().map(|(first, last)| usize::from(last - first) + 1).sum::<usize>();
            }
        }
        progress.await_more(200);
        moved
    });
    assert!(moved >= usize::from(SLOTS), "{moved}");
    assert_holds_and_ends_empty(&cluster, report);
}

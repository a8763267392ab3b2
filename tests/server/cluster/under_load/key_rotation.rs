//! A new key for all nodes of a cluster: first as the second key everywhere, then as the first one. No token is refused,
//! wherever its slot is.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use super::{Clients, assert_holds_and_ends_empty};
use crate::{
    chaos::load::rounds,
    support::{Server, large_cluster::LargeCluster, sessions::exec, slot_moves::move_slots, tokens::jwk},
};

fn key_file(keys: &[Value]) -> String {
    json!({"keys": keys}).to_string()
}

/// The key with this number.
fn new_key(number: usize) -> Value {
    jwk(&format!("key-{number}"), "HS256", format!("{number:032}").as_bytes())
}

/// Replaces a node's key file, as the documents say, and has it read.
fn give_keys(cluster: &LargeCluster, number: usize, keys: &[Value]) {
    let folder = cluster.server(number).dir();
    let (file, new) = (folder.join("keys"), folder.join("keys.new"));
    fs::write(&new, key_file(keys)).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(&new, &file).unwrap();
    exec(&mut cluster.conn(number), &["JRS.RELOAD"]);
}

#[test]
fn keys_are_rotated_while_clients_run() {
    let node = Server::builder().keys(key_file(&[new_key(0)]).as_bytes());
    let cluster = LargeCluster::start_as(&node, 3, 0);
    let clients = Clients::of(&cluster);
    let ((), report) = clients.run_while(|progress| {
        // Tokens that old keys signed stay in use, so all keys are kept.
        let mut keys = vec![new_key(0)];
        for round in rounds(1) {
            let new = [new_key(round)];
            for next in [[&keys[..], &new].concat(), [&new, &keys[..]].concat()] {
                for number in 0..3 {
                    give_keys(&cluster, number, &next);
                    progress.await_more(50);
                    // Tokens of nodes with the new keys are presented to nodes with the old ones, and the other way round.
                    let (first, last) = cluster.slots_of(number)[0];
                    move_slots(&cluster, first..last.min(first + 1000) + 1, [number, (number + 1) % 3]);
                    progress.await_more(50);
                }
                keys = next;
            }
        }
    });
    assert_holds_and_ends_empty(&cluster, report);
}

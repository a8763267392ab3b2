//! Moves slots between cluster nodes: key by key as the servers' own client does, or atomically as Valkey 9 does.

use std::{collections::HashMap, ops::Range};

use redis::{Connection, FromRedisValue, Value};

use crate::support::{await_that, in_flight::words, large_cluster::LargeCluster, sessions::send, version};

/// Whether the server under test knows `CLUSTER MIGRATESLOTS`: Valkey 9 and later.
pub(crate) fn moves_slots_atomically() -> bool {
    let version = version();
    let valkey = version.strip_prefix("Valkey server v=").and_then(|version| version.split('.').next());
    valkey.is_some_and(|major| major.parse::<u32>().expect("a version has a number") >= 9)
}

/// Waits until the newest atomic migration of this node is in this state.
pub(crate) fn await_migration(node: &mut Connection, state: &str) {
    await_that(state, || {
        let migrations: Vec<HashMap<String, Value>> = send(node, &["CLUSTER", "GETSLOTMIGRATIONS"]).unwrap();
        let newest: String = redis::from_redis_value_ref(&migrations.first()?["state"]).unwrap();
        (newest == state).then_some(())
    });
}

/// How many slots migrate at the same time.
const BATCH: u16 = 512;

/// Moves these slots of one node to another, with all keys.
pub(crate) fn move_slots(cluster: &LargeCluster, slots: Range<u16>, [from, to]: [usize; 2]) {
    let others =
        cluster.members().filter(|number| ![from, to].contains(number) && !cluster.slots_of(*number).is_empty());
    let mut others: Vec<Connection> = others.map(|number| cluster.conn(number)).collect();
    let (mut source, mut target) = (cluster.conn(from), cluster.conn(to));
    let (source_id, target_id, port) = (cluster.id(from), cluster.id(to), cluster.port(to).to_string());
    for first in slots.clone().step_by(BATCH.into()) {
        let batch: Vec<String> = (first..slots.end.min(first + BATCH)).map(|slot| slot.to_string()).collect();
        let set = |conn: &mut Connection, state: [&str; 2]| {
            pipelined::<String>(
                conn,
                batch.iter().map(|slot| words(&["CLUSTER", "SETSLOT", slot, state[0], state[1]])),
            );
        };
        set(&mut target, ["IMPORTING", source_id]);
        set(&mut source, ["MIGRATING", target_id]);
        while migrate_some_keys(&mut source, &batch, &port) {}
        // The target first: while neither node has a slot, both redirect clients to each other.
        set(&mut target, ["NODE", target_id]);
        set(&mut source, ["NODE", target_id]);
        for other in &mut others {
            set(other, ["NODE", target_id]);
        }
    }
}

/// Moves up to a hundred keys of each slot. Returns whether there were any.
fn migrate_some_keys(source: &mut Connection, slots: &[String], port: &str) -> bool {
    let commands = slots.iter().map(|slot| words(&["CLUSTER", "GETKEYSINSLOT", slot, "100"]));
    let mut keys: Vec<Vec<String>> = pipelined(source, commands);
    keys.retain(|keys| !keys.is_empty());
    let migrate = |keys: &Vec<String>| {
        let mut command = words(&["MIGRATE", "127.0.0.1", port, "", "0", "60000", "KEYS"]);
        command.extend_from_slice(keys);
        command
    };
    if keys.is_empty() {
        return false;
    }
    pipelined::<String>(source, keys.iter().map(migrate));
    true
}

/// Sends commands without waiting for the replies in between. All must succeed.
fn pipelined<T: FromRedisValue>(conn: &mut Connection, commands: impl Iterator<Item = Vec<String>>) -> Vec<T> {
    let mut pipe = redis::pipe();
    for words in commands {
        pipe.cmd(&words[0]).arg(&words[1..]);
    }
    pipe.query(conn).unwrap_or_else(|error| panic!("{error}"))
}

//! Client libraries on a cluster: redis-py, ioredis, node-redis and redis-rs, used as docs/clients/other-languages.md says.

mod replicas;
mod routing;
mod slot_moves;
mod transactions;

use serde_json::Value;

use crate::support::{
    Server, await_that,
    cluster_clients::ClusterClient,
    large_cluster::LargeCluster,
    sessions::send,
    tokens::{SECRET, key},
};

/// A cluster of three primaries with this number of replicas each, which every node names to clients.
fn cluster(replicas: usize) -> LargeCluster {
    // Nodes name a replica to clients only after it has received something from its primary.
    let node = Server::builder().keys(SECRET.as_bytes()).config("repl-ping-replica-period", "1");
    let cluster = LargeCluster::start_as(&node, 3, replicas);
    for mut conn in cluster.members().map(|number| cluster.conn(number)) {
        await_that("the replicas in CLUSTER SLOTS", || {
            // Of each range the first slot, the last one, the primary and its replicas.
            let ranges: Vec<Vec<redis::Value>> = send(&mut conn, &["CLUSTER", "SLOTS"]).expect("the node replies");
            ranges.iter().all(|range| range.len() == 3 + replicas).then_some(())
        });
    }
    cluster
}

fn ports(cluster: &LargeCluster) -> Vec<u16> {
    cluster.members().map(|number| cluster.port(number)).collect()
}

/// Creates a session. Returns its key and token.
fn create(client: &mut ClusterClient, owner: &str) -> [String; 2] {
    let token = client.send(&["JRS.CREATE", owner, "{}"]);
    let token = token.as_ref().ok().and_then(Value::as_str).unwrap_or_else(|| panic!("{owner}: {token:?}")).to_owned();
    [key(&token), token]
}

//! A cluster of two nodes with the same keys. Each node has half of the slots.

use redis::Connection;

use crate::support::{Builder, cluster_router::Router, large_cluster::LargeCluster, sessions::send};

/// The nodes; the first has the lower half of the slots.
pub(crate) struct Cluster(LargeCluster);

impl Cluster {
    /// A cluster whose nodes share these keys.
    pub(crate) fn start(keys: &str) -> Cluster {
        Cluster(LargeCluster::start(keys, 2, 0))
    }

    /// A cluster of nodes that `node` starts.
    pub(crate) fn start_as(node: &Builder) -> Cluster {
        Cluster(LargeCluster::start_as(node, 2, 0))
    }

    /// A connection to a new replica of a node, after it has received all keys.
    pub(crate) fn replica(&mut self, node: usize) -> Connection {
        let number = self.0.add_replica(node);
        self.0.conn(number)
    }

    /// A new replica of a node takes that node's place. A connection to it.
    pub(crate) fn replace_by_replica(&mut self, node: usize) -> Connection {
        let number = self.0.add_replica(node);
        self.0.fail_over_to(number);
        self.0.conn(number)
    }

    pub(crate) fn nodes(&self) -> [Connection; 2] {
        [self.0.conn(0), self.0.conn(1)]
    }

    /// A client that follows redirections.
    pub(crate) fn router(&self) -> Router {
        self.0.router()
    }

    pub(crate) fn port(&self, node: usize) -> u16 {
        self.0.port(node)
    }

    /// The node that has a key's slot at the start, and the other one.
    pub(crate) fn home_and_other(&self, key: &str) -> [usize; 2] {
        if self.slot(key) < 8192 { [0, 1] } else { [1, 0] }
    }

    pub(crate) fn slot(&self, key: &str) -> u16 {
        send(&mut self.0.conn(0), &["CLUSTER", "KEYSLOT", key]).expect("every key has a slot")
    }

    /// The id of a node in the cluster.
    pub(crate) fn id(&self, node: usize) -> String {
        self.0.id(node).to_owned()
    }
}

//! A cluster of two nodes with the same keys. Each node has half of the slots.

use redis::{Connection, RedisResult, Value};

use crate::support::{
    Builder, Server, await_that,
    sessions::{exec, send},
};

/// With a long timeout, because on a busy machine a node may be slow to answer the others.
fn as_cluster_node(server: Builder) -> Builder {
    server.config("cluster-enabled", "yes").config("cluster-node-timeout", "60000")
}

/// The nodes; the first has the lower half of the slots.
pub(crate) struct Cluster([Server; 2]);

impl Cluster {
    /// A cluster whose nodes share these keys.
    pub(crate) fn start(keys: &str) -> Cluster {
        Cluster::start_as(&Server::builder().keys(keys.as_bytes()))
    }

    /// A cluster of nodes that `node` starts.
    pub(crate) fn start_as(node: &Builder) -> Cluster {
        let node = || as_cluster_node(node.clone()).start();
        let nodes = [node(), node()];
        for (number, (node, slots)) in nodes.iter().zip([["0", "8191"], ["8192", "16383"]]).enumerate() {
            let conn = &mut node.conn();
            let epoch = (number + 1).to_string();
            exec(conn, &["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
            exec(conn, &["CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1]]);
        }
        let port = nodes[1].port().to_string();
        exec(&mut nodes[0].conn(), &["CLUSTER", "MEET", "127.0.0.1", &port]);
        for node in &nodes {
            await_that("the cluster", || {
                let info: String = send(&mut node.conn(), &["CLUSTER", "INFO"]).expect("this is a cluster node");
                let nodes: String = send(&mut node.conn(), &["CLUSTER", "NODES"]).expect("this is a cluster node");
                let whole = info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:2");
                (whole && !nodes.contains("handshake") && !nodes.contains("disconnected")).then_some(())
            });
        }
        Cluster(nodes)
    }

    /// A new replica of a node, after it has received all keys.
    pub(crate) fn replica(&self, node: usize, keys: &str) -> Server {
        let replica = as_cluster_node(Server::builder().keys(keys.as_bytes())).start();
        let conn = &mut replica.conn();
        exec(conn, &["CLUSTER", "MEET", "127.0.0.1", &self.port(node).to_string()]);
        await_that("a replica", || send::<()>(conn, &["CLUSTER", "REPLICATE", &self.id(node)]).ok());
        let size = |conn: &mut Connection| send::<i64>(conn, &["DBSIZE"]);
        await_that("its data", || {
            let of_node = size(&mut self.0[node].conn()).expect("the node answers");
            let info: String = send(conn, &["INFO", "replication"]).ok()?;
            let state: String = send(conn, &["CLUSTER", "INFO"]).ok()?;
            let is_ready = info.contains("master_link_status:up") && state.contains("cluster_state:ok");
            (is_ready && size(conn).ok()? == of_node).then_some(())
        });
        replica
    }

    pub(crate) fn nodes(&self) -> [Connection; 2] {
        [self.0[0].conn(), self.0[1].conn()]
    }

    pub(crate) fn port(&self, node: usize) -> u16 {
        self.0[node].port()
    }

    /// The node that has a key's slot at the start, and the other one.
    pub(crate) fn home_and_other(&self, key: &str) -> [usize; 2] {
        if self.slot(key) < 8192 { [0, 1] } else { [1, 0] }
    }

    pub(crate) fn slot(&self, key: &str) -> u16 {
        send(&mut self.0[0].conn(), &["CLUSTER", "KEYSLOT", key]).expect("every key has a slot")
    }

    /// The id of a node in the cluster.
    pub(crate) fn id(&self, node: usize) -> String {
        send(&mut self.0[node].conn(), &["CLUSTER", "MYID"]).expect("every node has an id")
    }

    /// The reply to a command. Follows redirections (MOVED, ASK), and sends the command again at TRYAGAIN.
    pub(crate) fn routed(&self, nodes: &mut [Connection; 2], words: &[&str]) -> RedisResult<Value> {
        await_that("a reply other than TRYAGAIN", || {
            let reply = self.follow_redirections(nodes, words);
            let again = reply.as_ref().is_err_and(|error| error.code() == Some("TRYAGAIN"));
            (!again).then_some(reply)
        })
    }

    fn follow_redirections(&self, nodes: &mut [Connection; 2], words: &[&str]) -> RedisResult<Value> {
        let mut node = 0;
        let mut asking = false;
        // While a slot moves, both nodes may redirect a client several times.
        for _ in 0..100 {
            if asking {
                let () = send(&mut nodes[node], &["ASKING"])?;
            }
            let error = match send(&mut nodes[node], words) {
                Err(error) => error,
                reply => return reply,
            };
            let Some((address, _)) = error.redirect_node() else { return Err(error) };
            asking = error.code() == Some("ASK");
            node = self.0.iter().position(|node| address == format!("127.0.0.1:{}", node.port())).expect("a node");
        }
        panic!("{words:?} was redirected a hundred times");
    }
}

//! A cluster of any number of primaries and replicas, which grows, shrinks and loses nodes.

use redis::Connection;

use crate::support::{
    Builder, Server, await_that,
    cluster_router::Router,
    cluster_view::NodeView,
    sessions::{exec, send},
};

/// How many slots every cluster has.
pub(crate) const SLOTS: u16 = 16384;

/// A cluster on this machine. Its nodes keep their numbers: the primaries come first, then the replicas, then new nodes.
pub(crate) struct LargeCluster {
    settings: Builder,
    nodes: Vec<Node>,
}

struct Node {
    server: Server,
    id: String,
    /// Whether it runs and is part of the cluster.
    is_member: bool,
}

impl LargeCluster {
    /// A cluster whose nodes share these keys. Each primary has an equal part of the slots, in order, and `replicas` replicas.
    pub(crate) fn start(keys: &str, primaries: usize, replicas: usize) -> LargeCluster {
        LargeCluster::start_as(&Server::builder().keys(keys.as_bytes()), primaries, replicas)
    }

    /// A cluster of nodes that `node` starts.
    pub(crate) fn start_as(node: &Builder, primaries: usize, replicas: usize) -> LargeCluster {
        // With a long timeout, because on a busy machine a node may be slow to answer the others. Replicas are synchronised
        // at once, and stay with their primary.
        let settings = [
            ("cluster-enabled", "yes"),
            ("cluster-node-timeout", "60000"),
            ("cluster-allow-replica-migration", "no"),
            ("repl-diskless-sync-delay", "0"),
        ];
        let settings = settings.iter().fold(node.clone(), |node, (name, value)| node.config(name, value));
        let mut cluster = LargeCluster { settings, nodes: Vec::new() };
        for _ in 0..primaries * (1 + replicas) {
            cluster.nodes.push(cluster.new_node());
        }
        let share = |number: usize| u16::try_from(number * usize::from(SLOTS) / primaries).expect("at most all slots");
        for number in 0..primaries {
            let conn = &mut cluster.conn(number);
            let [first, last] = [share(number), share(number + 1) - 1].map(|slot| slot.to_string());
            exec(conn, &["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            exec(conn, &["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
        }
        for number in 1..cluster.nodes.len() {
            cluster.meet(number, 0..number);
        }
        cluster.await_agreement();
        for number in primaries..cluster.nodes.len() {
            exec(&mut cluster.conn(number), &["CLUSTER", "REPLICATE", cluster.id(number % primaries)]);
        }
        cluster.await_agreement();
        cluster
    }

    fn new_node(&self) -> Node {
        let server = self.settings.clone().start();
        let id = send(&mut server.conn(), &["CLUSTER", "MYID"]).expect("every node has an id");
        Node { server, id, is_member: true }
    }

    /// Introduces a node to others. They would tell each other, but that takes seconds.
    fn meet(&self, number: usize, others: impl Iterator<Item = usize>) {
        let conn = &mut self.conn(number);
        for other in others {
            exec(conn, &["CLUSTER", "MEET", "127.0.0.1", &self.port(other).to_string()]);
        }
    }

    /// Waits until all nodes know the same nodes, roles and slots, serve all slots, and all replicas follow their primary.
    pub(crate) fn await_agreement(&self) {
        let connections = &mut self.members().map(|number| self.conn(number)).collect::<Vec<_>>();
        await_that("agreement of the cluster", || {
            let mut views = connections.iter_mut().map(NodeView::live);
            let first = views.next()??;
            (first.len() == self.members().count() && views.all(|view| view.as_ref() == Some(&first))).then_some(())
        });
        await_that("the links of the replicas", || {
            connections
                .iter_mut()
                .all(|conn| {
                    let info: Option<String> = send(conn, &["INFO", "replication"]).ok();
                    info.is_some_and(|info| info.contains("role:master") || info.contains("master_link_status:up"))
                })
                .then_some(())
        });
    }

    /// The numbers of the nodes that run and are part of the cluster.
    pub(crate) fn members(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|number| self.nodes[*number].is_member)
    }

    /// A client that knows all nodes.
    pub(crate) fn router(&self) -> Router {
        Router::new(self.members().map(|number| self.port(number)).collect())
    }

    pub(crate) fn conn(&self, number: usize) -> Connection {
        self.nodes[number].server.conn()
    }

    pub(crate) fn port(&self, number: usize) -> u16 {
        self.nodes[number].server.port()
    }

    /// The id of a node in the cluster.
    pub(crate) fn id(&self, number: usize) -> &str {
        &self.nodes[number].id
    }

    /// The cluster as the first of its nodes sees it.
    fn view(&self) -> Vec<NodeView> {
        let first = self.members().next().expect("a cluster has nodes");
        NodeView::all(&mut self.conn(first)).expect("the node replies")
    }

    fn number(&self, id: &str) -> usize {
        self.nodes.iter().position(|node| node.id == id).expect("a node of the cluster")
    }

    /// The node that serves a slot.
    pub(crate) fn primary_of(&self, slot: u16) -> usize {
        let view = self.view();
        self.number(&view.iter().find(|node| node.serves(slot)).expect("all slots are served").id)
    }

    /// The slots that a node serves, as ranges.
    pub(crate) fn slots_of(&self, number: usize) -> Vec<(u16, u16)> {
        let view = self.view();
        view.into_iter().find(|node| node.id == self.id(number)).expect("a node of the cluster").slots
    }

    /// The replicas of a node.
    pub(crate) fn replicas_of(&self, number: usize) -> Vec<usize> {
        let view = self.view();
        let of_node = view.iter().filter(|node| node.primary.as_deref() == Some(self.id(number)));
        of_node.map(|node| self.number(&node.id)).filter(|number| self.nodes[*number].is_member).collect()
    }

    /// Sets a setting of every node.
    pub(crate) fn configure(&self, name: &str, value: &str) {
        self.members().for_each(|number| exec(&mut self.conn(number), &["CONFIG", "SET", name, value]));
    }

    /// Kills a node (SIGKILL). The others notice after cluster-node-timeout.
    pub(crate) fn kill(&mut self, number: usize) {
        self.nodes[number].is_member = false;
        self.nodes[number].server.kill();
    }

    /// Starts a killed node again.
    pub(crate) fn restart(&mut self, number: usize) {
        self.nodes[number].server.restart();
        self.nodes[number].is_member = true;
    }

    /// Adds a primary without slots. Returns its number.
    pub(crate) fn add(&mut self) -> usize {
        let number = self.nodes.len();
        self.nodes.push(self.new_node());
        self.meet(number, self.members().filter(|other| *other != number));
        self.await_agreement();
        number
    }

    /// Adds a replica of a node. Returns its number.
    pub(crate) fn add_replica(&mut self, primary: usize) -> usize {
        let number = self.add();
        exec(&mut self.conn(number), &["CLUSTER", "REPLICATE", self.id(primary)]);
        self.await_agreement();
        number
    }

    /// Removes a replica, or a primary without slots and replicas, from the cluster. It runs on, alone.
    pub(crate) fn remove(&mut self, number: usize) {
        self.nodes[number].is_member = false;
        for other in self.members() {
            exec(&mut self.conn(other), &["CLUSTER", "FORGET", self.id(number)]);
        }
        exec(&mut self.conn(number), &["CLUSTER", "RESET"]);
        self.await_agreement();
    }
}

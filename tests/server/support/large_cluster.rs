//! A cluster of any number of primaries and replicas, which grows, shrinks and loses nodes.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use redis::Connection;

use crate::support::{
    Builder, Server, await_that, cli,
    cluster_router::Router,
    cluster_view::NodeView,
    sessions::{exec, send},
};

/// How many slots every cluster has.
pub(crate) const SLOTS: u16 = 16384;

/// The usual `cluster-node-timeout`: on a busy machine, a node may be slow to answer the others.
const LONG_TIMEOUT: &str = "60000";
/// The `cluster-node-timeout` while nodes must agree soon, or notice a failure: they tell each other news in half of this time.
const SHORT_TIMEOUT: &str = "4000";

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
        let cluster = LargeCluster::nodes(node, primaries * (1 + replicas));
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

    /// A cluster that the command line client creates. It chooses the replicas.
    pub(crate) fn start_with_cli(keys: &str, primaries: usize, replicas: usize) -> LargeCluster {
        let cluster = LargeCluster::nodes(&Server::builder().keys(keys.as_bytes()), primaries * (1 + replicas));
        let addresses: Vec<String> = cluster.members().map(|number| cluster.address(number)).collect();
        let addresses = addresses.iter().map(String::as_str);
        let replicas = replicas.to_string();
        let words = ["create"].into_iter().chain(addresses).chain(["--cluster-replicas", &replicas]);
        cluster.cli(&words.collect::<Vec<_>>());
        cluster.await_agreement();
        cluster
    }

    /// Nodes that do not know each other.
    fn nodes(node: &Builder, count: usize) -> LargeCluster {
        // Replicas are synchronized at once, stay with their primary, and replace it only when a test wants that.
        let settings = [
            ("cluster-enabled", "yes"),
            ("cluster-node-timeout", SHORT_TIMEOUT),
            ("cluster-allow-replica-migration", "no"),
            ("cluster-replica-no-failover", "yes"),
            ("repl-diskless-sync-delay", "0"),
        ];
        let settings = settings.iter().fold(node.clone(), |node, (name, value)| node.config(name, value));
        let mut cluster = LargeCluster { settings, nodes: Vec::new() };
        for number in 0..count {
            cluster.start_node();
            cluster.nodes[number].is_member = true;
        }
        cluster
    }

    /// Starts a server that is not yet part of the cluster. Returns its number.
    pub(crate) fn start_node(&mut self) -> usize {
        let server = self.settings.clone().start();
        let id = send(&mut server.conn(), &["CLUSTER", "MYID"]).expect("every node has an id");
        self.nodes.push(Node { server, id, is_member: false });
        self.nodes.len() - 1
    }

    /// Runs `CLI --cluster` with these words, without questions. It must succeed.
    pub(crate) fn cli(&self, words: &[&str]) {
        let output = Command::new(cli()).arg("--cluster").args(words).arg("--cluster-yes").output();
        let output = output.expect("the client is installed beside the server");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{words:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
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
        self.configure("cluster-node-timeout", SHORT_TIMEOUT);
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
        self.configure("cluster-node-timeout", LONG_TIMEOUT);
    }

    /// The numbers of the nodes that run and are part of the cluster.
    pub(crate) fn members(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|number| self.nodes[*number].is_member)
    }

    /// A client that knows all nodes.
    pub(crate) fn router(&self) -> Router {
        Router::new(self.members().map(|number| self.port(number)).collect())
    }

    pub(crate) fn server(&self, number: usize) -> &Server {
        &self.nodes[number].server
    }

    pub(crate) fn conn(&self, number: usize) -> Connection {
        self.nodes[number].server.conn()
    }

    pub(crate) fn port(&self, number: usize) -> u16 {
        self.nodes[number].server.port()
    }

    pub(crate) fn address(&self, number: usize) -> String {
        format!("127.0.0.1:{}", self.port(number))
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
        self.current_primary_of(slot).expect("all slots are served")
    }

    /// The node that serves a slot, if there is one at the moment.
    fn current_primary_of(&self, slot: u16) -> Option<usize> {
        Some(self.number(&self.view().iter().find(|node| node.serves(slot))?.id))
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

    /// Kills a primary (SIGKILL), and waits until one of its replicas has taken its place. Returns that node.
    pub(crate) fn kill(&mut self, number: usize) -> usize {
        let (slot, _) = self.slots_of(number)[0];
        self.configure("cluster-node-timeout", SHORT_TIMEOUT);
        // Only its own replicas: on a busy machine another node may be slow to answer, and must stay a primary.
        let allow_failover = |cluster: &LargeCluster, replicas: &[usize], allowed: bool| {
            let value = if allowed { "no" } else { "yes" };
            for replica in replicas {
                exec(&mut cluster.conn(*replica), &["CONFIG", "SET", "cluster-replica-no-failover", value]);
            }
        };
        let replicas = self.replicas_of(number);
        allow_failover(self, &replicas, true);
        self.nodes[number].is_member = false;
        self.nodes[number].server.kill();
        let promoted = || self.current_primary_of(slot).filter(|primary| *primary != number);
        let promoted = await_that("the new primary", promoted);
        allow_failover(self, &replicas, false);
        self.await_agreement();
        promoted
    }

    /// Starts a killed node again.
    pub(crate) fn restart(&mut self, number: usize) {
        self.nodes[number].server.restart();
        self.nodes[number].is_member = true;
        self.await_agreement();
    }

    /// A replica takes the place of its primary, which agrees and stops writes until then: no write is lost.
    pub(crate) fn fail_over_to(&self, replica: usize) {
        let conn = &mut self.conn(replica);
        // The others agree to one failover of a node in twice this time.
        self.configure("cluster-node-timeout", SHORT_TIMEOUT);
        let mut asked: Option<Instant> = None;
        await_that("the new primary", || {
            // On a busy machine the time for it, 5 seconds, may be too short.
            if asked.is_none_or(|asked| asked.elapsed() > Duration::from_secs(10)) {
                asked = Some(Instant::now());
                exec(conn, &["CLUSTER", "FAILOVER"]);
            }
            let info: String = send(conn, &["INFO", "replication"]).expect("INFO works");
            info.contains("role:master").then_some(())
        });
        self.await_agreement();
    }

    /// Adds a primary without slots. Returns its number.
    pub(crate) fn add(&mut self) -> usize {
        let number = self.start_node();
        self.meet(number, self.members());
        self.note_added(number);
        number
    }

    /// Notes that a node was added, and waits until all nodes know it.
    pub(crate) fn note_added(&mut self, number: usize) {
        self.nodes[number].is_member = true;
        self.await_agreement();
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
        for other in self.members().filter(|other| *other != number) {
            exec(&mut self.conn(other), &["CLUSTER", "FORGET", self.id(number)]);
        }
        exec(&mut self.conn(number), &["CLUSTER", "RESET"]);
        self.note_removed(number);
    }

    /// Notes that a node was removed, and waits until no node knows it.
    pub(crate) fn note_removed(&mut self, number: usize) {
        self.nodes[number].is_member = false;
        self.await_agreement();
    }
}

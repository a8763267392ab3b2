//! A primary, two replicas with the same keys, and three Sentinels that watch them.

use std::array;

use redis::Connection;

use crate::support::{Builder, Server, await_that, sessions::send};

/// The name of the primary, which clients ask the Sentinels for.
pub(crate) const NAME: &str = "sessions";

/// The servers and the Sentinels.
pub(crate) struct Watched {
    pub(crate) servers: [Server; 3],
    sentinels: [Server; 3],
}

impl Watched {
    /// Servers that share these keys. The first is the primary.
    pub(crate) fn start(keys: &str) -> Watched {
        let node = || Server::builder().keys(keys.as_bytes()).config("repl-diskless-sync-delay", "0");
        let primary = node().start();
        let replica = || node().config("replicaof", &format!("127.0.0.1 {}", primary.port())).start();
        let replicas = [replica(), replica()];
        for replica in &replicas {
            await_info(replica, "master_link_status:up");
        }
        let [first, second] = replicas;
        await_info(&primary, "connected_slaves:2");
        let sentinels = array::from_fn(|_| sentinel(primary.port()).start());
        await_discovery(&sentinels);
        Watched { servers: [primary, first, second], sentinels }
    }

    pub(crate) fn sentinel_ports(&self) -> [u16; 3] {
        self.sentinels.each_ref().map(Server::port)
    }

    /// A connection to one of the Sentinels.
    pub(crate) fn sentinel(&self) -> Connection {
        self.sentinels[0].conn()
    }

    /// The server that all Sentinels name as the primary, if they agree.
    fn named(&self) -> Option<usize> {
        let port = named_port(&self.sentinels)?;
        self.servers.iter().position(|server| server.port() == port)
    }

    /// The primary.
    pub(crate) fn primary(&self) -> usize {
        await_that("a primary that all Sentinels name", || self.named())
    }

    /// Waits until all Sentinels name another primary than this one. Returns it.
    pub(crate) fn await_failover(&self, from: usize) -> usize {
        let primary = await_that("a new primary", || self.named().filter(|primary| *primary != from));
        await_info(&self.servers[primary], "role:master");
        primary
    }

    /// Waits until the other servers are replicas of this primary.
    pub(crate) fn await_replicas(&self, primary: usize) {
        let port = format!("master_port:{}\r", self.servers[primary].port());
        for server in (0..self.servers.len()).filter(|server| *server != primary) {
            for state in [&*port, "role:slave", "master_link_status:up"] {
                await_info(&self.servers[server], state);
            }
        }
    }
}

/// Waits until each Sentinel knows two replicas and two other Sentinels.
pub(crate) fn await_discovery(sentinels: &[Server; 3]) {
    for sentinel in sentinels {
        await_that("a Sentinel that knows all others", || {
            let fields: Vec<String> = send(&mut sentinel.conn(), &["SENTINEL", "MASTER", NAME]).ok()?;
            let is_two =
                |name: &str| fields.iter().position(|field| field == name).is_some_and(|at| fields[at + 1] == "2");
            (is_two("num-slaves") && is_two("num-other-sentinels")).then_some(())
        });
    }
}

/// The port of the server that all Sentinels name as the primary, if they agree.
pub(crate) fn named_port(sentinels: &[Server; 3]) -> Option<u16> {
    let command = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME];
    let named = |sentinel: &Server| send::<(String, u16)>(&mut sentinel.conn(), &command).ok();
    let [first, second, third] = sentinels.each_ref().map(named);
    first.filter(|first| second.as_ref() == Some(first) && third.as_ref() == Some(first)).map(|(_, port)| port)
}

/// Waits until `INFO replication` of a server has this text.
///
/// Sentinels end all connections to a server whose role they change, also new ones.
fn await_info(server: &Server, text: &str) {
    await_that(text, || {
        let info: String = send(&mut server.try_conn().ok()?, &["INFO", "replication"]).ok()?;
        info.contains(text).then_some(())
    });
}

/// A Sentinel that watches the primary on this port. Two of three must agree that it is down.
///
/// A busy machine may stop a server for a while, so a server counts as down late.
fn sentinel(primary: u16) -> Builder {
    let config = |builder: Builder, line: &str| builder.config("sentinel", line);
    let lines = [
        format!("monitor {NAME} 127.0.0.1 {primary} 2"),
        format!("down-after-milliseconds {NAME} 5000"),
        format!("failover-timeout {NAME} 10000"),
    ];
    lines.iter().fold(Server::builder().sentinel(), |builder, line| config(builder, line))
}

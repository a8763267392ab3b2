//! A Redis Cluster of three nodes.

use std::process::Command;

use redis::{cluster::ClusterClient, cluster_async::ClusterConnection};

use super::{server::Server, until};

/// A key set, for a realm or all nodes of a cluster.
pub(crate) const KEYS: &str = r#"{"keys":[{"kty":"oct","alg":"HS256","kid":"shared","k":"bmV2ZXIgdXNlIHRoaXMgc2VjcmV0IG91dHNpZGUgb2YgdGVzdHM"}]}"#;

pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
}

impl Cluster {
    pub(crate) async fn start() -> Cluster {
        let mut nodes = Vec::new();
        for _ in 0..3 {
            let settings = [("cluster-enabled", "yes"), ("jrs.keys-file", "{folder}/keys.json")];
            nodes.push(Server::with(&settings, &[("keys.json", KEYS)]).await);
        }
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)));
        let output = create.arg("--cluster-yes").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let cluster = Cluster { nodes };
        for node in &cluster.nodes {
            until("all nodes know each other", || async {
                let info: String = node.send(&["CLUSTER", "INFO"]).await;
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            })
            .await;
        }
        cluster
    }

    pub(crate) fn client(&self) -> ClusterClient {
        let nodes = self.nodes.iter().map(|node| format!("redis://127.0.0.1:{}/", node.port));
        ClusterClient::builder(nodes).retries(3).min_retry_wait(10).max_retry_wait(100).build().unwrap()
    }

    pub(crate) async fn connection(&self) -> ClusterConnection {
        self.client().get_async_connection().await.unwrap()
    }

    /// How many commands the nodes have redirected.
    pub(crate) async fn redirections(&self) -> u64 {
        let mut sum = 0;
        for node in &self.nodes {
            let stats: String = node.send(&["INFO", "errorstats"]).await;
            let counts = stats.lines().filter_map(|line| {
                let line = line.strip_prefix("errorstat_MOVED:").or(line.strip_prefix("errorstat_ASK:"))?;
                line.strip_prefix("count=")?.parse::<u64>().ok()
            });
            sum += counts.sum::<u64>();
        }
        sum
    }

    /// How many sessions each node has.
    pub(crate) async fn sessions(&self) -> Vec<u64> {
        let mut sizes = Vec::new();
        for node in &self.nodes {
            sizes.push(node.send(&["DBSIZE"]).await);
        }
        sizes
    }
}

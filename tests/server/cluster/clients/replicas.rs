//! Reading commands on cluster replicas.

use std::ops::Range;

use super::{cluster, create, ports};
use crate::support::{
    await_that,
    cluster_clients::{Options, client, clients, redirections},
    large_cluster::LargeCluster,
    sessions::send,
};

const ON_REPLICAS: Options = Options { replicas: true, plain: false };

/// How often `JRS.PEEK` ran on the primaries, and on the replicas.
fn peeks(cluster: &LargeCluster) -> [u64; 2] {
    let of_node = |number| -> u64 {
        let stats: String = send(&mut cluster.conn(number), &["INFO", "commandstats"]).expect("the node replies");
        let calls = stats.lines().find_map(|line| line.strip_prefix("cmdstat_JRS.PEEK:calls="));
        calls.map_or(0, |calls| calls.split(',').next().unwrap().parse().expect("a number"))
    };
    [(0..3).map(of_node).sum(), (3..6).map(of_node).sum()]
}

/// Waits until the replicas have as many sessions as the primaries.
fn await_same_dbsize(cluster: &LargeCluster) {
    let size = |number| send::<u64>(&mut cluster.conn(number), &["DBSIZE"]).expect("the node replies");
    let sum = |numbers: Range<usize>| -> u64 { numbers.map(size).sum() };
    await_that("the sessions on the replicas", || (sum(0..3) == sum(3..6)).then_some(()));
}

#[test]
fn reading_commands_go_to_replicas() {
    let cluster = cluster(1);
    for mut client in clients(&ports(&cluster), ON_REPLICAS) {
        let sessions = ["ada", "bob", "cy", "dee"].map(|owner| (owner, create(&mut client, owner)));
        await_same_dbsize(&cluster);
        let (redirected, [of_primaries, of_replicas]) = (redirections(&cluster), peeks(&cluster));
        for (owner, [key, token]) in &sessions {
            for words in [["JRS.PEEK", key, token], ["JRS.PEEK", key, token], ["JRS.INSPECT", key, token]] {
                let reply = client.read(&words);
                assert!(reply.as_ref().is_ok_and(|reply| !reply.is_null()), "{words:?}: {reply:?}");
            }
            assert_eq!(client.read(&["JRS.COUNT", owner]), Ok(1.into()));
        }
        assert_eq!(redirections(&cluster), redirected);
        let [on_primaries, on_replicas] = peeks(&cluster);
        if client.name == "node-redis" {
            let all = on_primaries + on_replicas - of_primaries - of_replicas;
            assert!(on_replicas > of_replicas && all == 8, "it reads from primaries and replicas in turn");
        } else {
            assert_eq!([on_primaries, on_replicas], [of_primaries, of_replicas + 8]);
        }
        for (owner, _) in &sessions {
            assert_eq!(client.send(&["JRS.DESTROYALL", owner]), Ok(1.into()));
        }
    }
}

#[test]
fn libraries_that_do_not_know_jrs_peek_send_it_to_the_primary() {
    let cluster = cluster(1);
    for name in ["redis-py", "redis-py with asyncio", "redis-rs"] {
        let mut client = client(name, &ports(&cluster), Options { plain: true, ..ON_REPLICAS });
        let [key, token] = &create(&mut client, "ada");
        let [of_primaries, of_replicas] = peeks(&cluster);
        for _ in 0..4 {
            assert!(client.read(&["JRS.PEEK", key, token]).is_ok_and(|reply| !reply.is_null()));
        }
        assert_eq!(peeks(&cluster), [of_primaries + 4, of_replicas], "{name}");
    }
}

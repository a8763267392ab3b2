//! The cluster of the page: it is created, a node is added and removed, and a primary is replaced, by the page's commands.

use std::{array, process::Command};

use redis::Value;

use super::{ONE, Site, as_user, field, write_keys};
use crate::support::{
    Server, await_that, cli,
    cluster_view::NodeView,
    sessions::{exec, send},
    slot_move_clients::owners,
    slot_moves::{await_migration, moves_slots_atomically},
    tokens::key,
};

/// Text of the lines of redis.conf that only cluster nodes have.
const CLUSTER: &str = "cluster-enabled yes";

/// Seven servers, with the addresses 192.0.2.1 to 192.0.2.7 on the page.
struct Servers([Server; 7]);

impl Servers {
    fn start(site: &Site) -> Servers {
        Servers(array::from_fn(|number| {
            let host = format!("node-{number}");
            write_keys(site, &host);
            let node = site.server(&host, &[ONE, CLUSTER]);
            let node = node.config("masteruser", "replication").config("masterauth", "CHANGE-ME-4");
            // Replicas are synchronized at once, and nodes exchange their state more often than on the page.
            node.config("repl-diskless-sync-delay", "0").config("cluster-node-timeout", "4000").start()
        }))
    }

    /// Runs the block of shell commands that contains `text`, line by line. The cluster must agree after each.
    fn run(&self, site: &Site, text: &str, variables: &mut String) {
        let block = site.block(text);
        assert_eq!(block.info, "shell");
        for line in block.lines {
            // Fewer slots than on the page move faster.
            let mut line = line.replace("redis-cli", &cli()).replace("--cluster-slots 4096", "--cluster-slots 30");
            for (number, server) in self.0.iter().enumerate() {
                let host = format!("192.0.2.{}", number + 1);
                line = line.replace(&format!("{host}:6379"), &format!("127.0.0.1:{}", server.port()));
                line = line.replace(&format!("-h {host} "), &format!("-h 127.0.0.1 -p {} ", server.port()));
            }
            let script = format!("{variables}{line}\n");
            let output = Command::new("timeout").args(["120", "sh", "-euc", &script]).output().unwrap();
            assert!(output.status.success(), "{script}\n{output:?}");
            if line.starts_with("export ") || line.split(' ').next().is_some_and(|word| word.contains('=')) {
                variables.push_str(&format!("{line}\n"));
            } else {
                self.await_agreement();
            }
        }
    }

    /// The servers that know other servers.
    fn members(&self) -> impl Iterator<Item = &Server> {
        let knows_others =
            |server: &&Server| NodeView::all(&mut as_user(server, "operator")).expect("the operator may ask").len() > 1;
        self.0.iter().filter(knows_others)
    }

    fn await_agreement(&self) {
        await_that("agreement of the cluster", || {
            let views: Vec<_> = self.members().map(|server| NodeView::live(&mut as_user(server, "operator"))).collect();
            let first = views.first()?.as_ref()?;
            (first.len() == views.len() && views.iter().all(|view| view.as_ref() == Some(first))).then_some(())
        });
    }

    /// The reply of the node that has the slot.
    fn send_as_app(&self, words: &[&str]) -> Value {
        let mut replies = self.members().map(|server| send::<Value>(&mut as_user(server, "app"), words));
        let is_moved =
            |reply: &redis::RedisResult<Value>| reply.as_ref().is_err_and(|error| error.code() == Some("MOVED"));
        replies.find(|reply| !is_moved(reply)).expect("a node has the slot").unwrap()
    }
}

/// As the page describes it for Valkey 9. The nodes log in to each other as the user for replication.
fn migrate_slots(site: &Site, servers: &Servers) {
    let (_, rest) = site.page.split_once("`ACL SETUSER replication ").unwrap();
    let (permissions, _) = rest.split_once('`').unwrap();
    let permissions: Vec<&str> = permissions.split_whitespace().collect();
    for server in &servers.0 {
        let user = ["ACL", "SETUSER", "replication"];
        exec(&mut as_user(server, "operator"), &[&user, &permissions[..]].concat());
    }
    let (source, target) = (&mut as_user(&servers.0[1], "operator"), &mut as_user(&servers.0[2], "operator"));
    let id: String = send(target, &["CLUSTER", "MYID"]).unwrap();
    let slots = ["SLOTSRANGE", "6000", "7999"];
    exec(source, &[&["CLUSTER", "MIGRATESLOTS"], &slots[..], &["NODE", &id]].concat());
    await_migration(source, "success");
}

#[test]
fn the_cluster_is_created_changed_and_failed_over() {
    let site = Site::new();
    let servers = Servers::start(&site);
    let variables = &mut String::new();
    servers.run(&site, "--cluster create", variables);
    assert_eq!(servers.members().count(), 6);
    // The lowest slots of each node move.
    let moving = owners(&mut as_user(&servers.0[0], "operator"), 10);
    assert!(!moving.is_empty());
    let owners = moving.into_iter().chain((0..20).map(|number| format!("user:{number}")));
    let create = |owner: String| redis::from_redis_value(servers.send_as_app(&["JRS.CREATE", &owner, "{}"])).unwrap();
    let tokens: Vec<String> = owners.map(create).collect();
    if moves_slots_atomically() {
        migrate_slots(&site, &servers);
        for token in &tokens {
            assert_ne!(servers.send_as_app(&["JRS.GET", &key(token), token]), Value::Nil, "after the migration");
        }
    }
    for (block, members) in [("add-node ", 7), ("del-node ", 6), ("CLUSTER FAILOVER", 6)] {
        servers.run(&site, block, variables);
        assert_eq!(servers.members().count(), members);
        for token in &tokens {
            assert_ne!(servers.send_as_app(&["JRS.GET", &key(token), token]), Value::Nil, "after {block}");
        }
    }
    await_that("the failover", || {
        (field(&mut as_user(&servers.0[3], "operator"), "replication", "role") == "master").then_some(())
    });
}

//! Slots that move between cluster nodes key by key: each reply is right or a redirection.

use std::{
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use redis::{Connection, RedisResult, Value};

use crate::support::{
    cli,
    nodes::Cluster,
    sessions::{contents, create, exec, refused, send},
    slot_move_clients::{data, owners, use_sessions},
    tokens::{key, signing_keys},
};

/// The reply to a command after ASKING.
fn ask(conn: &mut Connection, words: &[&str]) -> RedisResult<Value> {
    exec(conn, &["ASKING"]);
    send(conn, words)
}

#[test]
fn a_slot_moves_key_by_key() {
    for keys in signing_keys() {
        let cluster = Cluster::start(&keys);
        let nodes = cluster.nodes();
        let [from, to] = cluster.home_and_other("ada");
        let slot = &cluster.slot("ada").to_string();
        let [mut a, mut b] = nodes;
        let (source, target) = if from == 0 { (&mut a, &mut b) } else { (&mut b, &mut a) };
        let (moved, stays) = (create(source, "ada", r#"{"n":1}"#, &[]), create(source, "ada", r#"{"n":2}"#, &[]));
        let (moved_key, stays_key) = (key(&moved), key(&stays));

        exec(target, &["CLUSTER", "SETSLOT", slot, "IMPORTING", &cluster.id(from)]);
        exec(source, &["CLUSTER", "SETSLOT", slot, "MIGRATING", &cluster.id(to)]);
        let get_moved = ["JRS.GET", &moved_key, &moved];
        assert_eq!(data(send(source, &get_moved)).as_deref(), Some(r#"{"n":1}"#), "the key is still on the source");
        let port = cluster.port(to).to_string();
        exec(source, &["MIGRATE", "127.0.0.1", &port, &moved_key, "0", "60000"]);

        for words in [&get_moved[..], &["JRS.PEEK", &moved_key, &moved], &["JRS.DESTROY", &moved_key, &moved]] {
            assert_eq!(refused(source, words), "ASK", "{words:?}");
            assert_eq!(refused(target, words), "MOVED", "{words:?}");
        }
        assert_eq!(refused(source, &["JRS.UPDATE", &moved_key, &moved, "{}"]), "ASK");
        assert_eq!(refused(source, &["JRS.CREATE", "ada", "{}"]), "ASK", "the target creates new sessions");
        assert_eq!(data(ask(target, &get_moved)).as_deref(), Some(r#"{"n":1}"#));
        assert!(ask(target, &["JRS.UPDATE", &moved_key, &moved, r#"{"n":3}"#]).is_ok());
        assert_eq!(data(ask(target, &get_moved)).as_deref(), Some(r#"{"n":3}"#));
        let Ok(Value::BulkString(new)) = ask(target, &["JRS.CREATE", "ada", "{}"]) else { panic!("no token") };
        let new = String::from_utf8(new).unwrap();
        assert_eq!(data(ask(target, &["JRS.PEEK", &key(&new), &new])).as_deref(), Some("{}"));

        assert_eq!(data(send(source, &["JRS.GET", &stays_key, &stays])).as_deref(), Some(r#"{"n":2}"#));
        assert_eq!(send::<i64>(source, &["JRS.DESTROY", &stays_key, &stays]).unwrap(), 1);
        assert_eq!(refused(source, &["JRS.GET", &stays_key, &stays]), "ASK", "the target may have the key");
        assert_eq!(data(ask(target, &["JRS.GET", &stays_key, &stays])), None);

        for node in [&mut *target, &mut *source] {
            exec(node, &["CLUSTER", "SETSLOT", slot, "NODE", &cluster.id(to)]);
        }
        assert_eq!(refused(source, &get_moved), "MOVED");
        assert_eq!(data(send(target, &get_moved)).as_deref(), Some(r#"{"n":3}"#));
        assert!(contents(source).is_empty());
        let kept = contents(target).into_keys().collect::<Vec<_>>();
        assert_eq!(kept.len(), 2, "{kept:?}");
        assert!(kept.contains(&moved_key) && kept.contains(&key(&new)), "{kept:?}");
    }
}

/// How many slots the test below moves: the lowest slots of the first node.
const MOVING: u16 = 300;

#[test]
fn replies_are_right_while_slots_move() {
    for keys in signing_keys() {
        let cluster = Cluster::start(&keys);
        let [source, target] = &mut cluster.nodes();
        for node in [&mut *source, target] {
            // Without a token cache each ES256 command waits for a crypto thread while its slot may move.
            exec(node, &["CONFIG", "SET", "jrs.token-cache-size", "0"]);
        }
        let tokens: Vec<String> = owners(source, MOVING).iter().map(|owner| create(source, owner, "{}", &[])).collect();
        assert!(tokens.len() > 50);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let half = tokens.len() / 2;
            let users = [&tokens[..half], &tokens[half..]].map(|tokens| {
                let (cluster, stop) = (&cluster, &stop);
                scope.spawn(move || use_sessions(cluster, tokens, stop))
            });
            let mut reshard = Command::new(cli());
            reshard.args(["--cluster", "reshard", &format!("127.0.0.1:{}", cluster.port(0)), "--cluster-yes"]);
            reshard.args(["--cluster-from", &cluster.id(0), "--cluster-to", &cluster.id(1)]);
            let outcome = reshard.args(["--cluster-slots", &MOVING.to_string()]).output().unwrap();
            stop.store(true, Ordering::Relaxed);
            for user in users {
                // The number depends on the load of the machine.
                assert!(user.join().unwrap() > 0, "sessions were used while slots moved");
            }
            assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stdout));
        });
        assert!(contents(source).is_empty());
        assert_eq!(contents(&mut cluster.nodes()[1]).len(), tokens.len());
    }
}

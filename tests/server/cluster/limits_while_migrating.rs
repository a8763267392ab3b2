//! `max-sessions` while a slot moves key by key (`CLUSTER SETSLOT`): neither node has all sessions of an owner.

use redis::{Connection, Value};

use crate::support::{
    cases::each,
    nodes::Cluster,
    owner_sessions::count,
    sessions::{create, exec, refused, send},
    slot_move_clients::owners_in_one_slot,
    tokens::{SECRET, key, signing_keys},
};

/// Sets the limit on both nodes.
fn limit(nodes: [&mut Connection; 2], most: &str, policy: &str) {
    for node in nodes {
        exec(node, &["CONFIG", "SET", "jrs.max-sessions", most, "jrs.max-sessions-policy", policy]);
    }
}

fn keys(node: &mut Connection) -> Vec<String> {
    let mut keys: Vec<String> = send(node, &["KEYS", "*"]).unwrap();
    keys.sort_unstable();
    keys
}

/// Checks that the command is refused with TRYAGAIN and changes nothing.
fn assert_try_again(node: &mut Connection, asking: bool, words: &[&str]) {
    let before = keys(node);
    if asking {
        exec(node, &["ASKING"]);
    }
    assert_eq!(refused(node, words), "TRYAGAIN", "{words:?}");
    assert_eq!(keys(node), before, "{words:?}");
}

/// `JRS.ROTATE` of the token's session for another owner.
fn rotate<'t>(key: &'t str, token: &'t str, owner: &'t str) -> [&'t str; 5] {
    ["JRS.ROTATE", key, token, "OWNER", owner]
}

#[test]
fn new_sessions_are_refused_while_the_slot_moves() {
    for signing in signing_keys() {
        let cluster = Cluster::start(&signing);
        let [source, target] = &mut cluster.nodes();
        let [ada, bob] = &owners_in_one_slot(&cluster);
        let slot = &cluster.slot(ada).to_string();
        let [moved, stays] = &[(); 2].map(|()| create(source, ada, "{}", &[]));
        let other = &create(source, bob, "{}", &[]);
        // A key with the owner's name: without it the server itself sends JRS.CREATE to the other node (ASK).
        exec(source, &["SET", ada, ""]);
        exec(target, &["CLUSTER", "SETSLOT", slot, "IMPORTING", &cluster.id(0)]);
        exec(source, &["CLUSTER", "SETSLOT", slot, "MIGRATING", &cluster.id(1)]);
        let port = &cluster.port(1).to_string();
        let migrate =
            |source: &mut Connection, key: &str| exec(source, &["MIGRATE", "127.0.0.1", port, key, "0", "60000"]);
        migrate(source, &key(moved));

        // The sessions of an owner on one node are fewer than the limit, equal or more.
        for (most, policy) in each([("1", "reject"), ("1", "evict-oldest"), ("2", "reject"), ("9", "evict-oldest")]) {
            limit([source, target], most, policy);
            assert_try_again(source, false, &["JRS.CREATE", ada, "{}"]);
            assert_eq!(refused(source, &["JRS.CREATE", bob, "{}"]), "ASK");
            assert_try_again(target, true, &["JRS.CREATE", ada, "{}"]);
            assert_try_again(target, true, &["JRS.CREATE", bob, "{}"]);
            assert_try_again(source, false, &rotate(&key(other), other, ada));
            assert_try_again(target, true, &rotate(&key(moved), moved, bob));
        }
        // The number of sessions stays the same.
        let stays = &send::<String>(source, &["JRS.ROTATE", &key(stays), stays]).unwrap();
        assert_eq!(send::<i64>(source, &["JRS.TOUCH", &key(stays), stays]), Ok(86_400));

        // Without a limit nothing is counted. With a slow signature the server checks the new key's slot after the wait.
        limit([source, target], "0", "reject");
        let is_fast = signing == SECRET;
        let mut left = vec![stays.clone(), send::<String>(source, &rotate(&key(other), other, ada)).unwrap()];
        if is_fast {
            left.push(create(source, ada, "{}", &[]));
            exec(target, &["ASKING"]);
            create(target, bob, "{}", &[]);
        }

        exec(source, &["DEL", ada]);
        left.iter().for_each(|token| migrate(source, &key(token)));
        for node in [&mut *target, &mut *source] {
            exec(node, &["CLUSTER", "SETSLOT", slot, "NODE", &cluster.id(1)]);
        }
        assert_eq!([ada, bob].map(|owner| count(target, owner)), if is_fast { [4, 1] } else { [3, 0] });
        let most = count(target, ada);
        for policy in ["reject", "evict-oldest"] {
            limit([source, target], &most.to_string(), policy);
            let reply = send::<Value>(target, &["JRS.CREATE", ada, "{}"]);
            assert_eq!(reply.is_ok(), policy == "evict-oldest", "{reply:?}");
            assert_eq!(count(target, ada), most);
        }
        create(target, bob, "{}", &[]);
    }
}

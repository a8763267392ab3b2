//! Commands on an owner's sessions on cluster nodes: all sessions of an owner are in one slot.

use redis::{Connection, Value};

use crate::support::{
    nodes::Cluster,
    owner_sessions::{count, ids, list},
    sessions::{assert_refused, contents, create, exec, refused, send},
    tokens::{SECRET, id, key, signing_keys},
};

/// A cluster, connections to the node that has the owner's slot and to the other node, and their numbers.
fn cluster(keys: &str, owner: &str) -> (Cluster, Connection, Connection, [usize; 2]) {
    let cluster = Cluster::start(keys);
    let [a, b] = cluster.nodes();
    let numbers = cluster.home_and_other(owner);
    let (home, other) = if numbers[0] == 0 { (a, b) } else { (b, a) };
    (cluster, home, other, numbers)
}

/// `JRS.ROTATE` with the key, which a cluster requires.
fn rotate(conn: &mut Connection, token: &str, options: &[&str]) -> String {
    send(conn, &[&["JRS.ROTATE", &key(token), token], options].concat()).unwrap()
}

#[test]
fn owner_commands_work_on_the_node_of_the_slot() {
    for keys in signing_keys() {
        let (_cluster, mut home, mut other, _) = cluster(&keys, "ada");
        let conn = &mut home;
        let made: Vec<String> =
            (0..5).map(|number| create(conn, "ada", &format!(r#"{{"n":{number}}}"#), &[])).collect();
        // Other keys in the same slot.
        exec(conn, &["SET", "other:{ada}:x", "1"]);
        exec(conn, &["SET", "sess:{ada}:no uuid", "1"]);
        exec(conn, &["DEL", &key(&made[1])]);
        let expected: Vec<String> = [0, 2, 3, 4].map(|number| id(&made[number])).into();
        assert_eq!(ids(conn, "ada"), expected);
        assert_eq!(count(conn, "ada"), 4);
        assert_eq!(list(conn, &["ada", "WITHDATA"])[3].data.as_deref(), Some(r#"{"n":4}"#));
        assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &key(&made[2])]).unwrap(), 1);
        assert_eq!(refused(&mut other, &["JRS.REVOKE", &key(&made[2])]), "MOVED");
        let rotated = rotate(conn, &made[3], &["REAUTH"]);
        assert_eq!(ids(conn, "ada"), [id(&made[0]), id(&made[4]), id(&rotated)]);
        assert_eq!(send::<Value>(conn, &["JRS.PEEK", &key(&made[3]), &made[3]]).unwrap(), Value::Nil);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", &made[4]]).unwrap(), 2);
        assert_eq!(ids(conn, "ada"), [id(&made[4])]);
        assert_eq!(contents(conn).len(), 3, "there is no index key: {:?}", contents(conn).keys());
        for words in [
            &["JRS.LIST", "ada"][..],
            &["JRS.LIST", "ada", "LIMIT", "1"],
            &["JRS.COUNT", "ada"],
            &["JRS.DESTROYALL", "ada"],
            &["JRS.CREATE", "ada", "{}"],
        ] {
            assert_eq!(refused(&mut other, words), "MOVED");
        }
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 1);
        assert!(ids(conn, "ada").is_empty());
    }
}

#[test]
fn rotate_keeps_the_slot() {
    let (cluster, mut conn, _, _) = cluster(SECRET, "ada");
    let conn = &mut conn;
    let token = create(conn, "ada", "{}", &[]);
    // One owner in another slot of this node, one in a slot of the other node.
    let slot = cluster.slot("ada");
    let near = (0..)
        .map(|number| format!("user:{number}"))
        .find(|name| cluster.slot(name) != slot && cluster.home_and_other(name) == cluster.home_and_other("ada"));
    let far = (0..)
        .map(|number| format!("user:{number}"))
        .find(|name| cluster.home_and_other(name) != cluster.home_and_other("ada"));
    for owner in [near.unwrap(), far.unwrap()] {
        assert_refused(conn, "CROSSSLOT", &["JRS.ROTATE", &key(&token), &token, "OWNER", &owner]);
    }
    assert_refused(conn, "ERR", &["JRS.ROTATE", &key(&token), &token, "OWNER", ""]);
    assert_refused(conn, "WRONGKEY", &["JRS.ROTATE", "sess:{ada}:x", &token]);
    let token = rotate(conn, &token, &["OWNER", "ada"]);
    assert_eq!(ids(conn, "ada"), [id(&token)]);
    let script = "return redis.call('JRS.ROTATE', KEYS[1], ARGV[1])";
    let token: String = send(conn, &["EVAL", script, "1", &key(&token), &token]).unwrap();
    assert_eq!(ids(conn, "ada"), [id(&token)]);
}

#[test]
fn max_sessions_holds_on_a_cluster_node() {
    for keys in signing_keys() {
        let (_cluster, mut conn, _, _) = cluster(&keys, "ada");
        let conn = &mut conn;
        exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "3"]);
        let made: Vec<String> = (0..6).map(|_| create(conn, "ada", "{}", &[])).collect();
        assert_eq!(ids(conn, "ada"), made[3..].iter().map(|token| id(token)).collect::<Vec<_>>());
        exec(conn, &["CONFIG", "SET", "jrs.max-sessions-policy", "reject"]);
        assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}"]);
        exec(conn, &["DEL", &key(&made[4])]);
        create(conn, "ada", "{}", &[]);
        assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}"]);
        assert_eq!(contents(conn).len(), 3);
    }
}

#[test]
fn owner_commands_are_refused_while_a_slot_migrates() {
    let (cluster, mut source, mut target, [from, to]) = cluster(SECRET, "ada");
    let (source, target) = (&mut source, &mut target);
    let slot = cluster.slot("ada").to_string();
    let made: Vec<String> = (0..3).map(|_| create(source, "ada", "{}", &[])).collect();
    exec(target, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &cluster.id(from)]);
    exec(source, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &cluster.id(to)]);
    let port = cluster.port(to).to_string();
    exec(source, &["MIGRATE", "127.0.0.1", &port, &key(&made[0]), "0", "60000"]);
    let commands = [
        &["JRS.LIST", "ada"][..],
        &["JRS.LIST", "ada", "LIMIT", "1"],
        &["JRS.COUNT", "ada"],
        &["JRS.DESTROYALL", "ada"],
        &["JRS.DESTROYALL", "ada", "EXCEPT", &made[1]],
    ];
    for words in commands {
        // Redis redirects for keys that the source does not have (ASK). The module refuses the others.
        let word = refused(source, words);
        assert!(word == "ASK" || word == "TRYAGAIN", "{word}");
        exec(target, &["ASKING"]);
        assert_eq!(refused(target, words), "TRYAGAIN", "{words:?}");
    }
    // A session can be used on the node that has its key.
    let rotated = rotate(source, &made[1], &[]);
    assert_eq!(send::<i64>(source, &["JRS.REVOKE", &key(&made[2])]).unwrap(), 1);
    assert_eq!(refused(source, &["JRS.REVOKE", &key(&made[0])]), "ASK");
    exec(source, &["MIGRATE", "127.0.0.1", &port, &key(&rotated), "0", "60000"]);
    for node in [&mut *target, &mut *source] {
        exec(node, &["CLUSTER", "SETSLOT", &slot, "NODE", &cluster.id(to)]);
    }
    assert_eq!(ids(target, "ada"), [id(&made[0]), id(&rotated)]);
    assert_eq!(count(target, "ada"), 2);
    assert_eq!(send::<i64>(target, &["JRS.DESTROYALL", "ada"]).unwrap(), 2);
    assert!(contents(source).is_empty() && contents(target).is_empty());
}

//! An owner with thousands of sessions on a cluster node that has many other keys.

use std::thread;

use redis::{Connection, Value};

use crate::support::{
    await_that,
    nodes::Cluster,
    owner_sessions::{count, fill, ids, ids_in_keyspace},
    sessions::{begin, create, end, exec, send},
    tokens::{SECRET, key},
};

/// Enough sessions that destroying them takes more than one slice.
const MANY: usize = 30_000;
/// Enough sessions for more than one page of a scan.
const SOME: usize = 6000;

/// A cluster and two connections to the node that has the owner's slot.
fn cluster(owner: &str) -> (Cluster, Connection, Connection) {
    let cluster = Cluster::start(SECRET);
    let node = cluster.home_and_other(owner)[0];
    let ([a, b], [c, d]) = (cluster.nodes(), cluster.nodes());
    let (conn, other) = if node == 0 { (a, c) } else { (b, d) };
    (cluster, conn, other)
}

/// Adds other keys to the owner's node, in another slot.
fn add_other_keys(cluster: &Cluster, conn: &mut Connection, owner: &str, count: usize) {
    let home = |tag: &String| {
        cluster.slot(tag) != cluster.slot(owner) && cluster.home_and_other(tag) == cluster.home_and_other(owner)
    };
    let tag = (0..).map(|number| format!("tag{number}")).find(home).unwrap();
    let script = "for number = 1, ARGV[1] do redis.call('SET', KEYS[1] .. number, '') end return ARGV[1]";
    exec(conn, &["EVAL", script, "1", &format!("{{{tag}}}"), &count.to_string()]);
}

#[test]
fn lists_all_sessions_in_order() {
    // The second owner contains the characters of a pattern.
    for owner in ["ada", "a*?[^b-c]\\d"] {
        let (cluster, mut conn, _) = cluster(owner);
        let conn = &mut conn;
        let made = fill(conn, owner, SOME);
        // A key that begins like a session of the owner and is not one.
        exec(conn, &["SET", &format!("sess:{{{owner}}}:no uuid"), ""]);
        for with_other_keys in [false, true] {
            if with_other_keys {
                add_other_keys(&cluster, conn, owner, 5 * SOME);
            }
            assert_eq!(ids(conn, owner), made, "{owner}, with other keys: {with_other_keys}");
            assert_eq!(count(conn, owner), SOME);
            let script = "return #redis.call('JRS.LIST', ARGV[1])";
            assert_eq!(send::<usize>(conn, &["EVAL", script, "1", &format!("sess:{}", made[0]), owner]).unwrap(), SOME);
        }
        let all: usize = send(conn, &["DBSIZE"]).unwrap();
        assert_eq!(send::<usize>(conn, &["JRS.DESTROYALL", owner]).unwrap(), SOME);
        assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), all - SOME, "other keys stay");
        assert!(ids(conn, owner).is_empty());
    }
}

#[test]
fn destroyall_keeps_sessions_created_meanwhile() {
    let (_cluster, mut conn, mut destroying) = cluster("ada");
    let conn = &mut conn;
    let client: u64 = send(&mut destroying, &["CLIENT", "ID"]).unwrap();
    // On a busy machine all may be destroyed before other clients send their commands.
    await_that("commands during JRS.DESTROYALL", || {
        exec(conn, &["FLUSHALL"]);
        let made = fill(conn, "ada", MANY);
        let excepted = create(conn, "ada", "{}", &[]);
        // So that the command below is not the last one of an earlier attempt.
        exec(&mut destroying, &["PING"]);
        begin(&mut destroying, &["JRS.DESTROYALL", "ada", "EXCEPT", &excepted]);
        await_that("the start of the command", || {
            let client: String = send(conn, &["CLIENT", "LIST", "ID", &client.to_string()]).unwrap();
            client.to_lowercase().contains(" cmd=jrs.destroyall ").then_some(())
        });
        let mut new = Vec::new();
        let destroyed = thread::scope(|scope| {
            let destroyed = scope.spawn(|| end(&mut destroying).unwrap());
            while !destroyed.is_finished() {
                new.push(create(conn, "ada", "{}", &[]));
                let excepted: Value = send(conn, &["JRS.PEEK", &key(&excepted), &excepted]).unwrap();
                assert_ne!(excepted, Value::Nil);
            }
            destroyed.join().unwrap()
        });
        assert_eq!(destroyed, Value::Int(i64::try_from(made.len()).unwrap()));
        let in_time = new.len() > 10;
        new.push(excepted);
        let mut expected: Vec<String> = new.iter().map(|token| key(token)["sess:".len()..].to_owned()).collect();
        expected.sort_unstable();
        assert_eq!(ids_in_keyspace(conn, "sess:", "ada"), expected);
        assert_eq!(ids(conn, "ada"), expected);
        in_time.then_some(())
    });
}

#[test]
fn a_replica_lists_all_sessions() {
    let (mut cluster, mut conn, _) = cluster("ada");
    let made = fill(&mut conn, "ada", MANY);
    let conn = &mut cluster.replica(cluster.home_and_other("ada")[0]);
    exec(conn, &["READONLY"]);
    assert_eq!(ids(conn, "ada"), made);
    assert_eq!(count(conn, "ada"), MANY);
}

#[test]
fn max_sessions_is_exact_in_a_large_slot() {
    let (_cluster, mut conn, _) = cluster("ada");
    let conn = &mut conn;
    let made = fill(conn, "ada", SOME);
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", &(SOME - 10).to_string()]);
    let new = create(conn, "ada", "{}", &[]);
    let mut expected = made[11..].to_vec();
    expected.push(key(&new)["sess:".len()..].to_owned());
    assert_eq!(ids(conn, "ada"), expected);
}

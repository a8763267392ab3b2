//! Reads on replicas of cluster nodes, after READONLY.

use redis::Value;

use crate::support::{
    await_that,
    cluster_router::key_slot,
    large_cluster::LargeCluster,
    owner_sessions::{assert_agree, assert_index_agrees},
    replicas::await_replicas,
    sessions::{create, exec, refused, send},
    slot_moves::move_slots,
    tokens::{SECRET, key as key_of},
};

#[test]
fn replicas_read_and_redirect_writes() {
    // As the documents tell operators to do it.
    let cluster = LargeCluster::start_with_cli(SECRET, 3, 1);
    for number in 0..3 {
        let mut owners = (0..).map(|number| format!("user:{number}"));
        let owner = &owners.find(|owner| cluster.primary_of(key_slot(owner)) == number).unwrap();
        let [replica] = cluster.replicas_of(number)[..] else { panic!("one replica") };
        let (primary, replica) = (&mut cluster.conn(number), &mut cluster.conn(replica));
        let token = create(primary, owner, r#"{"n":1}"#, &[]);
        let key = &key_of(&token);
        await_replicas(primary, 1);
        let reads = [
            &["JRS.PEEK", key, &token][..],
            &["JRS.INSPECT", key, &token],
            &["JRS.LIST", owner, "WITHDATA"],
            &["JRS.COUNT", owner],
        ];
        let writes = [
            &["JRS.GET", key, &token][..],
            &["JRS.CREATE", owner, "{}"],
            &["JRS.UPDATE", key, &token, "{}"],
            &["JRS.TOUCH", key, &token],
            &["JRS.ROTATE", key, &token],
            &["JRS.DESTROY", key, &token],
            &["JRS.REVOKE", key],
            &["JRS.DESTROYALL", owner],
        ];
        for words in reads.iter().chain(&writes) {
            assert_eq!(refused(replica, words), "MOVED", "{words:?} before READONLY");
        }
        exec(replica, &["READONLY"]);
        for words in reads {
            assert_eq!(send::<Value>(replica, words), send(primary, words), "{words:?}");
        }
        for words in writes {
            assert_eq!(refused(replica, words), "MOVED", "{words:?}");
        }
        assert_eq!(assert_agree(replica, owner), [&key["sess:".len()..]]);

        // An expired session, whether or not the primary has already deleted it.
        let short = create(primary, owner, "{}", &["PX", "20"]);
        await_replicas(primary, 1);
        let short_key = key_of(&short);
        await_that("the end of the session", || {
            (send::<Value>(replica, &["JRS.PEEK", &short_key, &short]).unwrap() == Value::Nil).then_some(())
        });
        assert_eq!(send::<i64>(replica, &["JRS.COUNT", owner]), Ok(1));
        exec(primary, &["JRS.DESTROYALL", owner]);
        await_replicas(primary, 1);
        assert_eq!(send::<Value>(replica, &["JRS.PEEK", key, &token]), Ok(Value::Nil));
        assert_eq!(send::<i64>(replica, &["JRS.COUNT", owner]), Ok(0));
        assert_index_agrees(replica);
    }
}

#[test]
fn replicas_follow_slots_that_move() {
    let cluster = LargeCluster::start(SECRET, 2, 1);
    let [from, to] = if key_slot("ada") < 8192 { [0, 1] } else { [1, 0] };
    let token = create(&mut cluster.conn(from), "ada", "{}", &[]);
    let peek = ["JRS.PEEK", &key_of(&token), &token];
    let [mut old, mut new] = [from, to].map(|number| cluster.conn(cluster.replicas_of(number)[0]));
    for replica in [&mut old, &mut new] {
        exec(replica, &["READONLY"]);
    }
    await_that("the session", || send::<Value>(&mut old, &peek).is_ok_and(|reply| reply != Value::Nil).then_some(()));
    assert_eq!(refused(&mut new, &peek), "MOVED");
    let slot = key_slot("ada");
    move_slots(&cluster, slot..slot + 1, [from, to]);
    cluster.await_agreement();
    await_that("the session", || send::<Value>(&mut new, &peek).is_ok_and(|reply| reply != Value::Nil).then_some(()));
    assert_eq!(send::<i64>(&mut new, &["JRS.COUNT", "ada"]), Ok(1));
    for words in [&peek[..], &["JRS.COUNT", "ada"], &["JRS.LIST", "ada"]] {
        assert_eq!(refused(&mut old, words), "MOVED", "{words:?}");
    }
    await_that("the index", || (send(&mut old, &["JRS.DEBUG", "INDEX"]) == Ok(1)).then_some(()));
    assert_eq!(send::<i64>(&mut old, &["DBSIZE"]), Ok(0));
}

//! `min-replicas-to-write`: without enough replicas the server refuses writes, and JRS writes nothing.

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    frozen::Frozen,
    replicas::{assert_same, primary, replica},
    sessions::{assert_refused, create, exec, send},
    tokens::{key, signing_keys},
};

/// Waits until the server accepts writes again, and runs one.
fn await_writes(conn: &mut Connection) {
    await_that("enough replicas", || send::<String>(conn, &["JRS.CREATE", "eve", "{}"]).ok());
}

#[test]
fn a_frozen_replica_stops_the_writes_and_not_the_reads() {
    for keys in signing_keys() {
        let builder = primary(Server::builder().keys(keys.as_bytes()));
        let primary = builder.clone().config("min-replicas-to-write", "1").start();
        let conn = &mut primary.conn();
        assert_refused(conn, "NOREPLICAS", &["JRS.CREATE", "ada", "{}"]);
        let replica = replica(&primary, builder);
        await_writes(conn);
        let [token, other] = [(); 2].map(|()| create(conn, "ada", "{}", &[]));
        let (key, other) = (key(&token), key(&other));

        let frozen = Frozen::new(&replica);
        // Only while the replica is frozen: on a busy machine a replica may be silent for some seconds.
        exec(conn, &["CONFIG", "SET", "min-replicas-max-lag", "1"]);
        await_that("a refusal", || send::<Value>(conn, &["JRS.CREATE", "eve", "{}"]).err());
        for words in [
            &["JRS.CREATE", "ada", "{}"][..],
            &["JRS.CREATE", "", "{}"],
            &["JRS.GET", &token],
            &["JRS.GET", &key, &token],
            &["JRS.UPDATE", &token, r#"{"n":1}"#],
            &["JRS.UPDATE", &token, r#"{"n":1}"#, "MERGE"],
            &["JRS.TOUCH", &token, "EX", "10"],
            &["JRS.ROTATE", &token],
            &["JRS.ROTATE", &token, "OWNER", "bob"],
            &["JRS.DESTROY", &token],
            &["JRS.REVOKE", &other],
            &["JRS.DESTROYALL", "ada"],
            &["JRS.DESTROYALL", "ada", "EXCEPT", &token],
        ] {
            assert_refused(conn, "NOREPLICAS", words);
        }
        for words in [&["JRS.PEEK", &*token][..], &["JRS.INSPECT", &token], &["JRS.LIST", "ada"]] {
            assert!(!matches!(send(conn, words).unwrap(), Value::Nil), "{words:?}");
        }
        assert_eq!(send::<i64>(conn, &["JRS.COUNT", "ada"]).unwrap(), 2);

        exec(conn, &["CONFIG", "SET", "min-replicas-max-lag", "10"]);
        drop(frozen);
        await_writes(conn);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", &token]).unwrap(), 1);
        assert_same(conn, &mut replica.conn());
    }
}

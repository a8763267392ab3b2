//! A replica that loads a new data set beside the old one (`repl-diskless-load swapdb`) serves the old one meanwhile.

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    devices::assert_index_is_right,
    floods::rs256,
    sessions::{create, send},
    tokens::SECRET,
};

fn info(conn: &mut Connection) -> String {
    send(conn, &["INFO"]).unwrap()
}

fn is_loading(info: &str) -> bool {
    info.contains("async_loading:1")
}

fn await_link(conn: &mut Connection) {
    await_that("the replica's link", || info(conn).contains("master_link_status:up").then_some(()));
}

#[test]
fn a_replica_reads_sessions_while_it_loads_others_beside_them() {
    for keys in [SECRET.to_owned(), rs256()] {
        let primary = Server::builder()
            .keys(keys.as_bytes())
            .config("repl-diskless-sync-delay", "0")
            .config("repl-backlog-size", "16kb")
            .config("rdbcompression", "no")
            .start();
        let conn = &mut primary.conn();
        let token = create(conn, "ada", r#"{"a":1}"#, &[]);
        let replica = Server::builder()
            .keys(keys.as_bytes())
            .arg("token-cache-size", "0")
            .config("repl-diskless-load", "swapdb")
            .config("loading-process-events-interval-bytes", "1024")
            .config("replicaof", &format!("127.0.0.1 {}", primary.port()))
            .start();
        let reader = &mut replica.conn();
        await_link(reader);
        // Out of step, of the same history, and too far behind for anything but a full synchronisation.
        let () = send(reader, &["REPLICAOF", "127.0.0.1", "1"]).unwrap();
        // A replica answers between the pieces of 16 KB that arrive: here some 150 of them, 30 ms apart.
        let text = "x".repeat(1000);
        for number in 0..2500 {
            let () = send(conn, &["SET", &format!("key:{number}"), &text]).unwrap();
        }
        let () = send(conn, &["CONFIG", "SET", "rdb-key-save-delay", "2000"]).unwrap();
        let () = send(reader, &["REPLICAOF", "127.0.0.1", &primary.port().to_string()]).unwrap();
        // A client whose token is being verified when the load starts would be answered after it.
        await_that("asynchronous loading", || is_loading(&info(reader)).then_some(()));
        // In one piece, so that the server runs them one after the other: it loads before the reads and after them.
        let mut reads = redis::pipe();
        reads.cmd("INFO").cmd("JRS.PEEK").arg(&token).cmd("JRS.LIST").arg("ada").cmd("INFO");
        let (session, listed) = await_that("reads while loading", || {
            let (before, session, listed, after): (String, Value, Vec<Value>, String) = reads.query(reader).ok()?;
            (is_loading(&before) && is_loading(&after)).then_some((session, listed))
        });
        let Value::Array(session) = session else { panic!("no session") };
        assert_eq!(session[5], Value::BulkString(br#"{"a":1}"#.to_vec()));
        assert_eq!(listed.len(), 1);
        await_link(reader);
        let log = replica.log();
        assert!(!log.contains("not aware of async"), "{log}");
        assert_eq!(send::<i64>(reader, &["DBSIZE"]).unwrap(), 2501, "the keys and the session");
        assert_index_is_right(reader);
        assert!(matches!(send(reader, &["JRS.PEEK", &token]).unwrap(), Value::Array(_)));
    }
}

//! A replica serves the old data set while it loads a new one (`repl-diskless-load swapdb`).

use redis::Value;

use crate::support::{
    Server,
    cases::cases,
    in_flight::rs256,
    owner_sessions::assert_index_agrees,
    replicas::await_link,
    sessions::{create, send},
    slow_load,
    tokens::SECRET,
};

#[test]
fn a_replica_serves_the_old_data_while_it_loads_new_data() {
    for keys in cases([("HS256", SECRET.to_owned()), ("RS256", rs256())]) {
        let builder = Server::builder().keys(keys.as_bytes());
        let primary = slow_load::primary(builder.clone()).start();
        let token = create(&mut primary.conn(), "ada", r#"{"a":1}"#, &[]);
        let replica = slow_load::replica(builder, &primary).arg("token-cache-size", "0").start();
        let reader = &mut replica.conn();
        await_link(reader);
        let added = slow_load::begin(&primary, reader, |_| ());
        let mut reads = redis::pipe();
        reads.cmd("JRS.PEEK").arg(&token).cmd("JRS.LIST").arg("ada");
        let (session, listed): (Value, Vec<Value>) = slow_load::read_meanwhile(reader, &reads);
        let Value::Array(session) = session else { panic!("no session") };
        assert_eq!(session[5], Value::BulkString(br#"{"a":1}"#.to_vec()));
        assert_eq!(listed.len(), 1);
        await_link(reader);
        let log = replica.log();
        assert!(!log.contains("not aware of async"), "{log}");
        assert_eq!(send::<usize>(reader, &["DBSIZE"]).unwrap(), added + 1, "the added keys and the session");
        assert_index_agrees(reader);
        assert!(matches!(send(reader, &["JRS.PEEK", &token]).unwrap(), Value::Array(_)));
    }
}

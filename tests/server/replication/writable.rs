//! A replica that accepts writes (`replica-read-only no`).

use redis::Value;

use crate::support::{
    Server, await_that,
    owner_sessions::{assert_agree, assert_index_agrees, count},
    replicas::{assert_same, await_replicas, primary, replica},
    sessions::{create, exec, get, send},
    tokens::{key, signing_keys},
};

#[test]
fn local_sessions_work_until_the_next_synchronization() {
    for keys in signing_keys() {
        let builder = primary(Server::builder().keys(keys.as_bytes()));
        let primary = builder.clone().start();
        let replica = replica(&primary, builder.config("replica-read-only", "no"));
        let (conn, local) = (&mut primary.conn(), &mut replica.conn());
        let [shared, doomed] = [(); 2].map(|()| create(conn, "ada", r#"{"n":1}"#, &[]));
        await_replicas(conn, 1);
        let own = create(local, "ada", "{}", &[]);
        let rotated: String = send(local, &["JRS.ROTATE", &own, "OWNER", "bob"]).unwrap();
        exec(local, &["JRS.UPDATE", &shared, r#"{"n":2}"#]);
        assert_eq!(send::<i64>(local, &["JRS.DESTROY", &doomed]).unwrap(), 1);
        assert_eq!([count(local, "ada"), count(local, "bob")], [1, 1]);
        // A session that the replica itself created expires there.
        let short = create(local, "bob", "{}", &["PX", "50"]);
        let is_expired = |reply: Value| (reply == Value::Nil).then_some(());
        await_that("the expiry", || is_expired(send(local, &["JRS.PEEK", &short]).unwrap()));
        await_that("the deletion", || (send::<i64>(local, &["EXISTS", &key(&short)]).unwrap() == 0).then_some(()));
        assert_eq!(assert_agree(local, "bob").len(), 1);
        assert_index_agrees(local);

        // The primary knows nothing of this.
        assert_eq!(get(conn, &shared).expect("a session").data, r#"{"n":1}"#);
        assert!(get(conn, &doomed).is_some() && get(conn, &rotated).is_none());
        assert_eq!([count(conn, "ada"), count(conn, "bob")], [2, 0]);
        // What it writes, replaces what the replica wrote.
        exec(conn, &["JRS.UPDATE", &shared, r#"{"n":3}"#]);
        await_replicas(conn, 1);
        assert_eq!(get(local, &shared).expect("a session").data, r#"{"n":3}"#);
        // A full synchronization replaces all.
        exec(local, &["REPLICAOF", "NO", "ONE"]);
        assert_eq!(send::<i64>(local, &["JRS.DESTROYALL", "bob"]).unwrap(), 1);
        exec(local, &["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
        assert_same(conn, local);
        assert!(get(local, &doomed).is_some() && get(local, &rotated).is_none());
        assert_eq!([count(local, "ada"), count(local, "bob")], [2, 0]);
    }
}

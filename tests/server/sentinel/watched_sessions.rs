//! Sessions before and after a failover.

use crate::{
    chaos::{
        check,
        commands::to_port,
        history::{Op, Operation, Outcome},
        model::{Losses, Model},
    },
    support::{
        Server,
        replicas::await_replicas,
        sentinel::Watched,
        sessions::{contents, create, exec, get, send},
    },
};

/// Sessions of users who do nothing during the failover. Each replica has them.
pub(super) fn log_in(primary: &Server) -> Vec<String> {
    let conn = &mut primary.conn();
    let tokens = (0..50).map(|user| create(conn, &format!("user:{user}"), r#"{"a":1}"#, &[])).collect();
    await_replicas(conn, 2);
    tokens
}

/// Checks that these users are still logged in, and can use and end their sessions.
pub(super) fn assert_logged_in(primary: &Server, tokens: &[String]) {
    let conn = &mut primary.conn();
    for token in tokens {
        assert_eq!(get(conn, token).expect("a session").data, r#"{"a":1}"#);
        exec(conn, &["JRS.UPDATE", token, r#"{"a":2}"#]);
        let rotated: String = send(conn, &["JRS.ROTATE", token]).unwrap();
        assert_eq!(get(conn, &rotated).expect("a session").data, r#"{"a":2}"#);
        assert!(get(conn, token).is_none());
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &rotated]), Ok(1));
    }
}

/// Compares the new primary with what each program did.
pub(super) fn assert_holds(histories: &[Vec<Operation>], losses: Losses, primary: &Server) {
    for history in histories {
        let count = |op: Op| history.iter().filter(|done| done.op == op && done.outcome == Outcome::Ok).count();
        let [confirmed, connections] = [Op::Wait, Op::Connect].map(count);
        assert!(confirmed > 0 && connections > 1, "{confirmed} confirmed, {connections} connections");
        check::assert_holds(Model::of(history, losses), to_port(primary.port()).unwrap());
    }
}

/// Waits until both other servers are replicas of the primary, and checks that they have its data. Needs servers without load.
pub(super) fn assert_replicated(watched: &Watched, primary: usize) {
    let conn = &mut watched.servers[primary].conn();
    watched.await_replicas(primary);
    create(conn, "last", "{}", &[]);
    await_replicas(conn, 2);
    let expected = contents(conn);
    for server in &watched.servers {
        assert!(contents(&mut server.conn()) == expected, "the server on port {} has other data", server.port());
    }
}

//! JRS.LIST of thousands of sessions: the server serves other clients meanwhile, and the reply includes their changes.

use std::thread;

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    owner_sessions::{fill, ids},
    sessions::{begin, create, end, get, send},
    tokens::SECRET,
};

const MANY: usize = 40_000;

fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).start()
}

#[test]
fn a_session_revoked_before_the_reply_is_not_listed() {
    let server = server();
    let conn = &mut server.conn();
    fill(conn, "bob", MANY);
    await_that("a list that waits", || {
        let made = fill(conn, "ada", 500);
        let (mut first, mut second) = (server.conn(), server.conn());
        let id: u64 = send(&mut second, &["CLIENT", "ID"]).unwrap();
        // While a long list is in progress, a short one must wait too.
        begin(&mut first, &["JRS.LIST", "bob"]);
        begin(&mut second, &["JRS.LIST", "ada", "WITHDATA"]);
        let revoked = made[made.len() - 1].clone();
        assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &format!("sess:{revoked}")]).unwrap(), 1);
        let client: String = send(conn, &["CLIENT", "LIST", "ID", &id.to_string()]).unwrap();
        let is_waiting = client.contains(" flags=b ");
        let is_listed = format!("{:?}", end(&mut second).unwrap()).contains(&revoked);
        assert!(!(is_waiting && is_listed), "the session was revoked before the reply");
        let Value::Array(long) = end(&mut first).unwrap() else { panic!("not an array") };
        assert_eq!(long.len(), MANY);
        assert_eq!(ids(conn, "ada").len(), 499);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 499);
        is_waiting.then_some(())
    });
}

#[test]
fn other_clients_are_served_during_concurrent_lists() {
    let server = server();
    let conn = &mut server.conn();
    let made = fill(conn, "ada", MANY / 10);
    let bob = create(conn, "bob", "{}", &[]);
    // On a busy machine the lists may be done before other clients send their commands.
    await_that("commands during the lists", || {
        let mut lists: Vec<Connection> = (0..10).map(|_| server.conn()).collect();
        for list in &mut lists {
            begin(list, &["JRS.LIST", "ada", "WITHDATA"]);
        }
        let mut served = 0;
        thread::scope(|scope| {
            let replies: Vec<_> = lists.iter_mut().map(|list| scope.spawn(|| end(list).unwrap())).collect();
            while !replies.iter().all(thread::ScopedJoinHandle::is_finished) {
                assert!(get(conn, &bob).is_some());
                served += 1;
            }
            for reply in replies {
                let Value::Array(listed) = reply.join().unwrap() else { panic!("not an array") };
                assert_eq!(listed.len(), made.len());
            }
        });
        (served > 10).then_some(())
    });
}

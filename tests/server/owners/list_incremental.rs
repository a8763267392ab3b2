//! Lists that take more than a moment: others are served meanwhile, and what they do is in the list.

use std::thread;

use redis::{Connection, Value};

use crate::support::{
    Server,
    owner_sessions::{fill, ids},
    sessions::{begin, create, end, get, send},
    tokens::SECRET,
};

const MANY: usize = 40_000;

fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).start()
}

#[test]
fn who_left_before_the_reply_is_not_named() {
    let server = server();
    let conn = &mut server.conn();
    fill(conn, "bob", MANY);
    let mut left_in_time = 0;
    for _ in 0..20 {
        let made = fill(conn, "ada", 500);
        let (mut first, mut second) = (server.conn(), server.conn());
        let id: u64 = send(&mut second, &["CLIENT", "ID"]).unwrap();
        // While a long list is being made, a short one has to wait too.
        begin(&mut first, &["JRS.LIST", "bob"]);
        begin(&mut second, &["JRS.LIST", "ada", "WITHDATA"]);
        let left = made[made.len() - 1].clone();
        assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &format!("sess:{left}")]).unwrap(), 1);
        let client: String = send(conn, &["CLIENT", "LIST", "ID", &id.to_string()]).unwrap();
        let is_waiting = client.contains(" flags=b ");
        let named = format!("{:?}", end(&mut second).unwrap()).contains(&left);
        assert!(!(is_waiting && named), "it left before the reply was sent");
        left_in_time += usize::from(is_waiting);
        let Value::Array(long) = end(&mut first).unwrap() else { panic!("a list") };
        assert_eq!(long.len(), MANY);
        assert_eq!(ids(conn, "ada").len(), 499);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 499);
    }
    assert!(left_in_time > 0, "each list was there at once");
}

#[test]
fn many_lists_at_once_leave_time_for_others() {
    let server = server();
    let conn = &mut server.conn();
    let made = fill(conn, "ada", MANY / 10);
    let bob = create(conn, "bob", "{}", &[]);
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
            let Value::Array(listed) = reply.join().unwrap() else { panic!("a list") };
            assert_eq!(listed.len(), made.len());
        }
    });
    assert!(served > 10, "others were served {served} times");
}

//! The index of an owner's sessions follows whatever happens to them, and costs little.

use std::fs;

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    devices::{self, assert_agree, fill, ids, members},
    sessions::{self, assert_refused, create, expiry, get, index, send},
    tokens::{SECRET, key},
};

fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).start()
}

/// Lets sessions end by themselves.
fn expire(conn: &mut Connection, tokens: &[&String]) {
    for token in tokens {
        let () = send(conn, &["PEXPIRE", &key(token), "1"]).unwrap();
        await_that("the end of a session", || {
            (send::<i64>(conn, &["EXISTS", &key(token)]).unwrap() == 0).then_some(())
        });
    }
}

#[test]
fn it_follows_each_way_in_which_a_session_can_end() {
    let server = server();
    let conn = &mut server.conn();
    let made = [0; 6].map(|_| create(conn, "ada", "{}", &[]));
    assert_eq!((assert_agree(conn, "ada").len(), members(conn, "ada").len()), (6, 6));
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &made[0]]).unwrap(), 1);
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &key(&made[1])]).unwrap(), 1);
    let rotated: String = send(conn, &["JRS.ROTATE", &made[2]]).unwrap();
    assert_eq!((assert_agree(conn, "ada").len(), members(conn, "ada").len()), (4, 4), "these leave the index at once");
    assert!(ids(conn, "ada").contains(&key(&rotated)["sess:".len()..].to_owned()));
    let () = send(conn, &["DEL", &key(&made[3])]).unwrap();
    expire(conn, &[&made[4]]);
    assert_eq!((assert_agree(conn, "ada").len(), members(conn, "ada").len()), (2, 4), "these are hidden");
    let moved: String = send(conn, &["JRS.ROTATE", &made[5], "OWNER", "bob"]).unwrap();
    assert_eq!((assert_agree(conn, "ada").len(), assert_agree(conn, "bob").len()), (1, 1));
    assert_eq!(key(&moved), format!("sess:{}", ids(conn, "bob")[0]));
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 1);
    assert_eq!(send::<Vec<String>>(conn, &["KEYS", "*{ada}*"]).unwrap(), [""; 0], "a DESTROYALL forgets the dead");
    let () = send(conn, &["FLUSHDB"]).unwrap();
    assert!(ids(conn, "bob").is_empty());
    create(conn, "bob", "{}", &[]);
    assert_eq!(assert_agree(conn, "bob").len(), 1);
}

#[test]
fn it_survives_a_restart() {
    for (persistence, value) in [("save", "3600 1"), ("appendonly", "yes")] {
        let mut server = Server::builder().keys(SECRET.as_bytes()).config(persistence, value).start();
        let conn = &mut server.conn();
        let made = ["30", "4000", "200"].map(|ttl| create(conn, "ada", "{}", &["EX", ttl]));
        let () = send(conn, &["DEL", &key(&made[0])]).unwrap();
        let before = (assert_agree(conn, "ada"), sessions::contents(conn));
        server.stop();
        server.restart();
        let conn = &mut server.conn();
        assert_eq!((assert_agree(conn, "ada"), sessions::contents(conn)), before, "{persistence}");
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 2);
    }
}

#[test]
fn where_the_limit_looks_at_all_the_dead_are_forgotten_once() {
    let server =
        Server::builder().keys(SECRET.as_bytes()).args(&["max-sessions", "5"]).config("appendonly", "yes").start();
    let conn = &mut server.conn();
    let made = [0; 5].map(|_| create(conn, "ada", "{}", &[]));
    for token in &made[..4] {
        expire(conn, &[token]);
    }
    create(conn, "ada", "{}", &[]);
    assert_eq!(members(conn, "ada").len(), 2);
    let file = server.dir().join("appendonlydir/appendonly.aof.1.incr.aof");
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.matches("\r\nZREM\r\n").count(), 1, "{text}");
}

#[test]
fn it_lives_as_long_as_its_longest_session_and_not_for_ever() {
    let server = server();
    let conn = &mut server.conn();
    let long = create(conn, "ada", "{}", &["EX", "1000000"]);
    for ttl in ["10", "100000", "2000000"] {
        create(conn, "ada", "{}", &["EX", ttl]);
        assert_agree(conn, "ada");
    }
    for words in [
        &["JRS.TOUCH", &*long, "EX", "2500000"][..],
        &["JRS.UPDATE", &long, "{}"],
        &["JRS.UPDATE", &long, "{}", "EX", "2520000"],
        &["JRS.UPDATE", &long, "{}", "KEEPTTL"],
        &["JRS.GET", &long],
    ] {
        let _: Value = send(conn, words).unwrap();
        assert_agree(conn, "ada");
    }
    let bob = create(conn, "bob", "{}", &["EX", "600"]);
    let session = expiry(conn, &key(&bob));
    let slack = expiry(conn, &index("bob")) - session;
    assert!((0..=60_000).contains(&slack), "{slack}");
    // A session that its deadline ends, and its index with it.
    let token = create(conn, "eve", "{}", &["PX", "100"]);
    await_that("the end of the index", || (send::<i64>(conn, &["EXISTS", "sess:{eve}"]).unwrap() == 0).then_some(()));
    assert_eq!(send::<i64>(conn, &["EXISTS", &key(&token)]).unwrap(), 0);
}

#[test]
fn it_never_leaks() {
    let server = server();
    let conn = &mut server.conn();
    // One session lives on, so that the index does; the others end by themselves, and nobody lists or destroys any.
    let stays = create(conn, "ada", "{}", &[]);
    for _ in 0..40 {
        let mut pipe = redis::pipe();
        for _ in 0..50 {
            pipe.cmd("JRS.CREATE").arg(&["ada", "{}", "PX", "1"]);
        }
        let tokens: Vec<String> = pipe.query(conn).unwrap();
        await_that("their end", || {
            let left: i64 = redis::cmd("EXISTS")
                .arg(tokens.iter().map(|token| key(token)).collect::<Vec<_>>())
                .query(conn)
                .unwrap();
            (left == 0).then_some(())
        });
    }
    assert_eq!(assert_agree(conn, "ada").len(), 1);
    let length = members(conn, "ada").len();
    assert!(length < 300, "2000 sessions ended, and the index of one that is left holds {length}");
    assert!(get(conn, &stays).is_some());
}

/// The commands in the AOF, as their words.
fn aof(server: &Server) -> Vec<Vec<String>> {
    let text = fs::read_to_string(server.dir().join("appendonlydir/appendonly.aof.1.incr.aof")).unwrap();
    let (mut lines, mut commands) = (text.split("\r\n"), Vec::new());
    while let Some(count) = lines.next().and_then(|line| line.strip_prefix('*')) {
        commands.push((0..count.parse().unwrap()).map(|_| lines.nth(1).unwrap().to_owned()).collect());
    }
    commands
}

#[test]
fn a_create_costs_two_writes_more_and_a_read_that_moves_nothing_none() {
    let server =
        Server::builder().keys(SECRET.as_bytes()).config("appendonly", "yes").config("appendfsync", "always").start();
    let conn = &mut server.conn();
    let mut seen = 0;
    let mut writes = |act: &mut dyn FnMut()| {
        act();
        let all = aof(&server);
        let new: Vec<String> = all[seen..].iter().map(|words| words[0].clone()).collect();
        seen = all.len();
        new.into_iter().filter(|name| !["SELECT", "MULTI", "EXEC"].contains(&name.as_str())).collect::<Vec<_>>()
    };
    let mut made = Vec::new();
    for ttl in ["100", "100", "5000", "50", "100000"] {
        let new = writes(&mut || made.push(create(conn, "ada", "{}", &["EX", ttl])));
        assert!(new.len() <= 3 && new[..2] == ["SET", "ZADD"], "{new:?}");
    }
    // The end of the index leaves room, so that it is not moved with each session.
    assert_eq!(writes(&mut || made.push(create(conn, "ada", "{}", &["EX", "100000"]))), ["SET", "ZADD"]);
    assert_eq!(writes(&mut || drop(create(conn, "", "{}", &[]))), ["SET"]);
    let token = made[0].clone();
    for words in [
        &["JRS.GET", &*token][..],
        &["JRS.PEEK", &token],
        &["JRS.INSPECT", &token],
        &["JRS.LIST", "ada"],
        &["JRS.LIST", "ada", "WITHDATA"],
    ] {
        assert_eq!(writes(&mut || drop(send::<Value>(conn, words).unwrap())), [""; 0], "{words:?}");
    }
    assert_eq!(writes(&mut || drop(send::<Value>(conn, &["JRS.UPDATE", &token, "{}"]).unwrap())), ["SET"]);
    assert_eq!(writes(&mut || drop(send::<Value>(conn, &["JRS.TOUCH", &token, "EX", "60"]).unwrap())), ["PEXPIREAT"]);
    assert_eq!(writes(&mut || drop(get(conn, &token))), ["PEXPIREAT"]);
    assert_eq!(writes(&mut || drop(send::<Value>(conn, &["JRS.DESTROY", &token]).unwrap())), ["DEL", "ZREM"]);
    // Whatever a create forgets has ended by itself: one write for two at most.
    let () = send(conn, &["DEL", &key(&made[1]), &key(&made[2])]).unwrap();
    writes(&mut || ());
    let more: usize =
        (0..20).map(|_| writes(&mut || drop(create(conn, "ada", "{}", &["EX", "100000"]))).len() - 2).sum();
    assert!(more <= 2, "{more}");
}

#[test]
fn one_that_was_lost_comes_back_as_its_sessions_are_used() {
    let server = server();
    let conn = &mut server.conn();
    let made = [0; 4].map(|_| create(conn, "ada", "{}", &[]));
    let () = send(conn, &["DEL", "sess:{ada}"]).unwrap();
    assert!(ids(conn, "ada").is_empty());
    let () = send(conn, &["EXPIRE", &key(&made[0]), "500"]).unwrap();
    assert!(get(conn, &made[0]).is_some(), "a read that moves the end");
    let () = send(conn, &["JRS.TOUCH", &made[1], "EX", "100"]).unwrap();
    let () = send(conn, &["JRS.UPDATE", &made[2], "{}", "KEEPTTL"]).unwrap();
    assert_eq!(ids(conn, "ada").len(), 3);
    let rotated: String = send(conn, &["JRS.ROTATE", &made[3]]).unwrap();
    assert_eq!(assert_agree(conn, "ada").len(), 4);
    assert!(get(conn, &rotated).is_some());
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 4);
}

#[test]
fn something_else_in_its_place_stops_no_logout() {
    let server = server();
    let conn = &mut server.conn();
    let made = [0; 4].map(|_| create(conn, "ada", "{}", &[]));
    let bob = create(conn, "bob", "{}", &[]);
    let () = send(conn, &["DEL", "sess:{ada}"]).unwrap();
    let () = send(conn, &["SET", "sess:{ada}", "something else"]).unwrap();
    for words in [
        &["JRS.CREATE", "ada", "{}"][..],
        &["JRS.LIST", "ada"],
        &["JRS.DESTROYALL", "ada"],
        &["JRS.ROTATE", &made[0]],
        &["JRS.ROTATE", &bob, "OWNER", "ada"],
    ] {
        assert_refused(conn, "WRONGTYPE", words);
    }
    let () = send(conn, &["CONFIG", "SET", "jrs.max-sessions", "1"]).unwrap();
    assert_refused(conn, "WRONGTYPE", &["JRS.CREATE", "ada", "{}"]);
    let () = send(conn, &["EXPIRE", &key(&made[0]), "500"]).unwrap();
    assert!(get(conn, &made[0]).is_some_and(|session| session.ttl > 500));
    let () = send(conn, &["JRS.TOUCH", &made[1], "EX", "100"]).unwrap();
    let () = send(conn, &["JRS.UPDATE", &made[1], r#"{"n":1}"#]).unwrap();
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &made[1]]).unwrap(), 1);
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &key(&made[2])]).unwrap(), 1);
    let _: String = send(conn, &["JRS.ROTATE", &made[3], "OWNER", "bob"]).unwrap();
    assert_eq!(send::<String>(conn, &["GET", "sess:{ada}"]).unwrap(), "something else");
}

#[test]
fn an_owner_costs_little_memory() {
    let data = format!(r#"{{"a":"{}"}}"#, "x".repeat(192));
    let [without, with] = ["", "user"].map(|owner| {
        let server = server();
        let conn = &mut server.conn();
        // One of each first, so that what grows once has grown.
        let before: i64 = devices::info(conn, "memory", "used_memory");
        for from in (0..20_000).step_by(1000) {
            let mut pipe = redis::pipe();
            for number in from..from + 1000 {
                let owner = if owner.is_empty() { String::new() } else { format!("{owner}:{number:06}") };
                pipe.cmd("JRS.CREATE").arg(owner).arg(&data).ignore();
            }
            let () = pipe.query(conn).unwrap();
        }
        devices::info(conn, "memory", "used_memory") - before
    });
    assert!(with * 10 <= without * 17, "{with} bytes with owners, {without} without");
}

#[test]
fn a_long_one_is_listed_in_full() {
    let server = server();
    let conn = &mut server.conn();
    let made = fill(conn, "ada", 3000);
    assert_eq!(ids(conn, "ada"), made);
    // Many sessions of the same millisecond, as scripts and imports make them.
    let () = send(conn, &["ZUNIONSTORE", "sess:{ada}", "1", "sess:{ada}", "WEIGHTS", "0"]).unwrap();
    assert_eq!(ids(conn, "ada"), made);
    assert_eq!(send::<usize>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), made.len());
}

//! The owner index follows each change of a session, and needs few writes and little memory.

use std::fs;

use redis::Connection;

use crate::support::{
    Server, await_that,
    owner_sessions::{self, assert_agree, assert_index_agrees, fill, ids, info},
    sessions::{self, assert_indexed, create, exec, get, index, send},
    tokens::{SECRET, key},
};

fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).start()
}

/// Lets sessions expire.
fn expire(conn: &mut Connection, tokens: &[&String]) {
    for token in tokens {
        exec(conn, &["PEXPIRE", &key(token), "1"]);
        await_that("the expiry", || (send::<i64>(conn, &["EXISTS", &key(token)]).unwrap() == 0).then_some(()));
    }
}

/// The numbers of sessions and owners in INFO.
fn gauges(conn: &mut Connection) -> [i64; 2] {
    ["jrs_sessions_active", "jrs_owners_active"].map(|name| info(conn, "jrs_sessions", name))
}

#[test]
fn each_end_of_a_session_is_followed() {
    let server = server();
    let conn = &mut server.conn();
    let made = [0; 6].map(|_| create(conn, "ada", "{}", &[]));
    let mut keys = made.each_ref().map(|token| key(token)).to_vec();
    assert_indexed(conn, "ada", &keys);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &made[0]]).unwrap(), 1);
    assert_indexed(conn, "ada", &keys[1..]);
    assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &keys[1]]).unwrap(), 1);
    assert_indexed(conn, "ada", &keys[2..]);
    let rotated: String = send(conn, &["JRS.ROTATE", &made[2]]).unwrap();
    keys.push(key(&rotated));
    assert_indexed(conn, "ada", &keys[3..]);
    exec(conn, &["DEL", &keys[3]]);
    assert_indexed(conn, "ada", &keys[4..]);
    expire(conn, &[&made[4]]);
    assert_indexed(conn, "ada", &keys[5..]);
    assert_eq!(gauges(conn), [2, 1], "an expired session leaves the index without a read");
    let moved: String = send(conn, &["JRS.ROTATE", &made[5], "OWNER", "bob"]).unwrap();
    assert_indexed(conn, "ada", &keys[6..]);
    assert_indexed(conn, "bob", &[key(&moved)]);
    assert_eq!(gauges(conn), [2, 2]);
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 1);
    assert_eq!(send::<Vec<String>>(conn, &["KEYS", "*{ada}*"]).unwrap(), [""; 0]);
    exec(conn, &["FLUSHDB"]);
    assert_indexed(conn, "bob", &[""; 0]);
    assert_eq!(gauges(conn), [0, 0]);
    let last = create(conn, "bob", "{}", &[]);
    assert_indexed(conn, "bob", &[key(&last)]);
}

#[test]
fn the_index_is_the_same_after_a_restart() {
    for (persistence, value) in [("save", "3600 1"), ("appendonly", "yes")] {
        let mut server = Server::builder().keys(SECRET.as_bytes()).config(persistence, value).start();
        let conn = &mut server.conn();
        let made = ["30", "4000", "200"].map(|ttl| create(conn, "ada", "{}", &["EX", ttl]));
        exec(conn, &["DEL", &key(&made[0])]);
        let before = (assert_agree(conn, "ada"), sessions::contents(conn));
        server.stop();
        server.restart();
        let conn = &mut server.conn();
        assert_eq!((assert_agree(conn, "ada"), sessions::contents(conn)), before, "{persistence}");
        assert_index_agrees(conn);
        assert_eq!(gauges(conn), [2, 1]);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 2);
    }
}

#[test]
fn max_sessions_ignores_expired_sessions_and_writes_nothing() {
    let server = Server::builder()
        .keys(SECRET.as_bytes())
        .args(&["max-sessions", "5", "max-sessions-policy", "reject"])
        .config("appendonly", "yes")
        .config("appendfsync", "always")
        .start();
    let conn = &mut server.conn();
    let made = [0; 5].map(|_| create(conn, "ada", "{}", &[]));
    let mut writes = Writes::of(&server);
    for token in &made[..4] {
        expire(conn, &[token]);
    }
    // The server writes a DEL for each expired key.
    assert_eq!(writes.next_names(), ["PEXPIREAT", "DEL"].repeat(4));
    for _ in 0..4 {
        create(conn, "ada", "{}", &[]);
    }
    assert_eq!(writes.next_names(), ["SET"; 4]);
    assert_eq!(assert_agree(conn, "ada").len(), 5);
    sessions::assert_refused(conn, "TOOMANY", &["JRS.CREATE", "ada", "{}"]);
}

#[test]
fn an_owner_leaves_the_index_with_the_last_session() {
    let server = server();
    let conn = &mut server.conn();
    let empty = info(conn, "jrs_sessions", "jrs_index_bytes");
    let long = create(conn, "ada", "{}", &["EX", "1000000"]);
    for ttl in ["10", "100000", "2000000"] {
        create(conn, "ada", "{}", &["EX", ttl]);
    }
    let all = assert_agree(conn, "ada");
    assert_eq!(all.len(), 4);
    for words in [
        &["JRS.TOUCH", &*long, "EX", "2500000"][..],
        &["JRS.UPDATE", &long, "{}"],
        &["JRS.UPDATE", &long, "{}", "EX", "2520000"],
        &["JRS.UPDATE", &long, "{}", "KEEPTTL"],
        &["JRS.GET", &long],
        &["PERSIST", &key(&long)],
    ] {
        exec(conn, words);
        assert_eq!(assert_agree(conn, "ada"), all, "{words:?}");
    }
    // An expired session leaves the index without a read, and so does its owner.
    let short = create(conn, "eve", "{}", &[]);
    assert_eq!(gauges(conn), [5, 2]);
    exec(conn, &["PEXPIRE", &key(&short), "1"]);
    await_that("the expiry of eve's session", || (gauges(conn) == [4, 1]).then_some(()));
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 4);
    assert_eq!(gauges(conn), [0, 0]);
    assert_eq!(info(conn, "jrs_sessions", "jrs_index_bytes"), empty);
}

#[test]
fn expired_sessions_use_no_memory() {
    let server = server();
    let conn = &mut server.conn();
    // One session stays, so the owner stays in the index. The others expire, and no command lists or destroys them.
    let stays = create(conn, "ada", "{}", &[]);
    let one = info(conn, "jrs_sessions", "jrs_index_bytes");
    for _ in 0..40 {
        let mut pipe = redis::pipe();
        for _ in 0..50 {
            pipe.cmd("JRS.CREATE").arg(&["ada", "{}", "PX", "1"]);
        }
        pipe.exec(conn).unwrap();
        await_that("their expiry", || (send::<i64>(conn, &["DBSIZE"]).unwrap() == 1).then_some(()));
    }
    assert_eq!((gauges(conn), info(conn, "jrs_sessions", "jrs_index_bytes")), ([1, 1], one));
    assert_indexed(conn, "ada", &[key(&stays)]);
    assert!(get(conn, &stays).is_some());
}

/// Reads the commands that a server writes to its AOF.
struct Writes<'s> {
    server: &'s Server,
    seen: usize,
}

impl<'s> Writes<'s> {
    /// Reads the commands from now on.
    fn of(server: &'s Server) -> Self {
        let mut writes = Self { server, seen: 0 };
        writes.next_names();
        writes
    }

    /// The names of the commands since the last call.
    fn next_names(&mut self) -> Vec<String> {
        let text = fs::read_to_string(self.server.dir().join("appendonlydir/appendonly.aof.1.incr.aof")).unwrap();
        let (mut lines, mut names) = (text.split("\r\n"), Vec::new());
        while let Some(count) = lines.next().and_then(|line| line.strip_prefix('*')) {
            let words: Vec<_> = (0..count.parse().unwrap()).map(|_| lines.nth(1).unwrap()).collect();
            // Valkey deletes expired keys with UNLINK.
            names.push(words[0].to_uppercase().replace("UNLINK", "DEL"));
        }
        let new = names.split_off(self.seen);
        self.seen += new.len();
        new.into_iter().filter(|name| !["SELECT", "MULTI", "EXEC"].contains(&name.as_str())).collect()
    }
}

#[test]
fn an_owner_adds_no_writes() {
    let server =
        Server::builder().keys(SECRET.as_bytes()).config("appendonly", "yes").config("appendfsync", "always").start();
    let conn = &mut server.conn();
    let mut writes = Writes::of(&server);
    let mut made = Vec::new();
    for (owner, ttl) in
        ["ada", "ada", "bob", "ada", "ada", ""].into_iter().zip(["1000", "1000", "5000", "500", "1000", "900"])
    {
        made.push(create(conn, owner, "{}", &["EX", ttl]));
        assert_eq!(writes.next_names(), ["SET"], "{owner}");
    }
    let token = made[0].clone();
    for words in [
        &["JRS.GET", &*token][..],
        &["JRS.PEEK", &token],
        &["JRS.INSPECT", &token],
        &["JRS.COUNT", "ada"],
        &["JRS.LIST", "ada"],
        &["JRS.LIST", "ada", "WITHDATA"],
        &["JRS.LIST", "ada", "LIMIT", "1"],
        &["JRS.DESTROYALL", "eve"],
        &["JRS.DESTROYALL", "bob", "EXCEPT", &made[2]],
    ] {
        exec(conn, words);
        assert_eq!(writes.next_names(), [""; 0], "{words:?}");
    }
    for (words, written) in [
        (&["JRS.UPDATE", &*token, "{}"][..], &["SET"][..]),
        (&["JRS.TOUCH", &token, "EX", "600"], &["PEXPIREAT"]),
        (&["JRS.GET", &token], &["PEXPIREAT"]),
        (&["JRS.ROTATE", &made[1]], &["SET", "DEL"]),
        (&["JRS.DESTROY", &token], &["DEL"]),
        (&["JRS.REVOKE", &key(&made[3])], &["DEL"]),
        (&["JRS.DESTROYALL", "ada"], &["DEL"; 2]),
    ] {
        exec(conn, words);
        assert_eq!(writes.next_names(), written, "{words:?}");
    }
    assert_indexed(conn, "bob", &[key(&made[2])]);
}

#[test]
fn an_owner_adds_little_memory() {
    let data = format!(r#"{{"a":"{}"}}"#, "x".repeat(192));
    let [without, with] = ["", "user"].map(|owner| {
        let server = server();
        let conn = &mut server.conn();
        let before: i64 = owner_sessions::info(conn, "memory", "used_memory");
        for from in (0..20_000).step_by(1000) {
            let mut pipe = redis::pipe();
            for number in from..from + 1000 {
                let owner = if owner.is_empty() { String::new() } else { format!("{owner}:{number:06}") };
                pipe.cmd("JRS.CREATE").arg(owner).arg(&data).ignore();
            }
            pipe.exec(conn).unwrap();
        }
        owner_sessions::info(conn, "memory", "used_memory") - before
    });
    // The name of the key is longer too, by the owner's eleven bytes.
    assert!(with * 100 <= without * 117, "{with} bytes with owners, {without} without");
}

#[test]
fn thousands_of_sessions_are_listed_in_order() {
    let server = server();
    let conn = &mut server.conn();
    let made = fill(conn, "ada", 3000);
    assert_eq!(ids(conn, "ada"), made);
    // Many sessions of the same millisecond, as a script or an import creates them.
    let script = "
        for number = 1, 3000 do
            redis.call('SET', string.format('%s:01890a5d-ac96-7%03x-8000-%012x', ARGV[1], number % 4096, 3000 - number), '{}')
        end
        return 3000";
    exec(conn, &["EVAL", script, "0", &index("bob")]);
    let same = assert_agree(conn, "bob");
    assert_eq!(same.len(), 3000);
    assert!(same.is_sorted());
    for (owner, count) in [("ada", made.len()), ("bob", 3000)] {
        assert_eq!(send::<usize>(conn, &["JRS.DESTROYALL", owner]).unwrap(), count, "{owner}");
    }
    assert_eq!(send::<i64>(conn, &["DBSIZE"]).unwrap(), 0);
}

//! The owner index after the server has loaded an RDB or AOF file.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
};

use redis::Connection;

use crate::support::{
    Builder, Server, await_that,
    cases::cases,
    index_check::{ADA, BOB, assert_index_follows},
    owner_sessions::{count, fill},
    sessions::{create, exec, send},
    tokens::{SECRET, key},
};

fn builder() -> Builder {
    Server::builder().keys(SECRET.as_bytes()).config("enable-debug-command", "yes")
}

/// Creates, moves and removes sessions in two databases. Nine keys with the name of a session are left.
fn act(conn: &mut Connection) {
    let tokens = [(); 4].map(|()| create(conn, "ada", "{}", &[]));
    let steps: [&[&str]; 9] = [
        &["DEL", &key(&tokens[0])],
        &["JRS.ROTATE", &tokens[1], "OWNER", "bob"],
        &["RENAME", &key(&tokens[2]), BOB[0]],
        &["MSET", ADA[0], "x", ADA[1], "x", "plain", "x"],
        &["MOVE", ADA[0], "1"],
        &["SELECT", "1"],
        &["MSET", ADA[1], "x", ADA[2], "x", BOB[1], "x"],
        &["RPUSH", BOB[0], "x"],
        &["SELECT", "0"],
    ];
    for words in steps {
        exec(conn, words);
    }
    assert_eq!(assert_index_follows(conn), 9);
    assert_eq!([count(conn, "ada"), count(conn, "bob")], [2, 2]);
}

/// Ends the server in each of these ways and restarts it. Each time the index has the nine keys and follows changes.
fn assert_restarts(server: &mut Server, ends: &[fn(&mut Server)]) {
    for end in ends {
        end(server);
        server.restart();
        let conn = &mut server.conn();
        assert_eq!(assert_index_follows(conn), 9);
        exec(conn, &["RENAME", ADA[1], ADA[2]]);
        assert_eq!(assert_index_follows(conn), 9);
        exec(conn, &["RENAME", ADA[2], ADA[1]]);
    }
}

#[test]
fn the_index_is_built_from_an_rdb_file() {
    let mut server = builder().config("save", "3600 1").start();
    act(&mut server.conn());
    let save = |server: &mut Server| {
        exec(&mut server.conn(), &["SAVE"]);
        server.kill();
    };
    assert_restarts(&mut server, &[Server::stop, save]);
    let conn = &mut server.conn();
    for words in [&["DEBUG", "RELOAD"][..], &["DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE"]] {
        exec(conn, words);
        assert_eq!(assert_index_follows(conn), 9, "{words:?}");
    }
    // Without a save, DEBUG RELOAD restores the old data.
    exec(conn, &["DEL", BOB[0]]);
    assert_eq!(assert_index_follows(conn), 8);
    exec(conn, &["DEBUG", "RELOAD", "NOSAVE"]);
    assert_eq!(assert_index_follows(conn), 9);
}

#[test]
fn the_index_is_built_from_an_aof_file() {
    for preamble in cases([("with an RDB preamble", "yes"), ("without an RDB preamble", "no")]) {
        let aof = builder().config("appendonly", "yes").config("appendfsync", "always");
        let mut server = aof.config("aof-use-rdb-preamble", preamble).start();
        act(&mut server.conn());
        assert_restarts(&mut server, &[Server::kill, Server::stop]);
        exec(&mut server.conn(), &["BGREWRITEAOF"]);
        await_that("the rewritten file", || {
            let info: String = send(&mut server.conn(), &["INFO", "persistence"]).unwrap();
            let is_done = info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0");
            is_done.then_some(())
        });
        assert_restarts(&mut server, &[Server::kill, Server::kill]);
        let conn = &mut server.conn();
        exec(conn, &["DEBUG", "LOADAOF"]);
        assert_eq!(assert_index_follows(conn), 9);
    }
}

#[test]
fn the_index_is_built_from_a_truncated_aof_file() {
    let aof = builder().config("appendonly", "yes").config("appendfsync", "always");
    let mut server = aof.start();
    let conn = &mut server.conn();
    act(conn);
    let words = ["DEL", BOB[0]];
    exec(conn, &words);
    redis::pipe().atomic().cmd("DEL").arg(ADA[1]).cmd("SET").arg(&[ADA[2], "x"]).exec(conn).unwrap();
    assert_eq!(assert_index_follows(conn), 8);
    server.kill();
    let file = server.dir().join("appendonlydir/appendonly.aof.1.incr.aof");
    let length = fs::metadata(&file).unwrap().len();
    // Cuts off the end of EXEC: the server does not run the transaction.
    File::options().write(true).open(&file).unwrap().set_len(length - 3).unwrap();
    server.restart();
    let conn = &mut server.conn();
    assert_eq!(assert_index_follows(conn), 8);
    assert_eq!(send::<i64>(conn, &["EXISTS", ADA[1], ADA[2]]), Ok(1), "the transaction is not run");
    server.kill();
    let mut file = OpenOptions::new().append(true).open(&file).unwrap();
    file.write_all(format!("*3\r\n$3\r\nSET\r\n${}\r\n{}", BOB[0].len(), &BOB[0][..20]).as_bytes()).unwrap();
    server.restart();
    assert_eq!(assert_index_follows(&mut server.conn()), 8);
}

#[test]
fn the_index_is_built_from_a_large_rdb_file() {
    let mut server = builder().config("save", "3600 1").start();
    let conn = &mut server.conn();
    let made = fill(conn, "ada", 20_000);
    fill(conn, "bob", 20_000);
    server.stop();
    server.restart();
    let conn = &mut server.conn();
    exec(conn, &["DEL", &format!("sess:{}", made[77])]);
    assert_eq!(assert_index_follows(conn), 39_999);
    exec(conn, &["DEBUG", "RELOAD"]);
    assert_eq!(assert_index_follows(conn), 39_999);
}

/// Older releases had a sorted set of each owner's sessions. It is loaded, has no effect and expires.
#[test]
fn index_keys_of_an_older_release_have_no_effect() {
    let mut server = builder().config("save", "3600 1").args(&["max-sessions", "3"]).start();
    let conn = &mut server.conn();
    for (key, member) in ADA.iter().map(|key| (key, &key[key.len() - 36..])) {
        exec(conn, &["SET", key, "{}", "PX", "86400000"]);
        exec(conn, &["ZADD", "sess:{ada}", "1717171717171", member]);
    }
    exec(conn, &["ZADD", "sess:{bob}", "1", "01900000-0000-7000-8000-000000000001"]);
    exec(conn, &["PEXPIRE", "sess:{ada}", "86460000"]);
    server.stop();
    server.restart();
    let conn = &mut server.conn();
    assert_eq!(assert_index_follows(conn), 3);
    assert_eq!([count(conn, "ada"), count(conn, "bob")], [3, 0]);
    create(conn, "ada", "{}", &[]);
    assert_eq!((assert_index_follows(conn), count(conn, "ada")), (3, 3));
    assert_eq!(send::<i64>(conn, &["EXISTS", ADA[0]]), Ok(0), "the oldest session is evicted");
    assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]), Ok(3));
    assert_eq!(send::<i64>(conn, &["EXISTS", "sess:{ada}", "sess:{bob}"]), Ok(2));
    exec(conn, &["PEXPIRE", "sess:{ada}", "1"]);
    await_that("the expiry", || (send::<i64>(conn, &["EXISTS", "sess:{ada}"]).unwrap() == 0).then_some(()));
    assert_eq!(assert_index_follows(conn), 0);
}

//! The module is loaded into a server that has data: commands on owners are refused until the owner index is complete.

use redis::{Connection, Pipeline, RedisResult, Value};

use crate::support::{
    Builder, Server, await_that,
    index_check::{ADA, BOB, assert_index_follows, totals},
    module_path,
    owner_sessions::{self, count},
    sessions::{create, exec, get, send},
    tokens::SECRET,
    version,
};

fn builder() -> Builder {
    let builder = Server::builder().keys(SECRET.as_bytes()).args(&["allow-unload", "yes"]);
    builder.config("enable-module-command", "yes").config("enable-debug-command", "yes")
}

/// Loads the module with the keys that it had and this `max-sessions`, as the first command of the pipeline: the server runs
/// the next command immediately after it. Valkey 9 looks up all commands of a pipeline before it runs the first, so there
/// the module is loaded before.
fn load(server: &Server, conn: &mut Connection, pipe: &mut Pipeline, max_sessions: &str) {
    let (module, keys) = (module_path(), server.dir().join("keys"));
    let mut first = redis::pipe();
    let looks_up_first = version().starts_with("Valkey") && !version().contains("v=8.");
    let load = if looks_up_first { &mut first } else { pipe };
    load.cmd("MODULE").arg("LOAD").arg(module.to_str().unwrap()).arg("keys-file").arg(keys.to_str().unwrap());
    load.arg(&["max-sessions", max_sessions, "allow-unload", "yes"]).ignore();
    if looks_up_first {
        first.exec(conn).unwrap();
    }
}

/// Unloads the module. Some servers crash if a connection whose last command was one of the module is used again, so the
/// tests use the returned connection.
fn unload(server: &Server) -> Connection {
    let mut conn = server.conn();
    exec(&mut conn, &["MODULE", "UNLOAD", "jrs"]);
    conn
}

/// A few sessions of two owners in two databases.
fn fill(conn: &mut Connection) {
    for database in ["5", "0"] {
        exec(conn, &["SELECT", database]);
        exec(conn, &["MSET", ADA[0], "{}", ADA[1], "{}", BOB[0], "{}", "plain", "x"]);
    }
}

#[test]
fn few_keys_are_indexed_at_once() {
    let server = builder().start();
    for round in 0..3 {
        let conn = &mut unload(&server);
        // Keys change while the module is not loaded.
        exec(conn, &["FLUSHALL"]);
        fill(conn);
        exec(conn, &["RENAME", ADA[0], &format!("{}{round}", &ADA[2][..ADA[2].len() - 1])]);
        let mut pipe = redis::pipe();
        load(&server, conn, &mut pipe, "0");
        pipe.cmd("JRS.COUNT").arg("ada").cmd("JRS.COUNT").arg("bob");
        assert_eq!(pipe.query::<[usize; 2]>(conn).unwrap(), [2, 1], "the index is complete when the module is loaded");
        assert_eq!(assert_index_follows(conn), 6);
        exec(conn, &["PING"]);
    }
}

#[test]
fn many_keys_are_indexed_in_slices() {
    const MANY: usize = 300_000;
    let server = builder().start();
    let mine = create(&mut server.conn(), "eve", "{}", &[]);
    let conn = &mut unload(&server);
    fill(conn);
    exec(conn, &["DEBUG", "POPULATE", &MANY.to_string(), "sess:{many}", "2"]);
    // In one pipeline, so that the server does nothing else in between.
    let mut pipe = redis::pipe();
    load(&server, conn, &mut pipe, "5");
    let refused: [&[&str]; 5] = [
        &["JRS.LIST", "ada"],
        &["JRS.COUNT", "ada"],
        &["JRS.DESTROYALL", "ada"],
        &["JRS.CREATE", "ada", "{}"],
        &["JRS.ROTATE", &mine, "OWNER", "ada"],
    ];
    for words in refused {
        pipe.cmd(words[0]).arg(&words[1..]);
    }
    pipe.ignore_errors();
    let replies: Vec<RedisResult<Value>> = pipe.query(conn).unwrap();
    let [.., a, b, c, d, e] = &replies[..] else { panic!("{replies:?}") };
    for (reply, words) in [a, b, c, d, e].into_iter().zip(refused) {
        assert_eq!(reply.as_ref().unwrap_err().code(), Some("TRYAGAIN"), "{words:?}");
    }
    // Commands that need no index work meanwhile.
    assert_eq!(get(conn, &mine).expect("a session").owner, "eve");
    let guest = create(conn, "", "{}", &[]);
    // Keys are added, renamed and moved, and databases swapped, until the index is complete.
    let mut rounds = 0;
    await_that("a complete index", || {
        rounds += 1;
        let number = format!("{:012x}", rounds);
        let new = |owner: &str| format!("sess:{{{owner}}}:01900000-0002-7000-8000-{number}");
        let steps: [&[&str]; 6] = [
            &["SET", &new("ada"), "x"],
            &["SET", &new("bob"), "x"],
            &["RENAME", &new("ada"), &new("new")],
            &["MOVE", &new("bob"), "5"],
            &["SWAPDB", "5", "7"],
            &["SWAPDB", "0", "9"],
        ];
        // SWAPDB starts indexing again, so it stops after some rounds.
        for words in &steps[..if rounds < 10 { 6 } else { 4 }] {
            exec(conn, words);
        }
        send::<Value>(conn, &["JRS.COUNT", "ada"]).is_ok().then_some(())
    });
    assert!(rounds > 1, "the index was complete at once");
    assert!(assert_index_follows(conn) > 6);
    exec(conn, &["SELECT", "9"]);
    let eve = count(conn, "eve");
    exec(conn, &["SELECT", "0"]);
    assert_eq!((eve + count(conn, "eve"), guest.is_empty()), (1, false));
    create(conn, "ada", "{}", &[]);
    assert_index_follows(conn);
}

#[test]
fn a_flush_during_indexing_is_followed() {
    let server = builder().start();
    let conn = &mut unload(&server);
    exec(conn, &["SELECT", "3"]);
    exec(conn, &["DEBUG", "POPULATE", "300000", "sess:{many}", "2"]);
    fill(conn);
    let mut pipe = redis::pipe();
    load(&server, conn, &mut pipe, "0");
    pipe.cmd("FLUSHDB").ignore().cmd("SET").arg(&[ADA[2], "x"]).ignore().exec(conn).unwrap();
    await_that("a complete index", || send::<Value>(conn, &["JRS.COUNT", "ada"]).is_ok().then_some(()));
    assert_eq!((assert_index_follows(conn), count(conn, "ada")), (4, 1));
}

/// Swaps a database that is not indexed yet with one that is.
#[test]
fn a_swapdb_during_indexing_is_followed() {
    // On a busy machine the index may be complete before the swap.
    assert!((0..10).any(|_| swap_during_indexing()), "the index was complete before each swap");
}

/// Checks that no session is missing. Returns whether the index was incomplete at the swap.
fn swap_during_indexing() -> bool {
    let server = builder().start();
    let conn = &mut unload(&server);
    fill(conn);
    exec(conn, &["SELECT", "3"]);
    exec(conn, &["DEBUG", "POPULATE", "300000", "sess:{many}", "2"]);
    owner_sessions::fill(conn, "eve", 2000);
    let mut pipe = redis::pipe();
    load(&server, conn, &mut pipe, "0");
    pipe.cmd("PING").ignore().exec(conn).unwrap();
    let at_first = totals(conn)[0];
    await_that("the middle of database 3", || (totals(conn)[0] > at_first || at_first > 2000).then_some(()));
    let mut pipe = redis::pipe();
    pipe.cmd("SWAPDB").arg(&["0", "5"]).cmd("JRS.COUNT").arg("ada").ignore_errors();
    let replies: Vec<RedisResult<Value>> = pipe.query(conn).unwrap();
    assert!(replies[0].is_ok(), "{replies:?}");
    await_that("a complete index", || send::<Value>(conn, &["JRS.COUNT", "ada"]).is_ok().then_some(()));
    assert_eq!(assert_index_follows(conn), 2006);
    replies[1].is_err()
}

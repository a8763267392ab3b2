//! The owner index follows commands of the server that add, rename or remove keys.

use redis::{Connection, Value};

use crate::support::{
    Server,
    index_check::{ADA, BOB, assert_index_follows},
    owner_sessions::count,
    sessions::{exec, send},
    tokens::SECRET,
};

const A: &str = ADA[0];
const A2: &str = ADA[1];
const A3: &str = ADA[2];
const B: &str = BOB[0];
const B2: &str = BOB[1];

/// A command; and how many sessions ada and bob have after it, and how many keys have the name of a session.
type Step<'s> = (&'s [&'s str], [usize; 3]);

fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).config("enable-debug-command", "yes").start()
}

fn assert_steps(conn: &mut Connection, steps: &[Step<'_>]) {
    for (words, [ada, bob, all]) in steps {
        exec(conn, words);
        assert_eq!(assert_index_follows(conn), *all, "all after {words:?}");
        assert_eq!([count(conn, "ada"), count(conn, "bob")], [*ada, *bob], "after {words:?}");
    }
}

#[test]
fn commands_on_strings_are_followed() {
    let server = server();
    assert_steps(
        &mut server.conn(),
        &[
            (&["SET", A, "{}"], [1, 0, 1]),
            (&["SET", A, "{}", "EX", "100"], [1, 0, 1]),
            (&["APPEND", A2, "x"], [2, 0, 2]),
            (&["SETRANGE", A3, "5", "x"], [3, 0, 3]),
            (&["GETSET", A3, "y"], [3, 0, 3]),
            (&["GETDEL", A3], [2, 0, 2]),
            (&["GETEX", A2, "PXAT", "1"], [1, 0, 1]),
            (&["MSET", A2, "x", B, "x", "plain", "x"], [2, 1, 3]),
            (&["MSETNX", A, "x", A3, "x"], [2, 1, 3]),
            (&["MSETNX", A3, "x", B2, "x"], [3, 2, 5]),
            (&["UNLINK", A, A2, A3, "plain"], [0, 2, 2]),
            (&["DEL", B, B2, A], [0, 0, 0]),
            (&["SETBIT", A, "7", "1"], [1, 0, 1]),
            (&["BITOP", "NOT", A2, A], [2, 0, 2]),
            (&["BITOP", "AND", A2, "none", "none"], [1, 0, 1]),
            (&["INCR", A2], [2, 0, 2]),
            (&["PFADD", A3, "x"], [3, 0, 3]),
            (&["PFMERGE", B, A3], [3, 1, 4]),
            (&["PSETEX", B2, "100000", "x"], [3, 2, 5]),
            (&["SETNX", B2, "x"], [3, 2, 5]),
            (&["EXPIRE", A, "-1"], [2, 2, 4]),
            (&["PEXPIREAT", A2, "1"], [1, 2, 3]),
            (&["SET", A3, "x", "PXAT", "1"], [0, 2, 2]),
            (&["SET", A, "x", "PXAT", "1"], [0, 2, 2]),
        ],
    );
}

#[test]
fn renamed_copied_and_restored_keys_are_followed() {
    let server = server();
    let restore = "local how = {unpack(ARGV)} table.remove(how, 1)
        return redis.call('RESTORE', KEYS[2], ARGV[1], redis.call('DUMP', KEYS[1]), unpack(how))";
    assert_steps(
        &mut server.conn(),
        &[
            (&["MSET", A, "x", A2, "y"], [2, 0, 2]),
            (&["RENAME", A2, B], [1, 1, 2]),
            (&["RENAME", A, B], [0, 1, 1]),
            (&["RENAME", B, B], [0, 1, 1]),
            (&["RENAME", B, "plain"], [0, 0, 0]),
            (&["RENAMENX", "plain", A], [1, 0, 1]),
            (&["COPY", A, B], [1, 1, 2]),
            (&["COPY", A, B], [1, 1, 2]),
            (&["RENAMENX", A, B], [1, 1, 2]),
            (&["RENAMENX", A, A2], [1, 1, 2]),
            (&["COPY", A2, B, "REPLACE"], [1, 1, 2]),
            (&["COPY", "none", B, "REPLACE"], [1, 1, 2]),
            (&["COPY", A2, "plain"], [1, 1, 2]),
            (&["EVAL", restore, "2", "plain", A3, "0"], [2, 1, 3]),
            (&["EVAL", restore, "2", "plain", A3, "0", "REPLACE"], [2, 1, 3]),
            (&["EVAL", restore, "2", "plain", A, "60000"], [3, 1, 4]),
            (&["EVAL", restore, "2", "plain", A, "1", "ABSTTL", "REPLACE"], [2, 1, 3]),
            (&["EVAL", restore, "2", "plain", A, "1", "ABSTTL"], [2, 1, 3]),
            (&["EVAL", restore, "2", A3, B2, "4000000000000", "ABSTTL"], [2, 2, 4]),
        ],
    );
}

#[test]
fn commands_on_other_types_are_followed() {
    let server = server();
    assert_steps(
        &mut server.conn(),
        &[
            (&["RPUSH", A, "1"], [0, 0, 1]),
            (&["RPOPLPUSH", A, A2], [0, 0, 1]),
            (&["LMOVE", A2, A, "LEFT", "LEFT"], [0, 0, 1]),
            (&["SET", A, "x"], [1, 0, 1]),
            (&["RPUSH", "plain", "2", "1"], [1, 0, 1]),
            (&["SORT", "plain", "STORE", A], [0, 0, 1]),
            (&["SORT", "none", "STORE", A], [0, 0, 0]),
            (&["SADD", A, "x"], [0, 0, 1]),
            (&["SMOVE", A, B, "x"], [0, 0, 1]),
            (&["SUNIONSTORE", A2, B], [0, 0, 2]),
            (&["SDIFFSTORE", A2, B, B], [0, 0, 1]),
            (&["SPOP", B], [0, 0, 0]),
            (&["ZADD", A, "1", "x"], [0, 0, 1]),
            (&["ZRANGESTORE", A2, A, "0", "-1"], [0, 0, 2]),
            (&["ZRANGESTORE", A2, A, "5", "9"], [0, 0, 1]),
            (&["ZPOPMIN", A], [0, 0, 0]),
            (&["HSET", B2, "f", "v"], [0, 0, 1]),
            (&["RENAME", B2, B], [0, 0, 1]),
            (&["HDEL", B, "f"], [0, 0, 0]),
            (&["XADD", A3, "*", "f", "v"], [0, 0, 1]),
            (&["SET", A3, "x"], [1, 0, 1]),
            (&["GEOADD", A2, "1", "1", "x"], [1, 0, 2]),
            (&["ZREMRANGEBYRANK", A2, "0", "-1"], [1, 0, 1]),
        ],
    );
}

/// The index has only keys with a name that JRS writes.
#[test]
fn other_names_are_not_in_the_index() {
    let server = server();
    let conn = &mut server.conn();
    for name in [
        "sess:01900000-0000-7000-8000-000000000001",
        "sess:{ada}01900000-0000-7000-8000-000000000001",
        "sess:{ada}:01900000-0000-7000-8000-00000000000A",
        "sess:{ada}:01900000-0000-4000-8000-000000000001",
        "sess:{ada}:01900000-0000-7000-c000-000000000001",
        "sess:{ada}:01900000000070008000000000000001",
        "sess:{ada}:01900000-0000-7000-8000-000000000001x",
        "sess:{ada}",
        "",
    ] {
        exec(conn, &["SET", name, "x"]);
        assert_eq!(assert_index_follows(conn), 0, "{name}");
    }
    // Sessions of another keyspace are in the index, and are not counted for this one.
    exec(conn, &["SET", "elsewhere:{ada}:01900000-0000-7000-8000-000000000001", "x"]);
    assert_eq!((assert_index_follows(conn), count(conn, "ada")), (1, 0));
}

#[test]
fn jrs_commands_in_scripts_and_transactions_are_followed() {
    let server = server();
    let conn = &mut server.conn();
    let script =
        "redis.call('SET', KEYS[1], '1') redis.call('SET', KEYS[2], '1') redis.call('RENAME', KEYS[1], KEYS[3])
        redis.call('JRS.CREATE', 'ada', '{}') redis.call('JRS.CREATE', 'ada', '{}')
        redis.call('DEL', KEYS[2]) return redis.call('JRS.COUNT', 'ada')";
    assert_eq!(send::<usize>(conn, &["EVAL", script, "3", A, A2, B]), Ok(2));
    assert_eq!(assert_index_follows(conn), 3);
    let mut pipe = redis::pipe();
    pipe.atomic().cmd("SET").arg(&[A, "x"]).ignore();
    for (database, key) in [("1", A2), ("2", A3)] {
        pipe.cmd("SELECT").arg(database).ignore().cmd("SET").arg(&[key, "x"]).ignore();
        pipe.cmd("JRS.CREATE").arg(&["ada", "{}"]).ignore().cmd("JRS.COUNT").arg("ada");
    }
    pipe.cmd("SELECT").arg("0").ignore().cmd("JRS.COUNT").arg("ada");
    assert_eq!(pipe.query::<[usize; 3]>(conn).unwrap(), [2, 2, 3]);
    assert_eq!(assert_index_follows(conn), 8);
    let script =
        "redis.call('SELECT', '1') redis.call('RENAME', KEYS[1], KEYS[2]) return redis.call('JRS.COUNT', 'ada')";
    assert_eq!(send::<usize>(conn, &["EVAL", script, "2", A2, B2]), Ok(1));
    assert_eq!(assert_index_follows(conn), 8);
    assert_eq!(send::<usize>(conn, &["JRS.DESTROYALL", "ada"]), Ok(3));
    assert_eq!(assert_index_follows(conn), 5);
    // A discarded transaction changes nothing.
    let discarded: Value =
        redis::pipe().cmd("MULTI").cmd("DEL").arg(B).cmd("SET").arg(&[A, "x"]).cmd("DISCARD").query(conn).unwrap();
    assert!(matches!(discarded, Value::Array(_)), "{discarded:?}");
    assert_eq!(assert_index_follows(conn), 5);
}

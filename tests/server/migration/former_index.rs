//! The index key `sess:{owner}` of older releases, a sorted set: it is loaded, ignored, and expires.

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    cases::each,
    owner_sessions::{assert_agree, assert_index_agrees, count, fill, ids},
    sessions::{assert_indexed, assert_refused, begin, create, end, exec, expiry, get, index, millis, send},
    tokens::{SECRET, key},
};

/// Values of an index key: of an older release, and of other software.
const CONTENTS: [&[&str]; 3] = [
    &["ZADD", "sess:{ada}", "1784000000000", "01890a5d-ac96-774b-bcce-b302099a8057"],
    &["SET", "sess:{ada}", "something else"],
    &["RPUSH", "sess:{ada}", "something else"],
];

fn server() -> Server {
    Server::builder().keys(SECRET.as_bytes()).args(&["max-sessions", "5"]).start()
}

/// The value of the index key, byte for byte.
fn dump(conn: &mut Connection) -> Vec<u8> {
    send::<Option<Vec<u8>>>(conn, &["DUMP", &index("ada")]).unwrap().expect("the index key exists")
}

#[test]
fn no_command_reads_or_writes_the_index_key() {
    for contents in each(CONTENTS) {
        let server = server();
        let conn = &mut server.conn();
        exec(conn, contents);
        exec(conn, &["PEXPIREAT", &index("ada"), "4102444800000"]);
        let before = dump(conn);
        assert_eq!((ids(conn, "ada").len(), count(conn, "ada")), (0, 0));
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 0);
        let made: Vec<String> = (0..6).map(|_| create(conn, "ada", "{}", &[])).collect();
        let mut keys: Vec<String> = made[1..].iter().map(|token| key(token)).collect();
        assert_indexed(conn, "ada", &keys);
        assert!(get(conn, &made[0]).is_none(), "max-sessions counts only sessions");
        let bob = create(conn, "bob", "{}", &[]);
        exec(conn, &["EXPIRE", &keys[0], "500"]);
        assert!(get(conn, &made[1]).is_some_and(|session| session.ttl > 500));
        for words in [
            &["JRS.TOUCH", &*made[1], "EX", "100"][..],
            &["JRS.UPDATE", &made[2], r#"{"n":1}"#],
            &["JRS.PEEK", &made[2]],
        ] {
            let reply: Value = send(conn, words).unwrap();
            assert_ne!(reply, Value::Nil, "{words:?}");
        }
        assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &made[1]]).unwrap(), 1);
        assert_eq!(send::<i64>(conn, &["JRS.REVOKE", &keys[1]]).unwrap(), 1);
        let rotated: String = send(conn, &["JRS.ROTATE", &made[3]]).unwrap();
        let moved: String = send(conn, &["JRS.ROTATE", &bob, "OWNER", "ada"]).unwrap();
        exec(conn, &["JRS.ROTATE", &made[4], "OWNER", "bob"]);
        keys = [&made[5], &rotated, &moved].map(|token| key(token)).to_vec();
        assert_indexed(conn, "ada", &keys);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", &made[5]]).unwrap(), 2);
        assert_indexed(conn, "ada", &keys[..1]);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 1);
        assert_eq!((dump(conn), expiry(conn, &index("ada"))), (before, 4_102_444_800_000));
        if contents[0] != "SET" {
            assert_refused(conn, "WRONGTYPE", &["JRS.REVOKE", &index("ada")]);
        }
        exec(conn, &["PEXPIRE", &index("ada"), "1"]);
        await_that("the expiry of the index key", || {
            (send::<i64>(conn, &["EXISTS", &index("ada")]).unwrap() == 0).then_some(())
        });
        assert_agree(conn, "bob");
        assert_index_agrees(conn);
    }
}

#[test]
fn the_index_key_is_loaded_and_can_be_deleted() {
    for (persistence, value) in [("save", "3600 1"), ("appendonly", "yes")] {
        let mut server = Server::builder().keys(SECRET.as_bytes()).config(persistence, value).start();
        let conn = &mut server.conn();
        let made = [0; 3].map(|_| create(conn, "ada", "{}", &[]));
        // As an older release may leave it: with a session that no longer exists, and without one that does.
        for token in &made[..2] {
            let uuid = &key(token)["sess:{ada}:".len()..];
            exec(conn, &["ZADD", &index("ada"), &millis().to_string(), uuid]);
        }
        exec(conn, CONTENTS[0]);
        exec(conn, &["PEXPIREAT", &index("ada"), "4102444800000"]);
        let (before, keys) = (dump(conn), made.each_ref().map(|token| key(token)));
        assert_indexed(conn, "ada", &keys);
        server.stop();
        server.restart();
        let conn = &mut server.conn();
        assert_indexed(conn, "ada", &keys);
        assert_eq!((dump(conn), expiry(conn, &index("ada"))), (before, 4_102_444_800_000), "{persistence}");
        exec(conn, &["DEL", &index("ada")]);
        assert_indexed(conn, "ada", &keys);
        assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada"]).unwrap(), 3);
        assert_eq!(send::<i64>(conn, &["DBSIZE"]).unwrap(), 0);
    }
}

#[test]
fn destroyall_ignores_a_new_index_key() {
    let server = server();
    let conn = &mut server.conn();
    for contents in each(CONTENTS) {
        // On a busy machine the command may end before the test acts.
        await_that("a new index key during JRS.DESTROYALL", || {
            let made = fill(conn, "ada", 40_000);
            let (mut destroying, before) = (server.conn(), send::<usize>(conn, &["DBSIZE"]).unwrap());
            begin(&mut destroying, &["JRS.DESTROYALL", "ada"]);
            await_that("the first slice", || (send::<usize>(conn, &["DBSIZE"]).unwrap() < before).then_some(()));
            exec(conn, contents);
            let in_time = send::<usize>(conn, &["DBSIZE"]).unwrap() > 1000;
            let destroyed = end(&mut destroying).unwrap();
            assert_eq!(destroyed, Value::Int(i64::try_from(made.len()).unwrap()));
            assert_eq!(send::<Vec<String>>(conn, &["KEYS", "*"]).unwrap(), [index("ada")]);
            exec(conn, &["DEL", &index("ada")]);
            in_time.then_some(())
        });
    }
}

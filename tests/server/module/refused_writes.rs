//! What the server itself refuses or holds back: no memory, no disk, no replicas, a pause.

use std::{fs, thread};

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    sessions::{assert_refused, contents, create, exec, get, send},
    tokens::{key, signing_keys},
};

fn set(conn: &mut Connection, name: &str, value: &str) {
    exec(conn, &["CONFIG", "SET", name, value]);
}

/// Checks that each command is refused with that word and changes nothing, also from a script.
fn assert_all_refused(conn: &mut Connection, commands: &[&[&str]], word: &str) {
    for words in commands {
        assert_refused(conn, word, words);
        assert_refused(conn, word, &[&["EVAL", "return redis.call(unpack(ARGV))", "0"], *words].concat());
    }
}

/// Whose session a key holds.
fn owner_of(key: &str) -> String {
    key.split(['{', '}']).nth(1).unwrap().to_owned()
}

fn assert_works(conn: &mut Connection, commands: &[&[&str]]) {
    for words in commands {
        let reply = send::<Value>(conn, words);
        assert!(reply.as_ref().is_ok_and(|reply| *reply != Value::Nil), "{words:?}: {reply:?}");
    }
}

#[test]
fn without_memory_nothing_grows() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let [token, other, _] = &[(); 3].map(|()| create(conn, "ada", "{}", &[]));
        set(conn, "maxmemory", "1");
        let growing = [
            &["JRS.CREATE", "ada", "{}"][..],
            &["JRS.UPDATE", token, "{}"],
            &["JRS.UPDATE", token, "{}", "MERGE"],
            &["JRS.UPDATE", token, "[]", "PATCH"],
            &["JRS.ROTATE", token],
        ];
        assert_all_refused(conn, &growing, "OOM");
        exec(conn, &["EXPIRE", &key(token), "500"]);
        let others = [
            &["JRS.GET", token][..],
            &["JRS.PEEK", token],
            &["JRS.TOUCH", token],
            &["JRS.INSPECT", token],
            &["JRS.LIST", "ada"],
        ];
        assert_works(conn, &others);
        assert_works(conn, &[&["JRS.DESTROY", token], &["JRS.REVOKE", &key(other)], &["JRS.DESTROYALL", "ada"]]);
        assert!(contents(conn).is_empty(), "whatever ends sessions gives memory back");
        set(conn, "maxmemory", "0");
        create(conn, "ada", "{}", &[]);
    }
}

#[test]
fn without_a_disk_nothing_is_written() {
    let server = Server::builder().config("save", "3600 1").start();
    let conn = &mut server.conn();
    let [token, rotated, revoked] = &[(); 3].map(|()| create(conn, "ada", "{}", &[]));
    let revoked = &*key(revoked);
    // A folder of that name cannot be replaced by a file, not even by root.
    let obstacle = server.dir().join("dump.rdb");
    fs::create_dir_all(obstacle.join("content")).unwrap();
    let save = |conn: &mut Connection, status: &str| {
        exec(conn, &["BGSAVE"]);
        let line = format!("rdb_last_bgsave_status:{status}\r\n");
        await_that("the end of BGSAVE", || {
            let info: String = send(conn, &["INFO", "persistence"]).unwrap();
            (info.contains("rdb_bgsave_in_progress:0") && info.contains(&line)).then_some(())
        });
    };
    save(conn, "err");
    let writes = [
        &["JRS.CREATE", "ada", "{}"][..],
        &["JRS.GET", token],
        &["JRS.UPDATE", token, "{}"],
        &["JRS.UPDATE", token, "{}", "MERGE"],
        &["JRS.TOUCH", token],
        &["JRS.DESTROY", token],
        &["JRS.ROTATE", rotated],
        &["JRS.REVOKE", revoked],
        &["JRS.DESTROYALL", "ada"],
    ];
    assert_all_refused(conn, &writes, "MISCONF");
    assert_works(conn, &[&["JRS.PEEK", token], &["JRS.INSPECT", token], &["JRS.LIST", "ada"]]);

    fs::remove_dir_all(obstacle).unwrap();
    save(conn, "ok");
    assert_works(conn, &writes);
}

#[test]
fn without_enough_replicas_nothing_is_written() {
    let server = Server::start();
    let conn = &mut server.conn();
    let token = &*create(conn, "ada", "{}", &[]);
    set(conn, "min-replicas-to-write", "1");
    let writes = [
        &["JRS.CREATE", "ada", "{}"][..],
        &["JRS.GET", token],
        &["JRS.UPDATE", token, "{}"],
        &["JRS.ROTATE", token],
        &["JRS.REVOKE", &key(token)],
        &["JRS.DESTROYALL", "ada"],
    ];
    assert_all_refused(conn, &writes, "NOREPLICAS");
    assert_works(conn, &[&["JRS.PEEK", token], &["JRS.LIST", "ada"]]);
}

#[test]
fn while_writes_are_paused_they_wait() {
    for keys in signing_keys() {
        let mut server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let [read, updated, touched, ended, rotated, revoked] = [(); 6].map(|()| create(conn, "ada", "{}", &[]));
        let (gone, revoked) = (create(conn, "dan", "{}", &[]), key(&revoked));
        exec(conn, &["EXPIRE", &key(&read), "500"]);
        exec(conn, &["CLIENT", "PAUSE", "60000", "WRITE"]);
        let before = contents(conn);
        let create_in_script = "return redis.call('JRS.CREATE', 'eve', '{}')";
        let held = [
            vec!["JRS.CREATE", "bob", "{}"],
            vec!["JRS.GET", &read],
            vec!["JRS.UPDATE", &updated, r#"{"a":1}"#],
            vec!["JRS.TOUCH", &touched, "EX", "777"],
            vec!["JRS.DESTROY", &ended],
            vec!["JRS.ROTATE", &rotated],
            vec!["JRS.REVOKE", &revoked],
            vec!["JRS.DESTROYALL", "dan"],
            vec!["EVAL", create_in_script, "0"],
        ];
        thread::scope(|scope| {
            let mut clients = Vec::new();
            for words in &held {
                let mut client = server.conn();
                let id: i64 = send(&mut client, &["CLIENT", "ID"]).unwrap();
                clients.push(scope.spawn(move || send::<Value>(&mut client, words)));
                await_that("a client that is held back", || {
                    let list: String = send(conn, &["CLIENT", "LIST", "ID", &id.to_string()]).unwrap();
                    list.split(' ').any(|field| field.starts_with("flags=") && field.contains('b')).then_some(())
                });
            }
            assert_works(conn, &[&["JRS.PEEK", &read], &["JRS.INSPECT", &read], &["JRS.LIST", "ada"]]);
            assert_eq!(contents(conn), before);
            exec(conn, &["CLIENT", "UNPAUSE"]);
            for (client, words) in clients.into_iter().zip(&held) {
                let reply = client.join().unwrap();
                assert!(reply.is_ok_and(|reply| reply != Value::Nil), "{words:?}");
            }
        });
        assert!(get(conn, &read).expect("a session").ttl > 86_000, "its end was moved");
        assert_eq!(get(conn, &updated).expect("a session").data, r#"{"a":1}"#);
        for token in [&ended, &rotated, &gone] {
            assert!(get(conn, token).is_none());
        }
        let owners: Vec<String> = contents(conn).into_keys().map(|key| owner_of(&key)).collect();
        let expected = [("ada", 4), ("bob", 1), ("eve", 1)].map(|(owner, keys)| vec![owner.to_owned(); keys]).concat();
        assert_eq!(owners, expected, "four sessions of ada's, one each of bob's and eve's, and no other key");
        assert!(server.alive());
    }
}

//! Writes that the server refuses or delays: without memory, after a failed save, without replicas, during a pause.

use std::thread;

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    cases::cases,
    failed_save::FailedSave,
    sessions::{assert_refused, contents, create, exec, get, send},
    tokens::{key, signing_keys},
};

fn set(conn: &mut Connection, name: &str, value: &str) {
    exec(conn, &["CONFIG", "SET", name, value]);
}

/// Checks that each command is refused with this first word and changes nothing, also in a script.
fn assert_all_refused(conn: &mut Connection, commands: &[&[&str]], word: &str) {
    for words in commands {
        assert_refused(conn, word, words);
        assert_refused(conn, word, &[&["EVAL", "return redis.call(unpack(ARGV))", "0"], *words].concat());
    }
}

/// The owner in a session key.
fn owner_of(key: &str) -> String {
    key.split(['{', '}']).nth(1).unwrap().to_owned()
}

/// Checks that each command succeeds with a reply other than null.
fn assert_works(conn: &mut Connection, commands: &[&[&str]]) {
    for words in commands {
        let reply = send::<Value>(conn, words);
        assert!(reply.as_ref().is_ok_and(|reply| *reply != Value::Nil), "{words:?}: {reply:?}");
    }
}

#[test]
fn without_memory_commands_that_need_it_are_refused() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let [token, other, _] = &[(); 3].map(|()| create(conn, "ada", "{}", &[]));
        set(conn, "maxmemory", "1");
        let need_memory = [
            &["JRS.CREATE", "ada", "{}"][..],
            &["JRS.UPDATE", token, "{}"],
            &["JRS.UPDATE", token, "{}", "MERGE"],
            &["JRS.UPDATE", token, "[]", "PATCH"],
            &["JRS.ROTATE", token],
        ];
        assert_all_refused(conn, &need_memory, "OOM");
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
        assert!(contents(conn).is_empty(), "commands that destroy sessions work");
        set(conn, "maxmemory", "0");
        create(conn, "ada", "{}", &[]);
    }
}

#[test]
fn after_a_failed_save_writes_are_refused() {
    let server = Server::builder().config("save", "3600 1").start();
    let conn = &mut server.conn();
    let [token, rotated, revoked] = &[(); 3].map(|()| create(conn, "ada", "{}", &[]));
    let revoked = &*key(revoked);
    let failed_save = FailedSave::new(&server, conn);
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

    failed_save.end(conn);
    assert_works(conn, &writes);
}

#[test]
fn without_enough_replicas_writes_are_refused() {
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
fn writes_wait_while_clients_are_paused() {
    for keys in signing_keys() {
        let mut server = Server::builder().keys(keys.as_bytes()).start();
        let conn = &mut server.conn();
        let [read, updated, touched, destroyed, rotated, revoked] = [(); 6].map(|()| create(conn, "ada", "{}", &[]));
        let (gone, revoked) = (create(conn, "dan", "{}", &[]), key(&revoked));
        exec(conn, &["EXPIRE", &key(&read), "500"]);
        exec(conn, &["CLIENT", "PAUSE", "600000", "WRITE"]);
        let before = contents(conn);
        let create_in_script = "return redis.call('JRS.CREATE', 'eve', '{}')";
        let delayed = [
            vec!["JRS.CREATE", "bob", "{}"],
            vec!["JRS.GET", &read],
            vec!["JRS.UPDATE", &updated, r#"{"a":1}"#],
            vec!["JRS.TOUCH", &touched, "EX", "777"],
            vec!["JRS.DESTROY", &destroyed],
            vec!["JRS.ROTATE", &rotated],
            vec!["JRS.REVOKE", &revoked],
            vec!["JRS.DESTROYALL", "dan"],
            vec!["EVAL", create_in_script, "0"],
        ];
        thread::scope(|scope| {
            let mut clients = Vec::new();
            for words in &delayed {
                let mut client = server.conn();
                let id: i64 = send(&mut client, &["CLIENT", "ID"]).unwrap();
                clients.push(scope.spawn(move || send::<Value>(&mut client, words)));
                await_that("a delayed client", || {
                    let list: String = send(conn, &["CLIENT", "LIST", "ID", &id.to_string()]).unwrap();
                    list.split(' ').any(|field| field.starts_with("flags=") && field.contains('b')).then_some(())
                });
            }
            assert_works(conn, &[&["JRS.PEEK", &read], &["JRS.INSPECT", &read], &["JRS.LIST", "ada"]]);
            assert_eq!(contents(conn), before);
            exec(conn, &["CLIENT", "UNPAUSE"]);
            for (client, words) in clients.into_iter().zip(&delayed) {
                let reply = client.join().unwrap();
                assert!(reply.is_ok_and(|reply| reply != Value::Nil), "{words:?}");
            }
        });
        assert!(get(conn, &read).expect("a session").ttl > 86_000, "GET moved the expiry");
        assert_eq!(get(conn, &updated).expect("a session").data, r#"{"a":1}"#);
        for token in cases([("destroyed", &destroyed), ("rotated", &rotated), ("destroyed with all", &gone)]) {
            assert!(get(conn, token).is_none());
        }
        let owners: Vec<String> = contents(conn).into_keys().map(|key| owner_of(&key)).collect();
        let expected = [("ada", 4), ("bob", 1), ("eve", 1)].map(|(owner, keys)| vec![owner.to_owned(); keys]).concat();
        assert_eq!(owners, expected, "four sessions of ada, one of bob, one of eve, and no other key");
        assert!(server.alive());
    }
}

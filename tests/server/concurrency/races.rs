//! Updates race with a destroy, clients create sessions at the same time, and the module is reloaded under load.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use crate::support::{
    Server, await_that, module_path,
    sessions::{assert_indexed, create, exec, get, send},
};

#[test]
fn an_update_never_restores_a_destroyed_session() {
    let server = Server::start();
    let conn = &mut server.conn();
    for round in 0..20 {
        let token = create(conn, "ada", "{}", &[]);
        let key: Vec<String> = send(conn, &["KEYS", "sess:{ada}:*"]).unwrap();
        let (updated, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let conn = &mut server.conn();
                    // Each writer goes on until five updates have not found the session.
                    for _ in 0..5 {
                        while send::<Option<String>>(conn, &["JRS.UPDATE", &token, r#"{"late":true}"#])
                            .unwrap()
                            .is_some()
                        {
                            updated.fetch_add(1, Ordering::Relaxed);
                        }
                        refused.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            await_that("some updates", || (updated.load(Ordering::Relaxed) > 20).then_some(()));
            assert_eq!(send::<i64>(conn, &["JRS.DESTROY", &token]).unwrap(), 1);
        });
        assert_eq!(refused.load(Ordering::Relaxed), 20);
        assert_eq!(send::<i64>(conn, &["EXISTS", &key[0]]).unwrap(), 0, "round {round}");
        assert_eq!(send::<i64>(conn, &["DBSIZE"]).unwrap(), 0, "round {round}");
    }
}

#[test]
fn create_never_overwrites_a_session() {
    let server = Server::start();
    let tokens: Vec<(String, String)> = thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|client| {
                let server = &server;
                scope.spawn(move || {
                    let conn = &mut server.conn();
                    let data = |number: usize| format!(r#"{{"client":{client},"number":{number}}}"#);
                    (0..250).map(|number| (create(conn, "ada", &data(number), &[]), data(number))).collect::<Vec<_>>()
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let conn = &mut server.conn();
    assert_eq!(send::<usize>(conn, &["DBSIZE"]).unwrap(), 2000, "there are only sessions");
    let mut ids = HashSet::new();
    for (token, data) in tokens {
        let session = get(conn, &token).expect("a live session");
        assert_eq!(session.data, data);
        assert!(ids.insert(session.id));
    }
    assert_indexed(conn, "ada", &ids.iter().map(|id| format!("sess:{id}")).collect::<Vec<_>>());
}

#[test]
fn the_module_is_reloaded_under_load() {
    let mut server = Server::builder().config("enable-module-command", "local").arg("allow-unload", "yes").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", r#"{"a":1}"#, &[]);
    let key = format!("sess:{}", get(conn, &token).unwrap().id);
    let module = module_path();
    let module = module.to_str().unwrap();
    let (done, served, missing) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let plain = &mut server.conn();
                while !done.load(Ordering::Relaxed) {
                    // A new connection for each command: Redis 8 reads a client's previous command when it gets the next one.
                    // If a module was unloaded with that command, the server may crash, with any module.
                    match send::<Vec<redis::Value>>(&mut server.conn(), &["JRS.GET", &token]) {
                        Ok(reply) => {
                            assert_eq!(reply[5], redis::Value::BulkString(br#"{"a":1}"#.to_vec()));
                            served.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => {
                            assert!(error.to_string().contains("unknown command"), "{error}");
                            missing.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    assert_eq!(send::<String>(plain, &["GET", &key]).unwrap(), r#"{"a":1}"#);
                }
            });
        }
        for _ in 0..10 {
            let (before, without) = (served.load(Ordering::Relaxed), missing.load(Ordering::Relaxed));
            await_that("requests", || (served.load(Ordering::Relaxed) > before).then_some(()));
            exec(conn, &["MODULE", "UNLOAD", "jrs"]);
            await_that("requests without the module", || (missing.load(Ordering::Relaxed) > without).then_some(()));
            exec(conn, &["MODULE", "LOAD", module, "allow-unload", "yes"]);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(get(conn, &token).unwrap().data, r#"{"a":1}"#);
    assert!(server.alive());
}

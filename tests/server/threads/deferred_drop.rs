//! A full cache of verified tokens is dropped on the worker pool, and never outlives the module.

use std::collections::HashMap;

use redis::{Connection, Value};

use crate::support::{
    Server, module_path,
    sessions::{create, exec, get, send},
};

/// How many bytes the cache of verified tokens weighs.
fn cached(conn: &mut Connection) -> u64 {
    let info: String = send(conn, &["INFO", "jrs"]).unwrap();
    let fields: HashMap<&str, &str> = info.lines().filter_map(|line| line.split_once(':')).collect();
    fields["jrs_token_cache_bytes"].trim().parse().unwrap()
}

/// Creates so many sessions that the server's own thread does not drop their cache.
fn many(conn: &mut Connection) -> Vec<String> {
    let mut creates = redis::pipe();
    for owner in 0..4000 {
        creates.cmd("JRS.CREATE").arg(owner).arg("{}");
    }
    creates.query(conn).unwrap()
}

/// Fills the cache with the tokens.
fn see(conn: &mut Connection, tokens: &[String]) {
    let mut peeks = redis::pipe();
    for token in tokens {
        peeks.cmd("JRS.PEEK").arg(token);
    }
    let sessions: Vec<Value> = peeks.query(conn).unwrap();
    assert!(sessions.iter().all(|session| *session != Value::Nil));
    assert!(cached(conn) > 1 << 20, "{}", cached(conn));
}

#[test]
fn a_change_empties_a_full_cache_and_nothing_else() {
    let server = Server::start();
    let conn = &mut server.conn();
    let tokens = many(conn);
    for round in 1..=5 {
        see(conn, &tokens);
        let change: &[&str] =
            if round == 3 { &["JRS.RELOAD"] } else { &["CONFIG", "SET", "jrs.leeway", &round.to_string()] };
        exec(conn, change);
        assert_eq!(cached(conn), 0);
    }
    assert!(get(conn, &tokens[0]).is_some());
}

#[test]
fn the_module_is_unloaded_only_when_all_is_dropped() {
    let mut server = Server::builder().config("enable-module-command", "yes").arg("allow-unload", "yes").start();
    let conn = &mut server.conn();
    let tokens = many(conn);
    let path = module_path();
    for _ in 0..5 {
        see(conn, &tokens);
        let mut at_once = redis::pipe();
        at_once.cmd("CONFIG").arg("SET").arg("jrs.leeway").arg("9");
        at_once.cmd("MODULE").arg("UNLOAD").arg("jrs");
        at_once.cmd("MODULE").arg("LOAD").arg(path.to_str().unwrap()).arg("allow-unload").arg("yes");
        at_once.exec(conn).unwrap();
        exec(conn, &["CONFIG", "SET", "jrs.leeway", "8"]);
    }
    create(conn, "ada", "{}", &[]);
    assert!(server.alive());
}

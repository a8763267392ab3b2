//! A full token cache is dropped on the worker pool, before the module can be unloaded.

use std::collections::HashMap;

use redis::{Connection, Value};

use crate::support::{
    Server, module_path,
    sessions::{create, exec, get, send},
};

/// The size of the token cache in bytes.
fn cache_bytes(conn: &mut Connection) -> u64 {
    let info: String = send(conn, &["INFO", "jrs"]).unwrap();
    let fields: HashMap<&str, &str> = info.lines().filter_map(|line| line.split_once(':')).collect();
    fields["jrs_token_cache_bytes"].trim().parse().unwrap()
}

/// Creates enough sessions that their cache is dropped on the pool.
fn create_many(conn: &mut Connection) -> Vec<String> {
    let mut creates = redis::pipe();
    for owner in 0..4000 {
        creates.cmd("JRS.CREATE").arg(owner).arg("{}");
    }
    creates.query(conn).unwrap()
}

/// Fills the cache with the tokens.
fn fill_cache(conn: &mut Connection, tokens: &[String]) {
    let mut peeks = redis::pipe();
    for token in tokens {
        peeks.cmd("JRS.PEEK").arg(token);
    }
    let sessions: Vec<Value> = peeks.query(conn).unwrap();
    assert!(sessions.iter().all(|session| *session != Value::Nil));
    assert!(cache_bytes(conn) > 1 << 20, "{}", cache_bytes(conn));
}

#[test]
fn a_change_of_settings_empties_a_full_cache() {
    let server = Server::start();
    let conn = &mut server.conn();
    let tokens = create_many(conn);
    for round in 1..=5 {
        fill_cache(conn, &tokens);
        let change: &[&str] =
            if round == 3 { &["JRS.RELOAD"] } else { &["CONFIG", "SET", "jrs.leeway", &round.to_string()] };
        exec(conn, change);
        assert_eq!(cache_bytes(conn), 0);
    }
    assert!(get(conn, &tokens[0]).is_some());
}

#[test]
fn the_module_is_unloaded_after_deferred_drops() {
    let mut server = Server::builder().config("enable-module-command", "yes").arg("allow-unload", "yes").start();
    let conn = &mut server.conn();
    let tokens = create_many(conn);
    let path = module_path();
    for _ in 0..5 {
        fill_cache(conn, &tokens);
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

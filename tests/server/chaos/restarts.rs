//! A server that is killed, upgraded or reloaded, or loses its clients, loses none of what it acknowledged.

use std::fs;

use tempfile::TempDir;

use super::{
    check,
    commands::to_port,
    load::{Load, Report, rounds},
};
use crate::support::{
    Builder, Server, module_path,
    owner_sessions::{assert_agree, assert_index_agrees},
    sessions::{create, exec, send},
    tokens::{SECRET, key, signing_keys},
};

/// A server that acknowledges a write after it is in the AOF file on the disk.
fn with_aof(server: Builder) -> Builder {
    server.config("appendonly", "yes").config("appendfsync", "always")
}

/// Checks what the clients know, and that the server is empty after all owners are logged out.
fn assert_holds_and_ends_empty(server: &Server, report: Report) {
    let owners = report.model.owners();
    assert!(owners.len() > 30, "{owners:?}");
    check::assert_holds(report.model, to_port(server.port()).expect("the server runs"));
    let conn = &mut server.conn();
    assert_index_agrees(conn);
    for owner in owners {
        exec(conn, &["JRS.DESTROYALL", &owner]);
    }
    assert_eq!(send::<i64>(conn, &["DBSIZE"]), Ok(0));
    let id = key(&create(conn, "ada", "{}", &[]))["sess:".len()..].to_owned();
    assert_eq!(assert_agree(conn, "ada"), [id]);
}

#[test]
fn a_killed_server_loses_nothing_that_is_in_the_aof() {
    for keys in signing_keys() {
        // With a limit, JRS.CREATE counts the sessions in the index.
        let server = Server::builder().keys(keys.as_bytes()).args(&["max-sessions", "1000000"]);
        let mut server = with_aof(server).start();
        let port = server.port();
        let connect = || to_port(port);
        let (kills, report) = Load { moves_owners: true, ..Load::new(&connect) }.run_while(|progress| {
            let mut kills = 0;
            for round in rounds(3) {
                // The moment of the kill differs from round to round.
                progress.await_more(100 + 37 * (round % 10));
                if round % 3 > 0 {
                    exec(&mut server.conn(), &["BGREWRITEAOF"]);
                    progress.await_more(60 * (round % 3 - 1));
                }
                server.kill();
                server.restart();
                assert_index_agrees(&mut server.conn());
                kills += 1;
            }
            progress.await_more(100);
            kills
        });
        assert!(report.errors["connection lost"] >= kills, "clients were connected at each kill: {:?}", report.errors);
        assert_holds_and_ends_empty(&server, report);
    }
}

/// The name of the module's file in the memory map of a server.
fn loaded_module(server: &Server) -> String {
    let info: String = send(&mut server.conn(), &["INFO", "server"]).unwrap();
    let pid = info.lines().find_map(|line| line.strip_prefix("process_id:")).expect("INFO has the process");
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let line = maps.lines().find(|line| line.contains("libjrs.so")).expect("the module is loaded");
    line[line.find('/').unwrap()..].to_owned()
}

#[test]
fn the_module_is_upgraded_while_clients_run() {
    let folder = TempDir::new().unwrap();
    let [module, new] = ["libjrs.so", "libjrs.so.new"].map(|name| folder.path().join(name));
    fs::copy(module_path(), &module).unwrap();
    let load = format!("{} keys-file keys", module.display());
    let server = Server::builder().without_module().keys(SECRET.as_bytes()).config("loadmodule", &load);
    let mut server = server.config("appendonly", "yes").start();
    let port = server.port();
    let connect = || to_port(port);
    let ((), report) = Load::new(&connect).run_while(|progress| {
        for _ in rounds(2) {
            progress.await_more(200);
            // As the documents say: a copy over the loaded file would crash the server.
            fs::copy(module_path(), &new).unwrap();
            fs::rename(&new, &module).unwrap();
            progress.await_more(200);
            assert_eq!(loaded_module(&server), format!("{} (deleted)", module.display()), "the old file is still used");
            server.stop();
            server.restart();
            assert_eq!(loaded_module(&server), module.display().to_string());
        }
        progress.await_more(200);
    });
    assert_holds_and_ends_empty(&server, report);
}

#[test]
fn a_server_reloads_its_data_while_clients_run() {
    for keys in signing_keys() {
        let server = Server::builder().keys(keys.as_bytes()).config("enable-debug-command", "yes");
        // Without a token cache each ES256 command waits for a crypto thread while the server reloads.
        let server = server.arg("token-cache-size", "0").start();
        let port = server.port();
        let connect = || to_port(port);
        let ((), report) = Load::new(&connect).run_while(|progress| {
            for _ in rounds(5) {
                progress.await_more(100);
                exec(&mut server.conn(), &["DEBUG", "RELOAD"]);
            }
            progress.await_more(100);
        });
        assert_holds_and_ends_empty(&server, report);
    }
}

#[test]
fn clients_lose_their_connections_and_wait_for_pauses() {
    for keys in signing_keys() {
        // Without a token cache each ES256 command waits for a crypto thread when its client is killed.
        let server = Server::builder().keys(keys.as_bytes()).arg("token-cache-size", "0").start();
        let port = server.port();
        let connect = || to_port(port);
        let load = Load { moves_owners: true, ..Load::new(&connect) };
        let ((), report) = load.run_while(|progress| {
            for round in rounds(12) {
                progress.await_more(50);
                let conn = &mut server.conn();
                if round % 4 == 0 {
                    exec(conn, &["CLIENT", "PAUSE", "50", "WRITE"]);
                }
                exec(conn, &["CLIENT", "KILL", "TYPE", "normal"]);
            }
            progress.await_more(100);
        });
        assert!(report.errors["connection lost"] > 20, "{:?}", report.errors);
        assert_holds_and_ends_empty(&server, report);
    }
}

//! The AOF file of a killed server misses its end: the server has all operations before some moment, and none after it.

use std::{fs, path::PathBuf};

use super::{
    check,
    commands::to_port,
    load::{Load, rounds},
    model::Losses,
};
use crate::support::{
    Server,
    owner_sessions::assert_index_agrees,
    sessions::{exec, millis},
    tokens::SECRET,
};

/// Removes bytes from the end of the newest AOF file, as a full disk or a power failure does.
fn truncate_aof(server: &Server, bytes: u64) {
    let files = fs::read_dir(server.dir().join("appendonlydir")).unwrap().map(|entry| entry.unwrap().path());
    let is_incremental = |path: &PathBuf| path.to_string_lossy().ends_with(".incr.aof");
    let modified = |path: &PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    let newest = files.filter(is_incremental).max_by_key(modified).expect("the server has an AOF file");
    let file = fs::OpenOptions::new().write(true).open(newest).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length.checked_sub(bytes).expect("the file is longer")).unwrap();
}

#[test]
fn a_truncated_aof_has_all_operations_before_a_moment() {
    let server = Server::builder().keys(SECRET.as_bytes()).config("appendonly", "yes");
    let mut server = server.config("aof-load-truncated", "yes").start();
    let port = server.port();
    let connect = || to_port(port);
    for _ in rounds(4) {
        exec(&mut server.conn(), &["FLUSHALL"]);
        let load = Load { losses: Losses::Unconfirmed, ..Load::new(&connect) };
        let ((), report) = load.run_while(|progress| {
            progress.await_more(400);
            server.kill();
            // A few dozen commands, and most of the time a part of one.
            truncate_aof(&server, 1000 + millis().unsigned_abs() % 2000);
            server.restart();
        });
        check::assert_holds(report.model, connect().unwrap());
        assert_index_agrees(&mut server.conn());
    }
    assert!(server.log().contains("aof-load-truncated"), "no AOF file ended within a command");
}

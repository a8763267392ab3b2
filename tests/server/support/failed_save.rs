//! A server that cannot save its data.

use std::{fs, path::PathBuf};

use redis::Connection;

use crate::support::{
    Server, await_that,
    sessions::{exec, send},
};

/// A folder in the place of the RDB file. The server cannot replace a folder with a file, not even as root.
pub(crate) struct FailedSave(PathBuf);

impl FailedSave {
    /// Makes the server fail to save. It needs a save point, otherwise it does not refuse writes.
    pub(crate) fn new(server: &Server, conn: &mut Connection) -> FailedSave {
        let obstacle = server.dir().join("dump.rdb");
        fs::create_dir_all(obstacle.join("content")).unwrap();
        save(conn, "err");
        FailedSave(obstacle)
    }

    /// Lets the server save.
    pub(crate) fn end(self, conn: &mut Connection) {
        fs::remove_dir_all(self.0).unwrap();
        save(conn, "ok");
    }
}

/// Saves, and waits for this result.
fn save(conn: &mut Connection, status: &str) {
    exec(conn, &["BGSAVE"]);
    let line = format!("rdb_last_bgsave_status:{status}\r\n");
    await_that("the end of BGSAVE", || {
        let info: String = send(conn, &["INFO", "persistence"]).unwrap();
        (info.contains("rdb_bgsave_in_progress:0") && info.contains(&line)).then_some(())
    });
}

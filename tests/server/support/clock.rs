//! The wall clock of a server, which a test moves forward and back.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    process::Command,
};

use redis::Connection;
use tempfile::TempDir;

use crate::support::{Builder, await_that, owner_sessions::info, sessions::millis};

/// A clock for servers. The servers must end before it is dropped.
pub(crate) struct Clock {
    dir: TempDir,
}

impl Clock {
    /// A clock with the time of this machine.
    ///
    /// # Panics
    /// If the C compiler, which linking this test needed too, fails.
    pub(crate) fn new() -> Clock {
        let clock = Clock { dir: tempfile::tempdir().expect("a temporary folder") };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/support/clock.c");
        let mut compiler = Command::new("cc");
        let compiled = compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(clock.path("clock.so"));
        assert!(compiled.arg(source).status().expect("a C compiler").success());
        fs::write(clock.path("shift"), [0; 8]).expect("a file in a temporary folder");
        clock
    }

    /// Makes the server use this clock.
    pub(crate) fn of(&self, server: Builder) -> Builder {
        let variables = [("LD_PRELOAD", "clock.so"), ("JRS_TEST_CLOCK", "shift")];
        let [library, shift] = variables.map(|(name, file)| format!("{name}={}", self.path(file)));
        server.launcher(&["env", &library, &shift])
    }

    /// Moves the clock to this many seconds after the time of this machine, or before it, and waits until the server on
    /// the other side of `conn` has noticed: Valkey 9 reads the clock only once in a millisecond.
    pub(crate) fn set(&self, conn: &mut Connection, seconds: i64) {
        // The server has the file mapped, so it must not be truncated meanwhile.
        let mut file = OpenOptions::new().write(true).open(self.path("shift")).expect("the file exists");
        file.write_all(&(seconds * 1000).to_ne_bytes()).expect("a file in a temporary folder");
        await_that("the time on the server", || {
            let noticed = info(conn, "server", "server_time_usec") / 1000;
            // Steps of the clock are longer than a test takes.
            ((noticed - self.millis()).abs() < 20_000).then_some(())
        });
    }

    /// The time of this clock, in milliseconds since the epoch.
    pub(crate) fn millis(&self) -> i64 {
        let shift = fs::read(self.path("shift")).expect("the file exists");
        millis() + i64::from_ne_bytes(shift.try_into().expect("eight bytes"))
    }

    fn path(&self, file: &str) -> String {
        self.dir.path().join(file).to_str().expect("a temporary folder has a name in UTF-8").to_owned()
    }
}

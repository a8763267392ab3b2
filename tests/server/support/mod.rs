//! Real servers for tests: each test starts its own, on its own port, in its own temporary folder.
//!
//! The server is killed when its [`Server`] is dropped, also in a panic, and when the test process ends.
#![allow(clippy::print_stderr, reason = "a failed test prints the log of its server")]

pub(crate) mod bad_json;
mod builder;
pub(crate) mod cases;
pub(crate) mod clock;
pub(crate) mod cluster_clients;
pub(crate) mod cluster_router;
pub(crate) mod cluster_view;
pub(crate) mod failed_save;
pub(crate) mod frozen;
pub(crate) mod in_flight;
pub(crate) mod index_check;
pub(crate) mod info;
pub(crate) mod json_reply;
pub(crate) mod keypairs;
pub(crate) mod large_cluster;
pub(crate) mod nodes;
pub(crate) mod owner_sessions;
pub(crate) mod package;
mod process;
pub(crate) mod programs;
pub(crate) mod random_commands;
pub(crate) mod reactor;
pub(crate) mod realms;
pub(crate) mod recipes;
pub(crate) mod replicas;
pub(crate) mod sentinel;
pub(crate) mod session_model;
pub(crate) mod sessions;
pub(crate) mod slot_move_clients;
pub(crate) mod slot_moves;
pub(crate) mod slow_load;
pub(crate) mod tokens;

use std::{
    env,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use redis::{Connection, RedisResult, Value};
use tempfile::TempDir;

pub(crate) use builder::Builder;
use process::{answers, launch, read_log};
pub(crate) use process::{cli, free_port, version};

/// How long to wait for a condition or a reply. Long, because other processes may keep the machine busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
pub struct Server {
    child: Child,
    port: u16,
    dir: TempDir,
    settings: Builder,
}

impl Server {
    /// A server with the module and no arguments.
    pub fn start() -> Server {
        Server::builder().start()
    }

    /// A server with the module and these arguments to it: a name, its value, a name, …
    pub fn with_args(args: &[&str]) -> Server {
        Server::builder().args(args).start()
    }

    pub fn builder() -> Builder {
        Builder::new()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A new connection that speaks RESP2.
    pub fn conn(&self) -> Connection {
        self.connect("resp2").unwrap_or_else(|error| panic!("{error}"))
    }

    /// A new connection that speaks RESP3.
    pub fn conn3(&self) -> Connection {
        self.connect("resp3").unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`conn`](Self::conn). An error if the server does not listen, or ends the connection at once.
    pub fn try_conn(&self) -> RedisResult<Connection> {
        self.connect("resp2")
    }

    fn connect(&self, protocol: &str) -> RedisResult<Connection> {
        redis::Client::open(format!("redis://127.0.0.1:{}/?protocol={protocol}", self.port))?.get_connection()
    }

    /// The server's log, with that of earlier runs in the same folder.
    pub fn log(&self) -> String {
        read_log(self.dir())
    }

    /// Kills the server (SIGKILL), so that it saves nothing, and waits until it has ended.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the server to shut down (SIGTERM), and waits until it has ended cleanly.
    pub fn stop(&mut self) {
        // The standard library cannot send SIGTERM; the shell's kill is always installed.
        let pid = self.child.id().to_string();
        assert!(Command::new("sh").args(["-c", "kill -TERM $0", &pid]).status().unwrap().success());
        let status = await_that("the end of the server", || self.child.try_wait().unwrap());
        assert!(status.success(), "the server ended with {status}; its log:\n{}", self.log());
    }

    /// Starts a stopped or killed server again, with the same folder, port and settings.
    pub fn restart(&mut self) {
        assert!(self.child.try_wait().unwrap().is_some(), "restart() needs a server that was stopped or killed");
        // A process that a killed server has just forked, to rewrite the append-only file, keeps the port for a moment.
        let is_port_taken = |log: &str| log.lines().rev().take(3).any(|line| line.contains("Address already in use"));
        self.child =
            await_that("the start of the server", || match launch(&self.settings, self.dir.path(), self.port) {
                Ok(child) => Some(child),
                Err(log) if is_port_taken(&log) => None,
                Err(log) => panic!("{log}"),
            });
    }

    /// Whether the server still runs and answers.
    pub fn alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none() && answers(self.port, self.child.id())
    }
}

impl Server {
    /// Checks that the owner index agrees with the keyspace, if the server still runs and allows JRS.DEBUG.
    fn assert_index_agrees(&mut self) {
        if !self.settings.module || thread::panicking() || !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let client = redis::Client::open(("127.0.0.1", self.port)).unwrap();
        let Ok(mut connection) = client.get_connection() else { return };
        let same: RedisResult<i64> = redis::cmd("JRS.DEBUG").arg("INDEX").query(&mut connection);
        assert_ne!(same, Ok(0), "the owner index of the server on port {} differs from its keyspace", self.port);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.assert_index_agrees();
        // An error here means that the server has ended. A crash keeps its own exit status.
        let _ = self.child.kill();
        let status = self.child.wait();
        let (port, log) = (self.port, self.log());
        if thread::panicking() {
            eprintln!("--- log of the server on port {port}:\n{log}");
            return;
        }
        assert!(!status.is_ok_and(crashed), "the server on port {port} crashed; its log:\n{log}");
        // The log of a panic in the module that was caught.
        assert!(!log.contains("this is a bug in jrs"), "the log of the server on port {port}:\n{log}");
    }
}

/// Whether a process crashed: it neither exited cleanly nor was killed by SIGKILL, which [`Server::kill`] sends.
fn crashed(status: ExitStatus) -> bool {
    const SIGKILL: i32 = 9;
    !status.success() && status.signal() != Some(SIGKILL)
}

/// The module under test: `target/release/libjrs.so`, unless the environment's `JRS_MODULE` names another.
pub fn module_path() -> PathBuf {
    env::var_os("JRS_MODULE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/libjrs.so"), PathBuf::from)
}

/// Polls until `condition` returns a value, for at most [`PATIENCE`].
///
/// # Panics
/// If it returns none; the message names `what`.
pub fn await_that<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    poll(condition).unwrap_or_else(|| panic!("{what}: not within {PATIENCE:?}"))
}

fn poll<T>(mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let value = condition();
        if value.is_some() || Instant::now() > deadline {
            return value;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The first word of the error that the server sent: `ERR`, `BADTOKEN`, …
///
/// # Panics
/// If there was no error, or one of the connection and not of the server.
pub fn error_word(result: RedisResult<Value>) -> String {
    match result {
        Ok(value) => panic!("an error was expected, but the reply is {value:?}"),
        Err(error) => error.code().unwrap_or_else(|| panic!("not an error of the server: {error}")).to_owned(),
    }
}

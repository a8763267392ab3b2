//! Runs the program of docs/events.md: its listener reports each end of a session and nothing else. (tests/server/commands/events.rs
//! compares the order of the events.)

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use redis::Value;

use crate::support::{
    Server, await_that,
    sessions::{create, exec, refused, send},
    tokens::key,
};

/// The running program of the page.
struct Listener {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Listener {
    fn start(server: &Server) -> Listener {
        let page = fs::read_to_string(root().join("docs/events.md")).unwrap();
        let (_, program) = page.split_once("```python\n").expect("the page has a program");
        let (program, _) = program.split_once("```\n").unwrap();
        let python = root().join("target/venv/bin/python");
        assert!(python.exists(), "{} is missing: scripts/test installs what this test needs", python.display());
        // timeout(1) ends a listener that prints nothing, so that the test fails.
        let mut command = Command::new("timeout");
        command.args(["300", "setpriv", "--pdeathsig", "KILL"]).arg(python).args(["-c", program]);
        command.env("REDIS_URL", format!("redis://127.0.0.1:{}/0", server.port()));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        await_that("the listener", || {
            let (_, listeners): (String, usize) =
                send(&mut server.conn(), &["PUBSUB", "NUMSUB", "__keyevent@0__:evicted"]).unwrap();
            (listeners > 0).then_some(())
        });
        Listener { child, lines }
    }

    /// The next line of the listener.
    fn next(&mut self) -> String {
        self.lines.next().expect("the listener has ended").unwrap()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // An error here means that the listener has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn the_listener_reports_each_end_of_a_session() {
    let server = Server::builder().config("notify-keyspace-events", "Exed").start();
    let conn = &mut server.conn();
    let mut listener = Listener::start(&server);
    let assert_reports = |listener: &mut Listener, key: &str, reason: &str| {
        assert_eq!(listener.next(), format!("{key} {reason}"));
    };
    let [destroyed, revoked, rotated] = [(); 3].map(|()| create(conn, "ada", "{}", &[]));
    exec(conn, &["SET", "another", "x", "PX", "1"]);
    exec(conn, &["JRS.DESTROY", &destroyed]);
    assert_reports(&mut listener, &key(&destroyed), "was destroyed");
    exec(conn, &["JRS.REVOKE", &key(&revoked)]);
    assert_reports(&mut listener, &key(&revoked), "was destroyed");
    let rotated: String = send(conn, &["JRS.ROTATE", &rotated]).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.max-sessions", "1"]);
    let last = create(conn, "ada", "{}", &[]);
    assert_reports(&mut listener, &key(&rotated), "was evicted: max-sessions");
    exec(conn, &["JRS.TOUCH", &last, "PX", "1"]);
    await_that("the expiry", || {
        let session: Value = send(conn, &["JRS.PEEK", &last]).unwrap();
        (session == Value::Nil).then_some(())
    });
    assert_reports(&mut listener, &key(&last), "expired");
    // The last session of an owner is reported too.
    let short = create(conn, "bob", "{}", &["PX", "5"]);
    await_that("the expiry of bob's session", || {
        (!send::<bool>(conn, &["EXISTS", &key(&short)]).unwrap()).then_some(())
    });
    assert_reports(&mut listener, &key(&short), "expired");
    let carl = create(conn, "carl", "{}", &[]);
    exec(conn, &["JRS.DESTROYALL", "carl"]);
    assert_reports(&mut listener, &key(&carl), "was destroyed");

    let guest = create(conn, "", "{}", &[]);
    exec(conn, &["CONFIG", "SET", "maxmemory-policy", "allkeys-random", "maxmemory", "1"]);
    // A command that needs memory makes the server evict keys. Here it is refused all the same.
    assert_eq!(refused(conn, &["SET", "more", "x"]), "OOM");
    assert_reports(&mut listener, &key(&guest), "was evicted: maxmemory");
}

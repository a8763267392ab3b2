//! The process of a server: starts it and waits until it is ready.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{LazyLock, mpsc},
    thread,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll as poll_files},
    io::retry_on_intr,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use super::{Builder, PATIENCE, await_that, poll};

/// How long a server may run. A server that hangs is killed, so its test fails and does not hang.
///
/// Read timeouts on the connections cannot do this: with one, a pause of the whole machine makes a read fail (EINTR).
const LONGEST_RUN: Duration = Duration::from_secs(300);

/// The server under test.
fn program() -> String {
    env::var("JRS_TEST_SERVER").unwrap_or_else(|_| "redis-server".to_owned())
}

/// The command line client that belongs to the server under test.
pub fn cli() -> String {
    let program = program();
    program.strip_suffix("-server").map_or_else(|| "redis-cli".to_owned(), |name| format!("{name}-cli"))
}

/// The version that the server under test prints: `Valkey server v=9.1.2 sha=…`.
pub fn version() -> String {
    let output = Command::new(program()).arg("--version").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Starts a server in `dir` and waits until it answers. The error is the log of a server that ended before.
pub fn launch(settings: &Builder, dir: &Path, port: u16) -> Result<Child, String> {
    let conf = dir.join("redis.conf");
    // A restart keeps the changes of CONFIG REWRITE.
    if !conf.exists() {
        fs::write(&conf, settings.redis_conf(dir, port)).unwrap();
    }
    if let Some(keys) = settings.keys.as_ref().filter(|_| !key_file(dir).exists()) {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(key_file(dir)).unwrap();
        file.write_all(keys).unwrap();
    }
    let log = File::options().create(true).append(true).open(dir.join("server.log")).unwrap();
    // setpriv makes the kernel kill the server when the thread that started it ends, also if the test process is killed.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).args(&settings.launcher);
    command.arg(program()).arg(conf).args(settings.sentinel.then_some("--sentinel"));
    command.current_dir(dir).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let mut child = spawn(command).unwrap_or_else(|error| panic!("the server cannot be started: {error}"));
    kill_if_it_hangs(&child);
    let outcome = poll(|| match child.try_wait().unwrap() {
        Some(_) => Some(Err(read_log(dir))),
        None => answers(port, child.id()).then_some(Ok(())),
    });
    match outcome {
        Some(Ok(())) => Ok(child),
        Some(Err(log)) => Err(log),
        None => {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the server neither answered nor ended within {PATIENCE:?}; its log:\n{}", read_log(dir));
        }
    }
}

/// Kills the process if it still runs after [`LONGEST_RUN`].
fn kill_if_it_hangs(child: &Child) {
    let pid = child.id();
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).unwrap();
    thread::spawn(move || {
        let longest = Timespec::try_from(LONGEST_RUN).unwrap();
        let mut end = [PollFd::new(&process, PollFlags::IN)];
        if retry_on_intr(|| poll_files(&mut end, Some(&longest))).unwrap() == 0 {
            eprintln!("process {pid} is killed: its test took more than {LONGEST_RUN:?}");
            let _ = pidfd_send_signal(&process, Signal::KILL);
        }
    });
}

/// Starts a process from a thread that lives as long as the test process: `--pdeathsig` is about the thread.
fn spawn(command: Command) -> io::Result<Child> {
    type Order = (Command, mpsc::Sender<io::Result<Child>>);
    static STARTER: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
        let (sender, orders) = mpsc::channel::<Order>();
        thread::spawn(move || {
            for (mut command, reply) in orders {
                // The receiver waits for this reply, so sending cannot fail.
                let _ = reply.send(command.spawn());
            }
        });
        sender
    });
    let (reply, child) = mpsc::channel();
    STARTER.send((command, reply)).unwrap();
    child.recv().unwrap()
}

/// Whether the process `pid` answers on `port`, and not another server that took the port before it.
pub fn answers(port: u16, pid: u32) -> bool {
    let is_its_answer = |reply: &str| {
        let answer = reply.starts_with("+PONG") && reply.contains(&format!("process_id:{pid}\r\n"));
        // A server with passwords answers with an error before authentication.
        answer || reply.starts_with("-NOAUTH") || reply.starts_with("-NOPERM")
    };
    let request = || -> io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"PING\r\nINFO server\r\nQUIT\r\n")?;
        let (mut reply, mut part) = (String::new(), [0; 4096]);
        // A Sentinel of Redis 7.0 does not know QUIT and keeps the connection open.
        while !is_its_answer(&reply) {
            match stream.read(&mut part)? {
                0 => return Ok(false),
                length => reply.push_str(&String::from_utf8_lossy(&part[..length])),
            }
        }
        Ok(true)
    };
    request().is_ok_and(|answers| answers)
}

/// A free port whose cluster bus port (10,000 higher) is free too.
pub fn free_port() -> u16 {
    let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?.local_addr().ok();
    await_that("a free port", || {
        free(0)
            .map(|address| address.port())
            .filter(|port| port.checked_add(10_000).is_some_and(|bus| free(bus).is_some()))
    })
}

/// The log of a server in `dir`, empty if there is none.
pub fn read_log(dir: &Path) -> String {
    fs::read(dir.join("server.log")).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// A word of redis.conf in quotes, which may contain any character.
pub fn quoted(word: &str) -> String {
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// The key file of a server in `dir`.
pub fn key_file(dir: &Path) -> PathBuf {
    dir.join("keys")
}

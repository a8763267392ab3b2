//! Writes, builds and runs the applications of docs/clients/other-languages.md, and sends requests to them.

mod document;

use std::{
    env,
    fs::{self, File},
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

pub(crate) use document::{Section, sections};

/// The ports in the document.
const REDIS_PORT: &str = "6379";
const WEB_PORT: &str = "8080";

/// Long, because the first run compiles Go's standard library and the dependencies of the Rust recipe.
const PATIENCE: Duration = Duration::from_secs(600);

/// A running application. Dropping it ends the process.
pub(crate) struct Application {
    folder: PathBuf,
    /// None for a command-line program.
    web: Option<Web>,
}

struct Web {
    port: u16,
    process: Child,
}

/// An HTTP status and the body. The exit status of a command-line program is mapped to an HTTP status.
pub(crate) type Answer = (u16, String);

impl Application {
    /// Starts the application of these sections, connected to the Redis on that port. Where two sections have a file of
    /// the same name, the later one is used.
    pub(crate) fn start(sections: &[&Section], redis: u16) -> Application {
        // Between finding a free port and binding it, another process may take it.
        for _ in 0..10 {
            match Self::try_start(sections, redis) {
                Ok(application) => return application,
                Err(log) if log.to_lowercase().contains("address already in use") => {}
                Err(log) => panic!("the application does not start: {log}"),
            }
        }
        panic!("no free port in ten attempts");
    }

    fn try_start(sections: &[&Section], redis: u16) -> Result<Application, String> {
        // Reserved until the application starts: it may be built for minutes before.
        let reserved = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = reserved.local_addr().unwrap().port();
        // Split first: the new port may contain the digits of the other one.
        let with_redis = |part: &str| part.replace(REDIS_PORT, &redis.to_string());
        let real = |text: &str| text.split(WEB_PORT).map(with_redis).collect::<Vec<_>>().join(&port.to_string());
        let mut application = Application { folder: folder(&sections.last().unwrap().heading), web: None };
        for (name, text) in sections.iter().flat_map(|section| &section.files) {
            let path = application.folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, real(text)).unwrap();
        }
        let commands = sections.iter().flat_map(|section| &section.commands);
        let mut commands: Vec<String> = commands.map(|line| real(line)).collect();
        // The last command of a web application runs it. All other commands build.
        let serves = sections.iter().any(|section| section.mentions(WEB_PORT));
        let last = if serves { commands.pop() } else { None };
        for command in commands {
            let built = application.command(&["timeout", &PATIENCE.as_secs().to_string()], &command).output().unwrap();
            assert!(built.status.success(), "{command}: {}", String::from_utf8_lossy(&built.stderr));
        }
        drop(reserved);
        if let Some(command) = last {
            application.serve(&command, port)?;
        }
        // Cargo changes an outdated lock file and does not fail.
        assert!(lock() == fs::read(application.folder.join("Cargo.lock")).unwrap(), "tests/clients/Cargo.lock is old");
        Ok(application)
    }

    /// Starts the command and waits until it listens. The error is the output of a command that does not.
    fn serve(&mut self, command: &str, port: u16) -> Result<(), String> {
        let log = File::create(self.folder.join("log")).unwrap();
        // setpriv makes the kernel kill it when the thread of the test ends, also if the test is killed.
        let process = self
            .command(&["setpriv", "--pdeathsig", "KILL"], &format!("exec {command}"))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let web = self.web.insert(Web { port, process });
        let start = Instant::now();
        while !speaks_http(port) {
            if web.process.try_wait().unwrap().is_some() || start.elapsed() > PATIENCE {
                return Err(self.log());
            }
            thread::sleep(Duration::from_millis(20)); // between two polls
        }
        Ok(())
    }

    fn command(&self, before: &[&str], line: &str) -> Command {
        let target = root().join("target");
        let mut command = Command::new(before[0]);
        command.args(&before[1..]).args(["sh", "-eu", "-c", line]).current_dir(&self.folder).stdin(Stdio::null());
        command
            .env("PATH", format!("{}:{}", target.join("venv/bin").display(), env::var("PATH").unwrap()))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            // Only Debian's Go packages, and a cache for the next run.
            .envs([("GO111MODULE", "off"), ("GOPATH", "/usr/share/gocode"), ("GOPROXY", "off"), ("CGO_ENABLED", "0")])
            .env("GOCACHE", target.join("go-cache"))
            // Debug information doubles the time of the first build.
            .env("CARGO_TARGET_DIR", target.join("clients/cargo"))
            .env("CARGO_PROFILE_DEV_DEBUG", "false");
        command
    }

    /// The output of the application.
    pub(crate) fn log(&self) -> String {
        fs::read(self.folder.join("log")).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// Sends one of the requests that the document lists: `login` with a user, or another with a token.
    pub(crate) fn ask(&self, request: &str, argument: &str) -> Answer {
        match &self.web {
            Some(web) => web.ask(request, argument).unwrap_or_else(|error| panic!("{request}: {error}")),
            None => self.run(request, argument),
        }
    }

    fn run(&self, request: &str, argument: &str) -> Answer {
        let output =
            self.command(&["timeout", "60"], r#"exec ./session "$0" "$1""#).args([request, argument]).output().unwrap();
        let status = match output.status.code() {
            Some(0) => 200,
            Some(1) => 401,
            _ => 500,
        };
        (status, String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        if let Some(web) = &mut self.web {
            // An error here means that the process has ended.
            let _ = web.process.kill();
            let _ = web.process.wait();
        }
    }
}

impl Web {
    fn ask(&self, request: &str, argument: &str) -> io::Result<Answer> {
        let method = if request == "cart" { "GET" } else { "POST" };
        let (header, body) = match (request, argument) {
            ("login", user) => ("Content-Type: application/x-www-form-urlencoded".to_owned(), format!("user={user}")),
            (_, "") => ("Accept: */*".to_owned(), String::new()),
            (_, token) => (format!("Authorization: Bearer {token}"), String::new()),
        };
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        // With HTTP/1.0 the server closes the connection after the response.
        let length = body.len();
        let head = format!("{method} /{request} HTTP/1.0\r\n{header}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(format!("{head}{body}").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP: {answer}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Ok((status.unwrap_or_else(|| panic!("no status: {head}")), body.trim().to_owned()))
    }
}

/// Whether a web server listens on the port. It may also be the port of another server.
fn speaks_http(port: u16) -> bool {
    let ask = || -> io::Result<[u8; 5]> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut start = [0; 5];
        stream.read_exact(&mut start)?;
        Ok(start)
    };
    ask().is_ok_and(|start| &start == b"HTTP/")
}

/// The folder of a recipe, with the installed dependencies. Its path stays the same, so that Cargo can reuse builds.
fn folder(heading: &str) -> PathBuf {
    let name: String = heading.to_lowercase().chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
    let folder = root().join("target/clients").join(name);
    // An error here means that this is the first run.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    symlink(root().join("tests/clients/node_modules"), folder.join("node_modules")).unwrap();
    fs::write(folder.join("Cargo.lock"), lock()).unwrap();
    folder
}

fn lock() -> Vec<u8> {
    fs::read(root().join("tests/clients/Cargo.lock")).unwrap()
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

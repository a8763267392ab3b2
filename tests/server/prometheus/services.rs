//! The processes: an exporter for a server, and a Prometheus that scrapes it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{page, path, read};
use crate::support::{PATIENCE, Server, await_that, free_port, sessions::exec};

/// A process that answers HTTP. It is killed when this is dropped.
pub(super) struct Service {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Service {
    /// Starts a program on a free port, in a new folder, and waits until it answers.
    fn start(program: &str, configure: impl Fn(&mut Command, &Path)) -> Service {
        // Another process may take the port before the program binds it.
        for _ in 0..10 {
            let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
            // setpriv makes the kernel kill the program when the thread of the test ends, also if the test is killed.
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL", program]);
            command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
            configure(&mut command, folder.path());
            let log = File::create(folder.path().join("log")).unwrap();
            command.current_dir(&folder).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
            let process = command.spawn().unwrap();
            let mut service = Service { process, port, folder };
            let is_up = await_that(program, || {
                let ended = service.process.try_wait().unwrap().is_some();
                if ended {
                    Some(false)
                } else {
                    service.get("/-/ready").or(service.get("/health")).is_ok().then_some(true)
                }
            });
            if is_up {
                return service;
            }
            assert!(service.log().contains("address already in use"), "{program}: {}", service.log());
        }
        panic!("no free port in ten attempts");
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// The body of a successful response.
    pub(super) fn get(&self, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        // With HTTP/1.0 the server closes the connection after the response.
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
        let is_ok = head.split(' ').nth(1) == Some("200");
        if is_ok { Ok(body.to_owned()) } else { Err(io::Error::other(answer)) }
    }

    /// The `data` of a response of Prometheus's HTTP API.
    pub(super) fn api(&self, path: &str) -> Value {
        let body = self.get(path).unwrap_or_else(|error| panic!("{path}: {error}; {}", self.log()));
        serde_json::from_str::<Value>(&body).unwrap()["data"].take()
    }

    /// The samples of an expression: their labels and values.
    pub(super) fn query(&self, expression: &str) -> Vec<(Value, f64)> {
        let mut result = self.api(&format!("/api/v1/query?query={}", percent_encoded(expression)))["result"].take();
        let samples = result.as_array_mut().unwrap_or_else(|| panic!("{expression}: not a vector")).iter_mut();
        samples.map(|sample| (sample["metric"].take(), sample["value"][1].as_str().unwrap().parse().unwrap())).collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // An error here means that the process has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An exporter with the configuration and the user of the page.
pub(super) fn exporter(server: &Server) -> Service {
    let line = user_line();
    let rules: Vec<&str> = line.split(' ').collect();
    exec(&mut server.conn(), &[&["ACL", "SETUSER"], &rules[1..]].concat());
    let page = page();
    let (_, configuration) = page.split_once("# /etc/default/prometheus-redis-exporter\n").unwrap();
    let lines = configuration.lines().take_while(|line| *line != "```").filter_map(|line| line.split_once('='));
    let variables: BTreeMap<_, _> = lines.collect();
    let script = variables["ARGS"].trim_matches('"').split_once(" --web.listen-address=127.0.0.1:").unwrap().0;
    let script = script.replace("/etc/prometheus/jrs.lua", path("jrs.lua").to_str().unwrap());
    let address = variables["REDIS_ADDR"].replace("6379", &server.port().to_string());
    Service::start("prometheus-redis-exporter", |command, _| {
        command.arg(&script).env("REDIS_ADDR", &address);
        command.envs(["REDIS_USER", "REDIS_PASSWORD"].map(|name| (name, variables[name])));
    })
}

/// The line of the page for the ACL file.
pub(super) fn user_line() -> String {
    page().lines().find(|line| line.starts_with("user exporter on ")).unwrap().to_owned()
}

/// A Prometheus with the shipped configuration and rules, which scrapes this exporter every second.
pub(super) fn prometheus(exporter: &Service) -> Service {
    Service::start("prometheus", |command, folder| {
        let configuration = read("prometheus.yml");
        let (interval, target) = ("15s", "127.0.0.1:9121");
        assert_eq!((configuration.matches(interval).count(), configuration.matches(target).count()), (2, 1));
        let target = configuration.replace(target, &format!("127.0.0.1:{}", exporter.port));
        fs::write(folder.join("prometheus.yml"), target.replace(interval, "1s")).unwrap();
        fs::copy(path("alerts.yml"), folder.join("alerts.yml")).unwrap();
        command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
    })
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

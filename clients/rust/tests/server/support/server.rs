//! A server with the module: its own port and folder, gone after the test.

use std::{
    env,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Mutex,
};

use jrs_client::Jrs;
use redis::{
    AsyncConnectionConfig,
    aio::{ConnectionManagerConfig, MultiplexedConnection},
};
use tempfile::TempDir;

use super::{PATIENCE, until};

pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
    folder: TempDir,
    arguments: Vec<String>,
}

impl Server {
    pub(crate) async fn start() -> Server {
        Server::with(&[], &[]).await
    }

    /// Starts a server with more settings. `{folder}` in a value is the folder with these files.
    pub(crate) async fn with(settings: &[(&str, &str)], files: &[(&str, &str)]) -> Server {
        Server::launch(settings, files, true).await
    }

    pub(crate) async fn without_module() -> Server {
        Server::launch(&[], &[], false).await
    }

    async fn launch(settings: &[(&str, &str)], files: &[(&str, &str)], has_module: bool) -> Server {
        let folder = TempDir::new().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let mut arguments: Vec<String> =
            ["--bind", "127.0.0.1", "--save", "", "--dir", &path].map(str::to_owned).into();
        for (name, value) in settings {
            arguments.extend([format!("--{name}"), value.replace("{folder}", &path)]);
        }
        if has_module {
            arguments.extend(["--loadmodule".to_owned(), module().to_str().unwrap().to_owned()]);
        }
        // Another process may take the port first: then the server ends, and the next port is tried.
        loop {
            let port = free_port();
            if let Some(process) = spawn(port, &arguments).await {
                return Server { process, port, folder, arguments };
            }
        }
    }

    /// Starts a server that was stopped again, on the same port.
    pub(crate) async fn restart(&mut self) {
        // A connection of another process can have the port for a moment.
        let started = Mutex::new(None);
        until("the server is started again", || async {
            let process = spawn(self.port, &self.arguments).await;
            let has_started = process.is_some();
            *started.lock().unwrap() = process;
            has_started
        })
        .await;
        self.process = started.into_inner().unwrap().unwrap();
    }

    pub(crate) fn client(&self) -> redis::Client {
        redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap()
    }

    pub(crate) async fn jrs(&self) -> Jrs {
        // By default redis-rs waits for half a second, which a loaded machine can need.
        let config = ConnectionManagerConfig::new().set_response_timeout(Some(PATIENCE));
        Jrs::new(self.client().get_connection_manager_with_config(config).await.unwrap())
    }

    pub(crate) async fn connection(&self) -> MultiplexedConnection {
        let config = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
        self.client().get_multiplexed_async_connection_with_config(&config).await.unwrap()
    }

    /// Sends a command on a separate connection.
    pub(crate) async fn send<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]).query_async(&mut self.connection().await).await.unwrap()
    }

    /// How often each command of the module was called.
    pub(crate) async fn calls(&self, command: &str) -> u64 {
        let stats: String = self.send(&["INFO", "commandstats"]).await;
        let stats = stats.to_lowercase();
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.and_then(|line| line.split(',').next()).map_or(0, |calls| calls.parse().unwrap())
    }

    /// All commands of the module, but not those that ask for the realm.
    pub(crate) async fn all_calls(&self) -> u64 {
        let mut sum = 0;
        for command in ["create", "get", "peek", "update", "touch", "destroy", "rotate", "list", "revoke", "destroyall"]
        {
            sum += self.calls(&format!("jrs.{command}")).await;
        }
        sum
    }

    /// The stored data of a session.
    pub(crate) async fn stored(&self, id: &str) -> serde_json::Value {
        let data: String = self.send(&["GET", &format!("sess:{id}")]).await;
        serde_json::from_str(&data).unwrap()
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        std::fs::write(self.folder.path().join(name), content).unwrap();
    }

    /// Sends a signal: `STOP` makes the server hang, `CONT` lets it go on.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.process.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Kills the server, as in a crash.
    pub(crate) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a server. `None`: it ended at once.
async fn spawn(port: u16, arguments: &[String]) -> Option<Child> {
    let program = env::var("JRS_TEST_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
    // setpriv makes the kernel kill the server when the tests end, however they end.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", &program]).args(arguments).args(["--port", &port.to_string()]);
    let mut process = command.stdout(Stdio::null()).spawn().expect("setpriv and the server are installed");
    let id = process.id();
    let mut ended = false;
    until("the server replies", || {
        ended = process.try_wait().unwrap().is_some();
        async move { ended || is_ready(port, id).await }
    })
    .await;
    (!ended).then_some(process)
}

/// Whether this very process listens to the port.
async fn is_ready(port: u16, id: u32) -> bool {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
    let Ok(mut connection) = client.get_multiplexed_async_connection().await else { return false };
    let info: redis::RedisResult<String> = redis::cmd("INFO").arg("server").query_async(&mut connection).await;
    info.is_ok_and(|info| info.contains(&format!("process_id:{id}\r\n")))
}

/// A free port whose cluster bus port, which is 10,000 higher, is also free.
fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        if port < 55_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            return port;
        }
    }
}

fn module() -> PathBuf {
    match env::var_os("JRS_MODULE") {
        Some(path) => path.into(),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/release/libjrs.so"),
    }
}

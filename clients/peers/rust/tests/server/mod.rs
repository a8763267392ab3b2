//! A server with the module, in a folder of its own.

use std::{
    env,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Server {
    pub port: u16,
    process: Child,
    _folder: TempDir,
}

impl Server {
    pub async fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).unwrap();
        let module = env::var("JRS_MODULE").unwrap_or(root.join("target/release/libjrs.so").display().to_string());
        let program = env::var("JRS_TEST_SERVER").unwrap_or("redis-server".into());
        // setpriv makes the kernel end the server with the tests, even if they are killed.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", &program, "--bind", "127.0.0.1", "--port", &port.to_string()]);
        command.args(["--save", "", "--dir"]).arg(folder.path()).args(["--loadmodule", &module]);
        let process = command.stdout(Stdio::null()).spawn().unwrap();
        let server = Server { port, process, _folder: folder };
        let end = Instant::now() + PATIENCE;
        while server.connect().await.is_err() {
            assert!(Instant::now() < end, "the server did not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server
    }

    async fn connect(&self) -> redis::RedisResult<()> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("JRS.REALMS").query_async::<redis::Value>(&mut connection).await.map(drop)
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

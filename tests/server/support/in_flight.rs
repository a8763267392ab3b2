//! Commands that wait for the crypto threads while a test changes something else.

use std::{process::Command, sync::LazyLock};

use redis::{Connection, RedisResult, Value};

use crate::support::{
    Builder, Server, await_that,
    sessions::{contents, create, exec, send},
};

/// A new private key in PEM, from `openssl genpkey` with these arguments.
pub(crate) fn openssl_key(arguments: &[&str]) -> String {
    let output = Command::new("openssl").arg("genpkey").args(arguments).output().expect("openssl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("PEM is text")
}

/// An ES256 key: a signature takes about 10 us.
pub(crate) fn es256() -> String {
    openssl_key(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
}

/// An RS256 key: a signature takes about 500 us.
pub(crate) fn rs256() -> String {
    openssl_key(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
}

/// A 4096-bit RSA key: a signature takes several milliseconds. Generating it takes seconds, so all tests share one.
pub(crate) fn rs512() -> &'static str {
    static KEY: LazyLock<String> =
        LazyLock::new(|| openssl_key(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"]));
    &KEY
}

/// A server with the slowest key, one crypto thread and no token cache: each command waits for those before it.
pub(crate) fn slow() -> Builder {
    let args = ["algorithm", "RS512", "crypto-threads", "1", "token-cache-size", "0"];
    Server::builder().keys(rs512().as_bytes()).args(&args)
}

/// Commands that are sent, one on each connection, and whose replies are not read yet.
pub(crate) struct InFlight(Vec<Connection>);

impl InFlight {
    /// Sends each command on one of the connections.
    pub(crate) fn start(mut connections: Vec<Connection>, commands: &[Vec<String>]) -> InFlight {
        assert_eq!(connections.len(), commands.len());
        for (connection, words) in connections.iter_mut().zip(commands) {
            let packed = redis::cmd(&words[0]).arg(&words[1..]).get_packed_command();
            connection.send_packed_command(&packed).expect("the server listens");
        }
        InFlight(connections)
    }

    /// Sends JRS.CREATE for the owner "in-flight" `creates` times.
    pub(crate) fn creates(server: &Server, creates: usize) -> InFlight {
        let connections = (0..creates).map(|_| server.conn()).collect();
        InFlight::start(connections, &create_commands(creates))
    }

    /// Disconnects the client of the last command.
    pub(crate) fn disconnect_last(&mut self) {
        self.0.pop();
    }

    /// All replies, in the order of the commands. A connection that ended gives an error without a code.
    pub(crate) fn replies(&mut self) -> Vec<RedisResult<Value>> {
        self.0.iter_mut().map(|connection| connection.recv_response().and_then(Value::extract_error)).collect()
    }
}

/// Commands that the server receives together: it is stopped while they are sent. So other processes on the machine do not
/// change how many of them are in the queue at the same time.
pub(crate) struct Batch<'a> {
    server: &'a Server,
    connections: Vec<Connection>,
    commands: Vec<Vec<String>>,
}

impl<'a> Batch<'a> {
    /// JRS.CREATE for the owner "in-flight", `creates` times.
    pub(crate) fn creates(server: &'a Server, creates: usize) -> Batch<'a> {
        Batch::new(server).and(&create_commands(creates))
    }

    /// No commands yet.
    pub(crate) fn new(server: &'a Server) -> Batch<'a> {
        Batch { server, connections: vec![], commands: vec![] }
    }

    /// Adds these commands. If their tokens must be verified, they run after all the creates, or each after sixteen of them.
    pub(crate) fn and(self, commands: &[Vec<String>]) -> Batch<'a> {
        let connections = commands.iter().map(|_| self.server.conn()).collect();
        self.and_on(connections, commands)
    }

    /// Adds these commands, one on each of the connections.
    pub(crate) fn and_on(mut self, connections: Vec<Connection>, commands: &[Vec<String>]) -> Batch<'a> {
        self.connections.extend(connections);
        self.commands.extend_from_slice(commands);
        self
    }

    /// Sends the commands.
    pub(crate) fn send(self) -> InFlight {
        self.send_with(|| ())
    }

    /// Sends the commands and, after them, `change` on `conn`. Checks that at least `least` jobs are in the queue when
    /// `change` runs. Also returns the reply to `change`.
    pub(crate) fn meanwhile(
        self,
        conn: &mut Connection,
        least: usize,
        change: &[&str],
    ) -> (InFlight, RedisResult<Value>) {
        self.meanwhile_in("crypto_queue_waiting", conn, least, change)
    }

    /// As [`Batch::meanwhile`], for the queue of tokens to be verified.
    pub(crate) fn meanwhile_verifying(
        self,
        conn: &mut Connection,
        least: usize,
        change: &[&str],
    ) -> (InFlight, RedisResult<Value>) {
        self.meanwhile_in("crypto_queue_waiting_verifying", conn, least, change)
    }

    fn meanwhile_in(
        self,
        queue: &str,
        conn: &mut Connection,
        least: usize,
        change: &[&str],
    ) -> (InFlight, RedisResult<Value>) {
        // The server runs both without serving other clients in between.
        let mut both = redis::cmd("INFO").arg("jrs_tokens").get_packed_command();
        both.extend(redis::cmd(change[0]).arg(&change[1..]).get_packed_command());
        let in_flight = self.send_with(|| conn.send_packed_command(&both).expect("the server listens"));
        let info: String = redis::from_redis_value(conn.recv_response().expect("INFO works")).expect("INFO is text");
        assert!(number(&info, queue) >= least as u64, "too few jobs were in the queue at {change:?}: {info}");
        (in_flight, conn.recv_response().and_then(Value::extract_error))
    }

    /// Sends the commands, and then what `send_more` sends on other connections. The server reads its connections in the order
    /// in which data arrived on them, except that the one it read last may come first: here, that is the one of the PING.
    pub(crate) fn send_with(self, send_more: impl FnOnce()) -> InFlight {
        exec(&mut self.server.conn(), &["PING"]);
        signal(self.server, "STOP");
        let in_flight = InFlight::start(self.connections, &self.commands);
        send_more();
        signal(self.server, "CONT");
        in_flight
    }
}

/// JRS.CREATE for the owner "in-flight", `count` times.
pub(crate) fn create_commands(count: usize) -> Vec<Vec<String>> {
    vec![words(&["JRS.CREATE", "in-flight", "{}"]); count]
}

fn signal(server: &Server, name: &str) {
    let pid = server.child.id().to_string();
    assert!(Command::new("sh").args(["-c", "kill -$0 $1", name, &pid]).status().expect("sh runs").success());
}

pub(crate) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// A number of the INFO section `jrs_tokens`.
pub(crate) fn info(conn: &mut Connection, name: &str) -> u64 {
    let info: String = send(conn, &["INFO", "jrs_tokens"]).expect("INFO works");
    number(&info, name)
}

fn number(info: &str, name: &str) -> u64 {
    let line = info.lines().find_map(|line| line.strip_prefix(&format!("jrs_{name}:")));
    line.unwrap_or_else(|| panic!("{name} is not in {info}")).parse().expect("a number")
}

/// Waits until the queue is empty.
pub(crate) fn await_idle(conn: &mut Connection) {
    await_that("an empty queue", || (info(conn, "crypto_queue_waiting") == 0).then_some(()));
}

/// Creates a session for each of these owners. Returns the tokens.
pub(crate) fn tokens<const N: usize>(conn: &mut Connection, owners: [&str; N]) -> [String; N] {
    owners.map(|owner| create(conn, owner, r#"{"old":1}"#, &[]))
}

/// The owners of the sessions that [`token_commands`] act on.
pub(crate) const OWNERS: [&str; 6] = ["get", "peek", "update", "touch", "destroy", "rotate"];

/// Each command that acts on an existing session, with one of the tokens; in the order of [`OWNERS`].
pub(crate) fn token_commands(tokens: &[String; OWNERS.len()]) -> Vec<Vec<String>> {
    let [get, peek, update, touch, destroy, rotate] = tokens;
    vec![
        words(&["JRS.GET", get]),
        words(&["JRS.PEEK", peek]),
        words(&["JRS.UPDATE", update, r#"{"new":1}"#]),
        words(&["JRS.TOUCH", touch, "EX", "77"]),
        words(&["JRS.DESTROY", destroy]),
        words(&["JRS.ROTATE", rotate]),
    ]
}

/// For each reply: the first word of an error, "ok", or "gone" if the connection ended.
pub(crate) fn outcomes(replies: &[RedisResult<Value>]) -> Vec<&str> {
    replies.iter().map(|reply| reply.as_ref().map_or_else(|error| error.code().unwrap_or("gone"), |_| "ok")).collect()
}

/// The tokens among replies to CREATE.
pub(crate) fn created(replies: &[RedisResult<Value>]) -> Vec<String> {
    let token = |value: &Value| redis::from_redis_value_ref(value).expect("CREATE replies with a token");
    replies.iter().flatten().map(token).collect()
}

/// The keys of an owner's sessions.
pub(crate) fn sessions_of(conn: &mut Connection, owner: &str) -> Vec<String> {
    let prefix = format!("sess:{{{owner}}}:");
    contents(conn).into_keys().filter(|key| key.starts_with(&prefix)).collect()
}

/// Checks that the server still runs, and that no panic of the module was caught.
pub(crate) fn assert_sound(server: &mut Server) {
    assert!(server.alive());
    let log = server.log();
    assert!(!log.contains("this is a bug in jrs") && !log.contains("BUG REPORT"), "{log}");
}

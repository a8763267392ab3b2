//! Client libraries for Redis Cluster, used as docs/clients/other-languages.md says: redis-rs here, the others in programs of
//! `tests/clients/cluster`, with requests and answers as lines of JSON.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
};

use redis::{
    Cmd, ConnectionLike, RedisError, Value as Reply,
    cluster::{ClusterClient as RustClient, ClusterConnection},
    cluster_read_routing::RandomReplicaStrategy,
    cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr},
};
use serde_json::{Value, json};

use crate::support::{
    PATIENCE,
    cases::{Cases, cases},
    large_cluster::LargeCluster,
    programs,
    sessions::send,
};

/// How a client is used.
#[derive(Clone, Copy, Default)]
pub(crate) struct Options {
    /// Commands that only read go to replicas.
    pub(crate) replicas: bool,
    /// Commands are sent without the recipe of docs/clients/other-languages.md.
    pub(crate) plain: bool,
}

/// The reply as JSON, or the error's class and text.
pub(crate) type Outcome = Result<Value, String>;

/// A client that is connected to a cluster.
pub(crate) struct ClusterClient {
    pub(crate) name: &'static str,
    library: Library,
}

enum Library {
    Rust(Box<ClusterConnection>, Options),
    Program(Program),
}

/// A running program. Dropping it ends the process.
struct Program {
    process: Child,
    answers: Receiver<String>,
}

const PROGRAMS: [(&str, &str); 4] = [
    ("redis-py", "redis_py.py"),
    ("redis-py with asyncio", "redis_py_asyncio.py"),
    ("ioredis", "ioredis.mjs"),
    ("node-redis", "node_redis.mjs"),
];

/// Every client, connected to the cluster of the nodes on these ports.
pub(crate) fn clients(ports: &[u16], options: Options) -> Cases<ClusterClient> {
    let programs = PROGRAMS.map(|(name, _)| name);
    let all = [&programs[..], &["redis-rs"]].concat();
    cases(all.into_iter().map(|name| (name, client(name, ports, options))))
}

/// A client by its name.
pub(crate) fn client(name: &str, ports: &[u16], options: Options) -> ClusterClient {
    match PROGRAMS.iter().find(|(known, _)| *known == name) {
        Some((name, file)) => ClusterClient { name, library: Library::Program(Program::start(file, ports, options)) },
        None => {
            assert_eq!(name, "redis-rs");
            ClusterClient { name: "redis-rs", library: Library::Rust(Box::new(rust_client(ports, options)), options) }
        }
    }
}

fn rust_client(ports: &[u16], options: Options) -> ClusterConnection {
    let nodes = ports.iter().map(|port| format!("redis://127.0.0.1:{port}/"));
    // By default it waits for more than a second after the first TRYAGAIN, and for minutes after the sixteenth.
    let builder = RustClient::builder(nodes).retries(3).min_retry_wait(10).max_retry_wait(100);
    let builder = if options.replicas { builder.read_routing_strategy(RandomReplicaStrategy) } else { builder };
    builder.build().and_then(|client| client.get_connection()).expect("the cluster is up")
}

/// How many redirections (MOVED, ASK) all nodes have replied with.
pub(crate) fn redirections(cluster: &LargeCluster) -> u64 {
    let of_node = |number| -> u64 {
        let stats: String = send(&mut cluster.conn(number), &["INFO", "errorstats"]).expect("the node replies");
        let counts = stats.lines().filter_map(|line| {
            let line = line.strip_prefix("errorstat_MOVED:").or(line.strip_prefix("errorstat_ASK:"))?;
            line.strip_prefix("count=")?.parse::<u64>().ok()
        });
        counts.sum()
    };
    cluster.members().map(of_node).sum()
}

impl ClusterClient {
    /// Sends a command whose first argument is its key.
    pub(crate) fn send(&mut self, words: &[&str]) -> Outcome {
        self.request(words, false, false)
    }

    /// Sends a command that only reads and whose first argument is its key.
    pub(crate) fn read(&mut self, words: &[&str]) -> Outcome {
        self.request(words, false, true)
    }

    /// Sends a command without a key to any node.
    pub(crate) fn send_anywhere(&mut self, words: &[&str]) -> Outcome {
        self.request(words, true, false)
    }

    fn request(&mut self, words: &[&str], anywhere: bool, read: bool) -> Outcome {
        match &mut self.library {
            Library::Program(program) => program.ask(&json!({"words": words, "anywhere": anywhere, "read": read})),
            Library::Rust(connection, options) => {
                let command = command(words);
                let reply = if anywhere {
                    connection.route_command(&command, RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random))
                } else if read && options.replicas && !options.plain {
                    // read_from_replicas is only for the commands that redis-rs knows.
                    let route = Route::with_key(words[1], SlotAddr::ReplicaOptional);
                    connection
                        .route_command(&command, RoutingInfo::SingleNode(SingleNodeRoutingInfo::SpecificNode(route)))
                } else {
                    command.query(&mut **connection)
                };
                reply.map(json).map_err(|error| describe(&error))
            }
        }
    }

    /// Sends commands whose first arguments are keys of one slot, in MULTI and EXEC.
    pub(crate) fn transaction(&mut self, commands: &[&[&str]]) -> Outcome {
        match &mut self.library {
            Library::Program(program) => program.ask(&json!({"commands": commands})),
            Library::Rust(connection, _) => {
                let mut pipe = redis::pipe();
                pipe.atomic();
                for words in commands {
                    pipe.add_command(command(words));
                }
                // Its cluster connection refuses pipe.query(). The replies before that of EXEC say only that commands wait.
                let replies = connection.req_packed_commands(&pipe.get_packed_pipeline(), commands.len() + 1, 1);
                let reply = replies.and_then(|mut replies| replies.pop().unwrap_or(Reply::Nil).extract_error());
                reply.map(json).map_err(|error| describe(&error))
            }
        }
    }
}

fn command(words: &[&str]) -> Cmd {
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command
}

fn describe(error: &RedisError) -> String {
    format!("RedisError: {error}")
}

fn json(reply: Reply) -> Value {
    match reply {
        Reply::Nil => Value::Null,
        Reply::Int(number) => number.into(),
        Reply::BulkString(bytes) => String::from_utf8(bytes).expect("replies of JRS are text").into(),
        Reply::SimpleString(text) => text.into(),
        Reply::Okay => "OK".into(),
        Reply::Array(items) => items.into_iter().map(json).collect(),
        other => panic!("not a reply of RESP2: {other:?}"),
    }
}

impl Program {
    fn start(file: &str, ports: &[u16], options: Options) -> Program {
        let argument = json!({"ports": ports, "replicas": options.replicas, "plain": options.plain});
        let mut command = programs::command("clients/cluster", file);
        command.arg(argument.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{file} could not be started: {error}"));
        let output = BufReader::new(process.stdout.take().expect("the output is piped"));
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines() {
                // An error means that the program was dropped.
                let _ = sender.send(line.expect("a program prints UTF-8"));
            }
        });
        Program { process, answers }
    }

    fn ask(&mut self, request: &Value) -> Outcome {
        let input = self.process.stdin.as_mut().expect("the input is piped");
        writeln!(input, "{request}").expect("the program reads its input");
        let answer = self.answers.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{request}: {error}"));
        let mut answer: Value = serde_json::from_str(&answer).expect("a program prints JSON");
        match answer.get("error") {
            Some(error) => Err(error.as_str().expect("an error is text").to_owned()),
            None => Ok(answer["reply"].take()),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // An error here means that the process has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

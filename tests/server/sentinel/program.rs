//! The programs of `tests/clients/sentinel`: client libraries that use sessions through Sentinels.

use std::{
    io::{BufRead, BufReader},
    mem,
    process::{Child, ChildStdout, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

use serde_json::json;

use crate::{
    chaos::history::{self, Operation},
    support::{
        await_that, programs,
        sentinel::{NAME, Watched},
    },
};

/// One program for each library.
const PROGRAMS: [&str; 3] = ["redis_py.py", "ioredis.mjs", "node_redis.mjs"];
/// How many owners each program has.
const OWNERS: usize = 3;

/// A running program. It is killed when it is dropped.
struct Program {
    name: &'static str,
    process: Child,
    /// How many operations have a reply that is not an error.
    acknowledged: Arc<AtomicUsize>,
    /// Returns all output.
    reader: JoinHandle<String>,
}

/// All programs, which run at the same time.
pub(super) struct Programs(Vec<Program>);

impl Programs {
    /// Starts them, and waits until each uses sessions.
    pub(super) fn start(watched: &Watched) -> Programs {
        let programs = Programs(PROGRAMS.map(|name| Program::start(name, watched)).into());
        programs.await_more();
        programs
    }

    /// Waits until the servers have acknowledged more operations of each program.
    pub(super) fn await_more(&self) {
        const MORE: usize = 50;
        let now = self.0.iter().map(Program::acknowledged);
        for (program, enough) in self.0.iter().zip(now.map(|now| now + MORE).collect::<Vec<_>>()) {
            await_that(&format!("more operations of {}", program.name), || {
                assert!(!program.reader.is_finished(), "{} ended; its errors are above", program.name);
                (program.acknowledged() >= enough).then_some(())
            });
        }
    }

    /// Stops the programs. Returns what each of them did.
    ///
    /// # Panics
    /// If one of them fails, or had an error that a failover does not cause.
    pub(super) fn finish(mut self) -> Vec<Vec<Operation>> {
        // They stop when their input ends.
        self.0.iter_mut().for_each(|program| drop(program.process.stdin.take()));
        self.0.iter_mut().map(Program::finish).collect()
    }
}

impl Program {
    fn start(name: &'static str, watched: &Watched) -> Program {
        let owners: Vec<String> = (0..OWNERS).map(|owner| format!("{name}:{owner}")).collect();
        let task = json!({"name": NAME, "ports": watched.sentinel_ports(), "owners": owners});
        let mut process = programs::command("clients/sentinel", name)
            .arg(task.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} could not be started: {error}"));
        let acknowledged = Arc::default();
        let (output, counter) = (process.stdout.take().expect("the output is piped"), Arc::clone(&acknowledged));
        let reader = thread::spawn(move || read(output, &counter));
        Program { name, process, acknowledged, reader }
    }

    fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::Relaxed)
    }

    fn finish(&mut self) -> Vec<Operation> {
        let status = await_that(&format!("the end of {}", self.name), || self.process.try_wait().unwrap());
        let reader = mem::replace(&mut self.reader, thread::spawn(String::new));
        let output = reader.join().expect("a program prints UTF-8");
        assert!(status.success(), "{} failed ({status}; its errors are above)", self.name);
        let unexpected: Vec<&str> = output.lines().filter(|line| line.starts_with("unexpected ")).collect();
        assert!(unexpected.is_empty(), "{}: {unexpected:?}", self.name);
        history::parse(&output)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // An error here means that the program has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Reads all output of a program, and counts its acknowledged operations meanwhile.
fn read(output: ChildStdout, acknowledged: &AtomicUsize) -> String {
    let mut text = String::new();
    for line in BufReader::new(output).lines() {
        let line = line.expect("a program prints UTF-8");
        let has_reply = line.contains(r#""ok""#) || line.contains(r#""null""#);
        if line.starts_with('{') && has_reply && !line.contains(r#""connect""#) {
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

//! Runs the programs of `tests/interop` (other JWT libraries) and `tests/clients` (client libraries), with JSON as input and
//! output.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

use serde_json::Value;

use crate::support::PATIENCE;

/// Runs a program of `tests/interop` with `task` as its only argument and returns the JSON that it prints.
///
/// # Panics
/// If the program or its libraries are missing, or if it fails, does not end in time or prints something else.
pub(crate) fn run(program: &str, task: &Value) -> Value {
    let mut child = command("interop", program)
        .arg(task.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program} could not be started: {error}"));
    let Some(printed) = output_in_time(&mut child) else {
        child.kill().expect("an overdue program can be killed");
        child.wait().expect("a killed program ends");
        panic!("{program} did not end within {PATIENCE:?}: {task}");
    };
    let status = child.wait().expect("a program that closed its output ends");
    assert!(status.success(), "{program} failed ({status}; its output is above): {task}");
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{program} did not print JSON ({error}): {printed}"))
}

/// All output of the program, or nothing if the program does not end in time.
fn output_in_time(child: &mut Child) -> Option<String> {
    let mut output = child.stdout.take().expect("the output is piped");
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut printed = String::new();
        output.read_to_string(&mut printed).expect("a program prints UTF-8");
        // An error here means that the program ended too late and the receiver is gone.
        let _ = sender.send(printed);
    });
    receiver.recv_timeout(PATIENCE).ok()
}

/// A program in a folder of `tests`. The libraries of Node are in this folder or in the one that contains it.
pub(crate) fn command(folder: &str, program: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("tests").join(folder);
    let (interpreter, installed) = if program.ends_with(".py") {
        let python = root.join("target/venv/bin/python");
        (python.clone(), python)
    } else {
        let places = folder.ancestors().take(2).map(|folder| folder.join("node_modules"));
        (PathBuf::from("node"), places.into_iter().find(|place| place.exists()).unwrap_or(folder.join("node_modules")))
    };
    assert!(installed.exists(), "{} is missing: scripts/test installs what this test needs", installed.display());
    // setpriv makes the kernel kill the program when the thread of the test ends, also if the test is killed.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(interpreter);
    // Python would leave its compiled modules in the source folder.
    command.arg(folder.join(program)).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

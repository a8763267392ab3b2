//! The tables of docs/performance.md and the captions are what `scripts/bench --tables` makes of docs/results.json.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

/// The files of the repository that the tables and pictures are made from, and the documents that have them.
const FILES: [&str; 8] = [
    "ARCHITECTURE.md",
    "Cargo.toml",
    "README.md",
    "docs/operations.md",
    "docs/performance.md",
    "docs/results.json",
    "scripts/bench",
    "src/lib.rs",
];
const FOLDERS: [&str; 3] = ["scripts/benchmarks", "scripts/plotting", "docs/pictures"];

#[test]
fn the_tables_are_those_of_the_results() {
    let (success, text) = output(Command::new(root().join("scripts/bench")).args(["--tables", "--check"]));
    assert!(success && text.is_empty(), "{text}");
}

#[test]
fn an_edit_of_a_table_or_of_the_results_is_noticed() {
    for (file, before, after) in [
        ("docs/performance.md", "| -P 32 | ", "| -P 32 | 9"),
        ("docs/performance.md", "\nMeasured on ", "\nMeasured on 1"),
        ("docs/results.json", "\"jrs_rate\": ", "\"jrs_rate\": 9"),
        ("docs/results.json", "\"page\": \"reads\"", "\"page\": \"writes\""),
    ] {
        let copy = copy();
        edit(copy.path(), file, before, after);
        let (success, text) = output(Command::new(copy.path().join("scripts/bench")).args(["--tables", "--check"]));
        assert!(!success && text.contains("performance.md is not what"), "{before}: {text}");
        // Made again, it is current.
        assert!(output(Command::new(copy.path().join("scripts/bench")).arg("--tables")).0);
        let (success, text) = output(Command::new(copy.path().join("scripts/bench")).args(["--tables", "--check"]));
        assert!(success, "{text}");
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether a program ends well, and what it prints.
pub fn output(command: &mut Command) -> (bool, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

/// A copy of what the tables and pictures are made from.
pub fn copy() -> TempDir {
    let copy = TempDir::new().unwrap();
    let listed = FOLDERS.iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let listed = listed.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    for file in listed.chain(FILES.iter().map(|file| root().join(file))) {
        let target = copy.path().join(file.strip_prefix(root()).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(file, target).unwrap();
    }
    copy
}

/// Replaces the first such text of a file.
pub fn edit(folder: &Path, file: &str, before: &str, after: &str) {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(before), "{file} has no {before}");
    fs::write(path, text.replacen(before, after, 1)).unwrap();
}

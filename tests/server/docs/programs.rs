//! The programs in scripts/ refuse wrong arguments and missing tools at once, with a sentence, and change nothing.

use std::{fs, process::Command};

use tempfile::TempDir;

use super::results::{output, root};

/// What a program prints that must fail, in another folder than that of the repository.
fn refused(program: &str, words: &[&str], variable: (&str, &str)) -> String {
    let folder = TempDir::new().unwrap();
    let command = &mut Command::new(root().join("scripts").join(program));
    let (success, text) = output(command.args(words).env(variable.0, variable.1).current_dir(&folder));
    assert!(!success && !text.contains("Traceback"), "{program} {words:?}: {text}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{program} {words:?}");
    text.lines().last().unwrap_or_default().to_owned()
}

#[test]
fn wrong_arguments_are_refused_before_anything_is_measured() {
    for (program, words, reason) in [
        ("bench", &["--no-build", "--results", "no/such/file"][..], "there is no folder no/such"),
        ("bench", &["--tables", "--results", "file"], "--tables writes what docs/results.json has"),
        ("bench", &["--rounds", "0"], "--rounds must be at least 1"),
        ("soak", &["1", "--report", "no/such/file"], "there is no folder no/such"),
        ("soak", &["1", "--no-build", "--module", "no.so"], "no.so"),
        ("soak", &["nan"], "HOURS must be more than 0"),
        ("soak", &[], "give either HOURS or --quick"),
        ("site", &["--chekc"], ""),
        ("version", &["1.0"], ""),
    ] {
        let text = refused(program, words, ("LC_ALL", "C.UTF-8"));
        assert!(text.contains(reason), "{program} {words:?}: {text}");
    }
}

#[test]
fn a_missing_server_is_named() {
    let module = root().join("Cargo.toml"); // any file: no server loads it
    let words = ["--quick", "--no-build", "--module", module.to_str().unwrap()];
    let text = refused("soak", &words, ("JRS_TEST_SERVER", "no-such-server"));
    assert_eq!(text, "soak: there is no no-such-server: install redis-server, or name another with JRS_TEST_SERVER");
}

#[test]
fn a_version_is_set_in_all_files_or_in_none() {
    let copy = TempDir::new().unwrap();
    let put = |file: &str, text: &str| {
        let target = copy.path().join(file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, text).unwrap();
    };
    fs::create_dir(copy.path().join("scripts")).unwrap();
    fs::copy(root().join("scripts/version"), copy.path().join("scripts/version")).unwrap();
    let program = fs::read_to_string(root().join("scripts/version")).unwrap();
    let rows = program.lines().filter_map(|line| line.strip_prefix("    (\"")?.split_once("\", "));
    let mut files: Vec<_> = rows.map(|(file, _)| file).collect();
    files.dedup();
    assert!(files.len() > 10, "{files:?}");
    for file in &files {
        put(file, &fs::read_to_string(root().join(file)).unwrap());
    }
    let last = files.last().unwrap();
    put(last, "no version");
    let manifest = || fs::read_to_string(copy.path().join("Cargo.toml")).unwrap();
    let before = manifest();

    let set = || output(Command::new(copy.path().join("scripts/version")).arg("97.98.99"));
    let (success, text) = set();
    assert!(!success && text.contains(last), "{text}");
    assert_eq!(manifest(), before);

    put(last, &fs::read_to_string(root().join(last)).unwrap());
    assert!(set().0);
    assert!(manifest().contains("version = \"97.98.99\""));
}

//! The key that a server without a key file generates, and its file.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::Path,
};

use redis::Value;
use tempfile::TempDir;

use crate::support::{
    Builder, Server,
    sessions::{create, exec, get, refusal, send},
    tokens::{SECRET, header},
};

/// The file of the generated key.
const FILE: &str = "jrs-keys.json";

/// A server with this working folder, which may have files.
fn in_folder(folder: &Path) -> Builder {
    Server::builder().config("dir", folder.to_str().unwrap())
}

#[test]
fn the_generated_key_survives_a_restart_and_has_mode_600() {
    let mut server = Server::builder().config("appendonly", "yes").config("appendfsync", "always").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let file = server.dir().join(FILE);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let generated = fs::read_to_string(&file).unwrap();
    let set: serde_json::Value = serde_json::from_str(&generated).unwrap();
    assert_eq!(set["keys"].as_array().unwrap().len(), 1);
    let (kid, secret) = (&set["keys"][0]["kid"], set["keys"][0]["k"].as_str().unwrap());
    assert_eq!(header(&token), serde_json::json!({"alg": "HS256", "typ": "JWT", "kid": kid}));
    assert_eq!(secret.len(), 43, "32 bytes in base64url");

    exec(conn, &["JRS.RELOAD"]);
    assert!(get(conn, &token).is_some());
    server.stop();
    server.restart();
    assert_eq!(get(&mut server.conn(), &token).expect("a session").owner, "ada");
    server.kill();
    server.restart();
    assert_eq!(get(&mut server.conn(), &token).expect("a session").owner, "ada");
    assert_eq!(fs::read_to_string(&file).unwrap(), generated);
    assert!(!server.log().contains(secret));
    assert!(!file.with_file_name("jrs-keys.json.new").exists());

    let other = Server::start();
    assert_eq!(refusal(&mut other.conn(), &token), "BADTOKEN", "each server generates its own key");
}

#[test]
fn a_missing_file_is_not_replaced_while_the_server_runs() {
    let mut server = Server::start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let (file, away) = (server.dir().join(FILE), server.dir().join("away.json"));
    fs::rename(&file, &away).unwrap();
    for words in [&["JRS.RELOAD"][..], &["CONFIG", "SET", "jrs.algorithm", "HS512"]] {
        let error = send::<Value>(conn, words).expect_err("the file is missing");
        assert!(error.detail().unwrap().contains(FILE) && error.detail().unwrap().contains("restore it"), "{error}");
        assert!(get(conn, &token).is_some() && !file.exists(), "{words:?}");
    }
    fs::rename(&away, &file).unwrap();
    exec(conn, &["JRS.RELOAD"]);
    assert!(get(conn, &token).is_some());

    // A restart without the file generates a new key.
    fs::remove_file(&file).unwrap();
    server.stop();
    server.restart();
    assert_eq!(refusal(&mut server.conn(), &token), "BADTOKEN");
}

#[test]
fn a_server_with_a_keys_file_generates_no_key() {
    let server = Server::builder().keys(SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    create(conn, "ada", "{}", &[]);
    assert!(!server.dir().join(FILE).exists());

    exec(conn, &["CONFIG", "SET", "jrs.keys-file", ""]);
    assert!(server.dir().join(FILE).exists());
    assert_ne!(header(&create(conn, "ada", "{}", &[]))["kid"], serde_json::Value::Null);
}

#[test]
fn an_unusable_file_stops_the_start() {
    /// A text in the log, and what is wrong in the folder.
    type Obstacle = (&'static str, fn(&Path));
    let obstacles: [Obstacle; 5] = [
        ("cannot create", |dir| fs::create_dir_all(dir.join("jrs-keys.json.new/content")).unwrap()),
        ("not a regular file", |dir| fs::create_dir(dir.join(FILE)).unwrap()),
        ("cannot be read", |dir| symlink("nowhere", dir.join(FILE)).unwrap()),
        ("is refused", |dir| fs::write(dir.join(FILE), "{\"keys\":[").unwrap()),
        ("is refused", |dir| fs::write(dir.join(FILE), "").unwrap()),
    ];
    for (problem, prepare) in obstacles {
        let folder = TempDir::new().unwrap();
        prepare(folder.path());
        let before = fs::symlink_metadata(folder.path().join(FILE)).map(|file| (file.ino(), file.len()));
        let Err(log) = in_folder(folder.path()).try_start() else { panic!("the server started: {problem}") };
        let explains = |line: &str| line.contains("<jrs> not loaded") && line.contains(FILE) && line.contains(problem);
        assert!(log.lines().any(explains), "{problem}:\n{log}");
        let after = fs::symlink_metadata(folder.path().join(FILE)).map(|file| (file.ino(), file.len()));
        assert_eq!(after.ok(), before.ok(), "the file is not changed");
    }
}

#[test]
fn a_leftover_temporary_file_is_replaced() {
    let folder = TempDir::new().unwrap();
    let victim = folder.path().join("victim");
    fs::write(&victim, "as it was").unwrap();
    symlink(&victim, folder.path().join("jrs-keys.json.new")).unwrap();
    let server = in_folder(folder.path()).start();
    create(&mut server.conn(), "ada", "{}", &[]);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "as it was");
    let generated = fs::symlink_metadata(folder.path().join(FILE)).unwrap();
    assert!(generated.is_file() && generated.permissions().mode() & 0o777 == 0o600);
}

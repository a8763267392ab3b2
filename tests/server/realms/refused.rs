//! Realms that are refused: at the start they stop the server, later all active realms stay.

use std::{fs, path::Path};

use redis::{Connection, Value};
use tempfile::TempDir;

use crate::support::{
    Builder, Server,
    sessions::{create, exec, get, refusal, send},
    tokens::{SECRET, header, jwk},
};

/// The secret of the default realm's key without a kid.
const OTHER: &str = "another secret, of 32 bytes: 161803";

/// Realms files with a mistake, and texts of the error. DIR is the folder of the key files. The default realm has the
/// keyspace `sess:`, a key with the kid `main` and a key without one.
const BAD: [(&str, &[&str]); 29] = [
    (
        "[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'sess:'\n",
        &["line 1", "'default'", "'a'", "overlapping keyspaces"],
    ),
    (
        "[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'sess:a:'\n",
        &["line 1", "'default'", "'a'", "overlapping keyspaces"],
    ),
    (
        "[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'se'\n",
        &["line 1", "'default'", "'a'", "overlapping keyspaces"],
    ),
    (
        "[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'x:'\n[realm.b]\nkeys-file = 'DIR/b.json'\nkeyspace = 'x:y:'\n",
        &["line 4", "'a'", "'b'", "overlapping keyspaces"],
    ),
    ("[realm.a]\nkeys-file = 'DIR/main.json'\nkeyspace = 'a:'\n", &["line 1", "'default'", "'a'", "'main'"]),
    (
        "[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'a:'\n[realm.b]\nkeys-file = 'DIR/a.json'\nkeyspace = 'b:'\n",
        &["line 4", "realms 'a' and 'b'", "kid 'a'"],
    ),
    ("[realm.a]\nkeys-file = 'DIR/raw'\nkeyspace = 'a:'\n", &["line 1", "'default'", "'a'", "without kid"]),
    ("[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'a:'\nmax-ago = 1\n", &["line 4", "'max-ago'"]),
    ("[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'a:'\nmax-age = '1h'\n", &["line 4", "'max-age'", "an integer"]),
    ("[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'a:'\nmax-age = [1]\n", &["line 4", "'max-age'", "type"]),
    ("[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'a:'\nmax-age = 0\n", &["line 4", "'max-age'", "between 1"]),
    ("[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'a:'\nleeway = 301\n", &["line 4", "'leeway'", "between 0"]),
    ("[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 7\n", &["line 3", "'keyspace'", "type"]),
    ("[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'a{b'\n", &["line 3", "'keyspace'", "braces"]),
    ("[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = ''\n", &["line 3", "'keyspace'", "1 to 64"]),
    ("[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'eyes:'\n", &["line 3", "'keyspace'", "'ey'"]),
    (
        "[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'a:'\ncrypto-queue = 9\n",
        &["line 4", "'crypto-queue'", "server"],
    ),
    (
        "[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'a:'\nCrypto-Threads = 8\n",
        &["line 4", "'Crypto-Threads'", "server"],
    ),
    ("\n[realm.a]\nkeyspace = 'a:'\n", &["line 2", "'a'", "'keys-file'"]),
    ("\n\n[realm.a]\nkeys-file = 'DIR/a.json'\n", &["line 3", "'a'", "'keyspace'"]),
    ("[realm.default]\nkeys-file = 'DIR/a.json'\nkeyspace = 'a:'\n", &["line 1", "'default'"]),
    ("[realm.'a b']\nkeys-file = 'DIR/a.json'\nkeyspace = 'a:'\n", &["line 1", "realm's name"]),
    ("[realm.stats_a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'a:'\n", &["line 1", "'stats_'"]),
    ("[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = \n", &["line 3"]),
    ("[realm.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'a:'\n[realm.a]\n", &["line 4"]),
    ("[realms.a]\nkeys-file = 'DIR/a.json'\nkeyspace = 'a:'\n", &["line 1", "unknown field"]),
    (
        "[realm.a]\nkeys-file = 'DIR/none'\nkeyspace = 'a:'\n",
        &["line 1", "'a'", "the key file cannot be read: no such file"],
    ),
    // A secret in place of the path of its file.
    ("[realm.a]\nkeys-file = 'hidden'\nkeyspace = 'a:'\n", &["line 1", "'a'", "the key file cannot be read"]),
    ("[realm.a]\nkeys-file = 'DIR/broken.json'\nkeyspace = 'a:'\n", &["line 1", "'a'", "DIR/broken.json", "refused"]),
];

/// The key file of the default realm: a key with a kid, and a key without one.
fn main_keys() -> String {
    let mut without_kid = jwk("", "HS256", OTHER.as_bytes());
    without_kid.as_object_mut().unwrap().remove("kid");
    serde_json::json!({"keys": [jwk("main", "HS256", SECRET.as_bytes()), without_kid]}).to_string()
}

/// A folder of key files.
fn key_files() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["main", "a", "b", "c"] {
        let key = jwk(name, "HS256", format!("{name}: a secret of 32 bytes and more").as_bytes());
        fs::write(dir.path().join(format!("{name}.json")), key.to_string()).unwrap();
    }
    fs::write(dir.path().join("raw"), "a raw secret of 32 bytes and more").unwrap();
    fs::write(dir.path().join("broken.json"), r#"{"kty":"oct","kid":"a","k":"hidden"}"#).unwrap();
    dir
}

fn builder(realms_file: &Path) -> Builder {
    Server::builder().keys(main_keys().as_bytes()).arg("realms-file", realms_file.to_str().unwrap())
}

/// Checks that an error or log has these texts and no secret.
fn assert_says(text: &str, reasons: &[&str], dir: &Path, file: &str) {
    for reason in reasons {
        assert!(text.contains(&reason.replace("DIR", dir.to_str().unwrap())), "{file}\n{reason}: {text}");
    }
    assert!(!text.contains("hidden"), "the text has a secret: {text}");
}

fn problem(conn: &mut Connection, words: &[&str]) -> String {
    let error = send::<Value>(conn, words).expect_err("a refusal");
    assert_eq!(error.code(), Some("ERR"), "{error}");
    error.detail().unwrap_or_default().to_owned()
}

#[test]
fn a_bad_realms_file_stops_the_start() {
    let keys = key_files();
    let path = keys.path().join("realms.toml");
    for (file, reasons) in BAD {
        fs::write(&path, file.replace("DIR", keys.path().to_str().unwrap())).unwrap();
        let Err(log) = builder(&path).try_start() else { panic!("the server started with {file}") };
        let line = log.lines().find(|line| line.contains("not loaded")).unwrap_or_else(|| panic!("{log}"));
        assert_says(line, reasons, keys.path(), file);
        assert!(!log.contains("REDIS BUG REPORT") && !log.contains("panicked"), "{log}");
    }
    let Err(log) = builder(&keys.path().join("none.toml")).try_start() else { panic!("the server started") };
    assert!(log.contains("none.toml") && log.contains("no such file"), "{log}");
}

#[test]
fn a_reload_refuses_a_bad_realms_file_and_keeps_the_active_realms() {
    let keys = key_files();
    let [path, bad] = ["realms.toml", "bad.toml"].map(|name| keys.path().join(name));
    let good = "[realm.c]\nkeys-file = 'DIR/c.json'\nkeyspace = 'c:'\nmax-age = 600\n"
        .replace("DIR", keys.path().to_str().unwrap());
    fs::write(&path, &good).unwrap();
    let server = builder(&path).start();
    let conn = &mut server.conn();
    let tokens = ["default", "c"].map(|realm| create(conn, "ada", "{}", &["REALM", realm]));
    let active: Value = send(conn, &["JRS.REALMS"]).unwrap();
    for (file, reasons) in BAD {
        let text = file.replace("DIR", keys.path().to_str().unwrap());
        fs::write(&bad, &text).unwrap();
        let change = ["CONFIG", "SET", "jrs.max-age", "50", "jrs.realms-file", bad.to_str().unwrap()];
        assert_says(&problem(conn, &change), reasons, keys.path(), file);
        fs::write(&path, &text).unwrap();
        assert_says(&problem(conn, &["JRS.RELOAD"]), reasons, keys.path(), file);
        let [_, shown]: [String; 2] = send(conn, &["CONFIG", "GET", "jrs.realms-file"]).unwrap();
        assert_eq!(shown, path.to_str().unwrap());
        assert_eq!(send::<Value>(conn, &["JRS.REALMS"]).unwrap(), active, "{file}");
        assert!(tokens.iter().all(|token| get(conn, token).is_some()), "{file}");
        create(conn, "ada", "{}", &["REALM", "c"]);
    }
    // A change of another setting does not read the files. A repaired file is accepted.
    exec(conn, &["CONFIG", "SET", "jrs.leeway", "1"]);
    assert!(tokens.iter().all(|token| get(conn, token).is_some()));
    fs::write(&path, &good).unwrap();
    exec(conn, &["JRS.RELOAD"]);
    exec(conn, &["CONFIG", "SET", "jrs.realms-file", ""]);
    assert_eq!((get(conn, &tokens[0]).is_some(), refusal(conn, &tokens[1])), (true, "BADTOKEN".to_owned()));
}

#[test]
fn one_bad_file_of_several_refuses_all() {
    let keys = key_files();
    let path = keys.path().join("realms.toml");
    let realm = |name: &str| format!("[realm.{name}]\nkeys-file = 'DIR/{name}.json'\nkeyspace = '{name}:'\n");
    let good = [realm("a"), realm("b")].concat().replace("DIR", keys.path().to_str().unwrap());
    fs::write(&path, good).unwrap();
    let server = builder(&path).start();
    let conn = &mut server.conn();
    let new =
        |name: &str| jwk(&format!("{name}2"), "HS256", format!("{name}: a new secret of 32 bytes and more").as_bytes());
    let default_keys = server.dir().join("keys");
    let files = [default_keys, keys.path().join("a.json"), keys.path().join("b.json")];
    let tokens = ["default", "a", "b"].map(|realm| create(conn, "ada", "{}", &["REALM", realm]));
    for broken in 0..3 {
        let old = files.each_ref().map(|file| fs::read(file).unwrap());
        for (number, file) in files.iter().enumerate() {
            let text = if number == broken { "{".to_owned() } else { new(&number.to_string()).to_string() };
            fs::write(file, text).unwrap();
        }
        let problem = problem(conn, &["JRS.RELOAD"]);
        assert!(problem.contains(files[broken].to_str().unwrap()), "{problem}");
        assert!(tokens.iter().all(|token| get(conn, token).is_some()), "{broken}");
        for (realm, kid) in [("default", "main"), ("a", "a"), ("b", "b")] {
            assert_eq!(header(&create(conn, "ada", "{}", &["REALM", realm]))["kid"], kid, "{realm}, {broken}");
        }
        for (file, old) in files.iter().zip(old) {
            fs::write(file, old).unwrap();
        }
    }
    // Settings of the default realm that conflict with another realm.
    assert!(problem(conn, &["CONFIG", "SET", "jrs.keyspace", "a:b:"]).contains("overlapping"));
    let key = keys.path().join("b.json");
    assert!(problem(conn, &["CONFIG", "SET", "jrs.keys-file", key.to_str().unwrap()]).contains("kid 'b'"));
    assert!(tokens.iter().all(|token| get(conn, token).is_some()));
}

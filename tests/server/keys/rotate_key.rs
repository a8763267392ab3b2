//! JRS.ROTATEKEY: a new key signs, old keys verify as long as their tokens can live, and an error changes nothing.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use redis::{Connection, Value};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use crate::support::{
    Server,
    owner_sessions::info,
    sessions::{create, exec, get, millis, refused, send},
    tokens::{SECRET, header, jwk},
};

pub(super) const ROTATE: [&str; 1] = ["JRS.ROTATEKEY"];

pub(super) fn file(server: &Server) -> PathBuf {
    server.dir().join("jrs-keys.json")
}

/// The keys in the file.
pub(super) fn set(server: &Server) -> Vec<serde_json::Value> {
    let set: serde_json::Value = serde_json::from_slice(&fs::read(file(server)).unwrap()).unwrap();
    set["keys"].as_array().unwrap().clone()
}

pub(super) fn kids(server: &Server) -> Vec<String> {
    set(server).iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The ids of the active keys.
pub(super) fn active(conn: &mut Connection) -> Vec<String> {
    let info: String = send(conn, &["INFO", "jrs"]).unwrap();
    let realm = info.lines().find(|line| line.starts_with("jrs_realm_default:")).unwrap();
    realm.split_once("keys=").unwrap().1.split('|').map(str::to_owned).collect()
}

pub(super) fn rotate(conn: &mut Connection) -> String {
    send(conn, &ROTATE).unwrap()
}

/// Checks that the command is refused with this word and these texts, and that the file and the keys stay.
#[track_caller]
fn assert_fails(server: &Server, words: &[&str], word: &str, texts: &[&str]) {
    let conn = &mut server.conn();
    let state = |conn: &mut Connection| {
        (fs::read(file(server)).ok(), fs::symlink_metadata(file(server)).ok().map(|file| file.ino()), active(conn))
    };
    let before = state(conn);
    let error = send::<Value>(conn, words).expect_err("refused");
    assert_eq!(error.code(), Some(word), "{error}");
    let text = error.to_string();
    assert!(texts.iter().all(|part| text.contains(part)) && text.is_ascii(), "{text}");
    assert_eq!(state(conn), before, "{text}");
    assert!(!Path::new(&server.dir().join("jrs-keys.json.new")).is_file(), "{text}");
}

#[test]
fn a_new_key_signs_and_old_tokens_stay_valid() {
    let mut server = Server::builder().config("appendonly", "yes").config("appendfsync", "always").start();
    let conn = &mut server.conn();
    let old = create(conn, "ada", "{}", &[]);
    let first = kids(&server);
    let before = millis() / 1000;
    let kid = rotate(conn);
    assert_eq!(kids(&server), [kid.clone(), first[0].clone()]);
    assert_eq!(active(conn), kids(&server));
    let new = create(conn, "bob", "{}", &[]);
    assert_eq!(header(&new)["kid"], *kid);
    assert!(get(conn, &old).is_some() && get(conn, &new).is_some());
    // A rotated session gets a token of the new key.
    assert_eq!(header(&send::<String>(conn, &["JRS.ROTATE", &old]).unwrap())["kid"], *kid);
    assert_eq!(fs::metadata(file(&server)).unwrap().permissions().mode() & 0o777, 0o600);
    let keys = set(&server);
    let span = before..=millis() / 1000 + 1;
    assert!(span.contains(&keys[0]["iat"].as_i64().unwrap()) && keys[0].get("jrs_retired_at").is_none());
    assert!(span.contains(&keys[1]["jrs_retired_at"].as_i64().unwrap()), "{span:?}");
    assert!(info(conn, "jrs_keys", "jrs_signing_key_age_default") < 60);
    exec(conn, &["JRS.RELOAD"]);
    assert_eq!(active(conn), kids(&server));
    server.kill();
    server.restart();
    let conn = &mut server.conn();
    assert_eq!(active(conn), kids(&server));
    assert_eq!(get(conn, &new).expect("a session").owner, "bob");
    let again: String = send(conn, &["jrs.rotatekey", "realm", "default"]).unwrap();
    assert_eq!(kids(&server), [again.clone(), kid.clone(), first[0].clone()]);
    let log = server.log();
    assert!(log.contains(&format!("rotated the signing key: '{again}' signs now, and '{kid}' still verifies")));
    let secrets: Vec<_> = set(&server).iter().map(|key| key["k"].as_str().unwrap().to_owned()).collect();
    let slowlog = format!("{:?}", send::<Value>(conn, &["SLOWLOG", "GET", "-1"]).unwrap());
    assert!(secrets.iter().all(|secret| !log.contains(secret) && !slowlog.contains(secret)));
    // In a transaction, but not in a script, which may be read-only.
    exec(conn, &["MULTI"]);
    exec(conn, &ROTATE);
    exec(conn, &["JRS.CREATE", "eve", "{}"]);
    let (kid, token): (String, String) = send(conn, &["EXEC"]).unwrap();
    assert_eq!(header(&token)["kid"], *kid);
    let kids_before = kids(&server);
    for eval in ["EVAL", "EVAL_RO"] {
        let reply = send::<Value>(conn, &[eval, "return redis.call('JRS.ROTATEKEY')", "0"]);
        assert!(reply.expect_err("refused").to_string().contains("not allowed from script"));
    }
    let library = "#!lua name=l\nredis.register_function{function_name='f', flags={'no-writes'}, \
                   callback=function() return redis.call('JRS.ROTATEKEY') end}";
    exec(conn, &["FUNCTION", "LOAD", library]);
    send::<Value>(conn, &["FCALL_RO", "f", "0"]).expect_err("refused");
    assert_eq!((kids(&server), active(conn)), (kids_before.clone(), kids_before));
}

#[test]
fn a_key_file_of_the_operator_is_not_changed() {
    let server = Server::builder().keys(jwk("a", "HS256", SECRET.as_bytes()).to_string().as_bytes()).start();
    let conn = &mut server.conn();
    let texts = ["keys-file", "JRS.RELOAD", "first"];
    assert_fails(&server, &ROTATE, "ERR", &texts);
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", ""]);
    fs::write(server.dir().join("realms.toml"), "[realm.shop]\nkeys-file = 'keys'\nkeyspace = 'shop:'\n").unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.realms-file", "realms.toml"]);
    assert_fails(&server, &["JRS.ROTATEKEY", "REALM", "shop"], "ERR", &texts);
    assert_fails(&server, &["JRS.ROTATEKEY", "REALM", "none"], "ERR", &["no realm"]);
    for words in
        [&["JRS.ROTATEKEY", "REALM"][..], &["JRS.ROTATEKEY", "now"], &["JRS.ROTATEKEY", "REALM", "a", "REALM", "a"]]
    {
        assert_fails(&server, words, "ERR", &["syntax"]);
    }
    rotate(conn);
    assert!(create(conn, "ada", "{}", &["REALM", "shop"]).len() > 9);
    // A file that is in use by its name belongs to the operator too.
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", "jrs-keys.json"]);
    assert_fails(&server, &ROTATE, "ERR", &texts);
}

#[test]
fn a_server_without_a_generated_key_replies_nokeys() {
    let replica =
        Server::builder().config("replicaof", "127.0.0.1 1").config("replica-serve-stale-data", "yes").start();
    assert_fails(&replica, &ROTATE, "NOKEYS", &["jrs.keys-file"]);
    let node = Server::builder().config("cluster-enabled", "yes").start();
    assert_fails(&node, &ROTATE, "NOKEYS", &["jrs.keys-file"]);
    let mut failed_over = Server::start();
    let conn = &mut failed_over.conn();
    let kid = rotate(conn);
    exec(conn, &["REPLICAOF", "127.0.0.1", "1"]);
    exec(conn, &["REPLICAOF", "NO", "ONE"]);
    assert_fails(&failed_over, &ROTATE, "NOKEYS", &["jrs.keys-file"]);
    failed_over.stop();
    failed_over.restart();
    assert_fails(&failed_over, &ROTATE, "NOKEYS", &["jrs-keys.json.retired"]);
    // The retired file has all keys.
    fs::rename(failed_over.dir().join("jrs-keys.json.retired"), file(&failed_over)).unwrap();
    let conn = &mut failed_over.conn();
    exec(conn, &["JRS.RELOAD"]);
    assert_eq!((active(conn)[0].clone(), active(conn).len()), (kid, 2));
}

#[test]
fn an_error_changes_nothing() {
    let server = Server::builder().launcher(&["env", "--ignore-signal=XFSZ"]).start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let (path, away) = (file(&server), server.dir().join("away"));
    let good = fs::read_to_string(&path).unwrap();
    for bad in ["", "{", SECRET, "{\"keys\":[]}x", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}]}"] {
        fs::write(&path, bad).unwrap();
        assert_fails(&server, &ROTATE, "ERR", &["jrs-keys.json"]);
    }
    fs::rename(&path, &away).unwrap();
    assert_fails(&server, &ROTATE, "ERR", &["no such file"]);
    fs::write(&away, &good).unwrap();
    symlink(&away, &path).unwrap();
    assert_fails(&server, &ROTATE, "ERR", &["symbolic link", "jrs.keys-file"]);
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_fails(&server, &ROTATE, "ERR", &["jrs-keys.json"]);
    fs::remove_dir(&path).unwrap();
    fs::rename(&away, &path).unwrap();
    // A folder in the place of the new file.
    let unfinished = server.dir().join("jrs-keys.json.new");
    fs::create_dir_all(unfinished.join("content")).unwrap();
    assert_fails(&server, &ROTATE, "ERR", &["cannot write jrs-keys.json.new"]);
    fs::remove_dir_all(&unfinished).unwrap();
    // A full disk.
    let process = Pid::from_raw(i32::try_from(info(conn, "server", "process_id")).unwrap());
    let limit = |current| prlimit(process, Resource::Fsize, Rlimit { current, maximum: None }).unwrap();
    limit(Some(100));
    assert_fails(&server, &ROTATE, "ERR", &["cannot write jrs-keys.json.new"]);
    limit(None);
    // A foreign key with the id of a key that the operator has added, but not loaded.
    fs::write(server.dir().join("idp"), jwk("idp", "HS256", SECRET.as_bytes()).to_string()).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.foreign-keys-file", "idp", "jrs.foreign-issuer", "idp"]);
    let mut same: serde_json::Value = serde_json::from_str(&good).unwrap();
    same["keys"].as_array_mut().unwrap().push(jwk("idp", "HS256", format!("{SECRET}2").as_bytes()));
    fs::write(&path, same.to_string()).unwrap();
    assert_fails(&server, &ROTATE, "ERR", &["same kid"]);
    fs::write(&path, good).unwrap();
    assert!(get(conn, &token).is_some());
    // A link that an attacker put in the place of the new file is not followed.
    symlink(&away, &unfinished).unwrap();
    rotate(conn);
    assert!(get(conn, &token).is_some() && !away.exists());
}

#[test]
fn keys_that_the_operator_added_stay() {
    let server = Server::start();
    let conn = &mut server.conn();
    let mut old: serde_json::Value = serde_json::from_slice(&fs::read(file(&server)).unwrap()).unwrap();
    let own = old["keys"][0].clone();
    let mut added = jwk("added", "HS256", SECRET.as_bytes());
    added["note"] = json!({"by": ["ops"]});
    old["keys"] = json!([own, added, {"kty": "future", "x": 1}]);
    old["about"] = json!("ours");
    fs::write(file(&server), old.to_string()).unwrap();
    let kid = rotate(conn);
    let keys = set(&server);
    assert_eq!((&keys[0]["kid"], &keys[2], &keys[3]), (&json!(kid), &added, &json!({"kty": "future", "x": 1})));
    assert!(keys[1]["kid"] == own["kid"] && keys[1]["jrs_retired_at"].is_i64() && keys[1]["k"] == own["k"]);
    let all: serde_json::Value = serde_json::from_slice(&fs::read(file(&server)).unwrap()).unwrap();
    assert_eq!(all["about"], "ours");
    // Not the file's key signed until now, but the active one.
    fs::write(file(&server), json!({"keys": [added, keys[0], keys[1]]}).to_string()).unwrap();
    rotate(conn);
    let retired = set(&server).iter().map(|key| key["jrs_retired_at"].is_i64()).collect::<Vec<_>>();
    assert_eq!(retired, [false, true, true, true]);
    // At most 100 keys.
    let many: Vec<_> = (0..100).map(|at| jwk(&format!("k{at}"), "HS256", format!("{at}{SECRET}").as_bytes())).collect();
    fs::write(file(&server), json!({"keys": many[..99]}).to_string()).unwrap();
    rotate(conn);
    assert_eq!(kids(&server).len(), 100);
    assert_fails(&server, &ROTATE, "ERR", &["100 keys", "max-lifetime", "JRS.RELOAD"]);
}

#[test]
fn a_user_needs_permission_to_rotate() {
    let server = Server::start();
    let conn = &mut server.conn();
    exec(conn, &["ACL", "SETUSER", "app", "on", "nopass", "~*", "+@all", "-jrs.rotatekey"]);
    exec(conn, &["AUTH", "app", "any"]);
    assert_eq!(refused(conn, &ROTATE), "NOPERM");
    assert_eq!(set(&server).len(), 1);
}

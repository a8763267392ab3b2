//! `keys-reload-interval`: changed files are reloaded, and a file that cannot be read changes nothing.

use std::{fs, os::unix::fs::symlink, path::Path};

use redis::Connection;
use serde_json::json;

use crate::support::{
    Server, await_that,
    owner_sessions::info,
    sessions::{assert_refused, create, exec, get, millis, send},
    tokens::{SECRET, header, jwk},
};

/// A JWK Set of secrets with these ids. The first one signs.
fn set(ids: &[&str]) -> String {
    let jwk = |id: &&str| jwk(id, "HS256", format!("{id}{SECRET}").as_bytes());
    json!({"keys": ids.iter().map(jwk).collect::<Vec<_>>()}).to_string()
}

fn start(interval: &str) -> Server {
    Server::builder().keys(set(&["a"]).as_bytes()).arg("keys-reload-interval", interval).start()
}

fn keys(conn: &mut Connection) -> String {
    let info: String = send(conn, &["INFO", "jrs"]).unwrap();
    let realm = info.lines().find(|line| line.starts_with("jrs_realm_default:")).unwrap();
    realm.split_once("keys=").unwrap().1.to_owned()
}

fn await_keys(conn: &mut Connection, expected: &str) {
    await_that(expected, || (keys(conn) == expected).then_some(()));
}

/// The number of failed reloads, and the status of the last one.
fn failed(conn: &mut Connection) -> (i64, String) {
    let text: String = send(conn, &["INFO", "jrs_keys"]).unwrap();
    let status = text.lines().find_map(|line| line.strip_prefix("jrs_keys_last_reload_status:")).unwrap();
    (info(conn, "jrs_keys", "jrs_keys_reloads_failed"), status.to_owned())
}

fn await_failed(conn: &mut Connection, number: i64) {
    await_that("a failed reload", || (failed(conn) == (number, "err".to_owned())).then_some(()));
}

/// Replaces a file in one step.
fn replace(file: &Path, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, file).unwrap();
}

#[test]
fn a_rewritten_a_replaced_and_a_touched_file_are_reloaded() {
    let server = start("1");
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let file = server.dir().join("keys");
    assert_eq!(info(conn, "jrs_keys", "jrs_keys_last_reload_time"), 0);
    let start = millis() / 1000;
    fs::write(&file, set(&["b", "a"])).unwrap();
    await_keys(conn, "b|a");
    let time = info(conn, "jrs_keys", "jrs_keys_last_reload_time");
    assert!((start..=millis() / 1000).contains(&time), "{time}");
    assert!(info(conn, "jrs_keys", "jrs_keys_reloads") > 0);
    assert_eq!(failed(conn), (0, "ok".to_owned()));
    assert_eq!(header(&create(conn, "ada", "{}", &[]))["kid"], "b");
    assert!(get(conn, &token).is_some());
    replace(&file, &set(&["c", "a"]));
    await_keys(conn, "c|a");
    // The same size and, with the time of the earlier file, also the same time: only its `ctime` tells.
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, set(&["d", "a"])).unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
    await_keys(conn, "d|a");
    assert!(get(conn, &token).is_some());
    assert!(server.log().contains(&format!("reloaded the keys and realms, because '{}' changed", file.display())));
    assert!(!server.log().contains(SECRET));
}

/// A program that replaces a file all the time cannot keep the server from reading it.
#[test]
fn a_file_that_never_stays_the_same_is_reloaded() {
    let server = start("1");
    let conn = &mut server.conn();
    let file = server.dir().join("keys");
    let text = set(&["b", "a"]);
    await_that("the new keys", || {
        replace(&file, &text);
        (keys(conn) == "b|a").then_some(())
    });
    assert_eq!(failed(conn), (0, "ok".to_owned()));
}

/// Kubernetes mounts a secret as `keys -> ..data/keys`, with `..data` a link to a folder. An update renames a new link
/// over `..data`.
#[test]
fn a_swapped_link_is_noticed() {
    let server = start("1");
    let conn = &mut server.conn();
    let dir = server.dir().to_owned();
    let publish = |folder: &str, ids: &[&str]| {
        fs::create_dir(dir.join(folder)).unwrap();
        fs::write(dir.join(folder).join("keys.json"), set(ids)).unwrap();
        symlink(folder, dir.join("..data_tmp")).unwrap();
        fs::rename(dir.join("..data_tmp"), dir.join("..data")).unwrap();
    };
    publish("..1", &["a"]);
    symlink("..data/keys.json", dir.join("mounted.json")).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.keys-file", dir.join("mounted.json").to_str().unwrap()]);
    publish("..2", &["b", "a"]);
    fs::remove_dir_all(dir.join("..1")).unwrap();
    await_keys(conn, "b|a");
    publish("..3", &["c", "b"]);
    await_keys(conn, "c|b");
}

#[test]
fn a_bad_file_changes_nothing_and_is_reported_once() {
    let server = start("1");
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let file = server.dir().join("keys");
    let good = fs::read_to_string(&file).unwrap();
    replace(&file, &good[..good.len() - 9]);
    await_failed(conn, 1);
    assert!(get(conn, &token).is_some() && keys(conn) == "a");
    // A missing file, another bad file and a folder are three more changes.
    fs::remove_file(&file).unwrap();
    await_failed(conn, 2);
    fs::write(&file, "").unwrap();
    await_failed(conn, 3);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    await_failed(conn, 4);
    fs::remove_dir(&file).unwrap();
    fs::write(&file, set(&["b", "a"])).unwrap();
    await_keys(conn, "b|a");
    assert_eq!(failed(conn), (4, "ok".to_owned()));
    let log = server.log();
    let failures = log.lines().filter(|line| line.contains("the reload failed, keeping the active keys and realms"));
    assert_eq!(failures.count(), 4, "{log}");
    assert!(get(conn, &token).is_some() && !log.contains(SECRET));
}

/// A file that a failed reload tried is watched too: the realms file does not change when its key file is mended.
#[test]
fn realms_and_their_files_are_watched() {
    let server = start("1");
    let conn = &mut server.conn();
    let path = |name: &str| server.dir().join(name);
    let realm = |name: &str| format!("[realm.{name}]\nkeys-file = '{name}.json'\nkeyspace = '{name}:'\n");
    let has =
        |conn: &mut Connection, name: &str| send::<String>(conn, &["JRS.CREATE", "ada", "{}", "REALM", name]).ok();
    fs::write(path("shop.json"), set(&["shop"])).unwrap();
    fs::write(path("realms.toml"), realm("shop")).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.realms-file", "realms.toml"]);
    let token = has(conn, "shop").expect("the realm exists");

    fs::write(path("shop.json"), set(&["shop2", "shop"])).unwrap();
    await_that("the realm's new key", || (header(&has(conn, "shop")?)["kid"] == "shop2").then_some(()));
    assert!(get(conn, &token).is_some());

    fs::write(path("admin.json"), "{").unwrap();
    fs::write(path("realms.toml"), realm("shop") + &realm("admin")).unwrap();
    await_failed(conn, 1);
    assert!(has(conn, "admin").is_none() && get(conn, &token).is_some());
    fs::write(path("admin.json"), set(&["admin"])).unwrap();
    await_that("the new realm", || has(conn, "admin"));

    fs::write(path("idp.json"), set(&["idp"])).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.foreign-keys-file", "idp.json", "jrs.foreign-issuer", "idp"]);
    fs::write(path("idp.json"), set(&["a"])).unwrap();
    await_failed(conn, 2);
    fs::write(path("realms.toml"), "").unwrap();
    await_failed(conn, 3);
    fs::write(path("idp.json"), set(&["idp2"])).unwrap();
    await_that("no realms", || has(conn, "shop").is_none().then_some(()));
    assert_eq!(failed(conn), (3, "ok".to_owned()));
}

#[test]
fn an_unchanged_file_is_not_reloaded_and_zero_disables_it() {
    let server = start("0");
    let conn = &mut server.conn();
    let file = server.dir().join("keys");
    fs::write(&file, set(&["b", "a"])).unwrap();
    let cached = |conn: &mut Connection| info(conn, "jrs_tokens", "jrs_token_cache_bytes");
    let token = create(conn, "ada", "{}", &[]);
    let ticks = |conn: &mut Connection| {
        // The files are compared in the server's timer, ten times a second.
        let start = info(conn, "server", "uptime_in_seconds");
        await_that("two seconds", || (info(conn, "server", "uptime_in_seconds") > start + 2).then_some(()));
    };
    ticks(conn);
    assert_eq!(keys(conn), "a");
    // Another setting does not read the files, and does not hide their change.
    exec(conn, &["CONFIG", "SET", "jrs.leeway", "1"]);
    exec(conn, &["CONFIG", "SET", "jrs.keys-reload-interval", "1"]);
    await_keys(conn, "b|a");
    let time = info(conn, "jrs_keys", "jrs_keys_last_reload_time");
    assert!(get(conn, &token).is_some());
    let before = cached(conn);
    ticks(conn);
    assert_eq!((cached(conn), info(conn, "jrs_keys", "jrs_keys_last_reload_time")), (before, time));
    // JRS.RELOAD reads the files now, so that there is nothing left to do later.
    replace(&file, &set(&["c", "a"]));
    exec(conn, &["JRS.RELOAD"]);
    assert_eq!(keys(conn), "c|a");
    replace(&file, "{");
    assert_refused(conn, "ERR", &["JRS.RELOAD"]);
    assert_eq!(failed(conn), (1, "err".to_owned()));
    ticks(conn);
    assert_eq!((failed(conn).0, keys(conn)), (1, "c|a".to_owned()));
}

#[test]
fn the_generated_key_file_is_watched() {
    let server = Server::builder().arg("keys-reload-interval", "1").config("replica-read-only", "no").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let file = server.dir().join("jrs-keys.json");
    let mut generated: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let own = generated["keys"][0].clone();
    generated["keys"] = json!([jwk("b", "HS256", SECRET.as_bytes()), own]);
    replace(&file, &generated.to_string());
    await_keys(conn, &format!("b|{}", own["kid"].as_str().unwrap()));
    assert!(get(conn, &token).is_some());
    // A replica does not use the file, so its new name is not a change.
    exec(conn, &["REPLICAOF", "127.0.0.1", "1"]);
    assert!(!file.exists());
    fs::write(server.dir().join("realms.toml"), "").unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.realms-file", "realms.toml"]);
    let time = info(conn, "jrs_keys", "jrs_keys_last_reload_time");
    replace(&server.dir().join("realms.toml"), "# none\n");
    await_that("a reload", || (info(conn, "jrs_keys", "jrs_keys_last_reload_time") > time).then_some(()));
    assert_eq!((keys(conn), failed(conn)), (String::new(), (0, "ok".to_owned())));
}

#[test]
fn the_age_of_the_signing_key_is_what_is_known_of_it() {
    let server = start("0");
    let conn = &mut server.conn();
    let file = server.dir().join("keys");
    let age = |conn: &mut Connection| info(conn, "jrs_keys", "jrs_signing_key_age_default");
    assert!((0..60).contains(&age(conn)));
    await_that("a second", || (age(conn) > 0).then_some(()));
    exec(conn, &["JRS.RELOAD"]);
    assert!(age(conn) > 0, "the same key");
    exec(conn, &["CONFIG", "SET", "jrs.leeway", "1"]);
    assert!(age(conn) > 0, "the same key");
    let mut key = jwk("b", "HS256", SECRET.as_bytes());
    key["iat"] = json!(millis() / 1000 - 5000);
    fs::write(&file, key.to_string()).unwrap();
    exec(conn, &["JRS.RELOAD"]);
    assert!((5000..5060).contains(&age(conn)));
    for odd in [json!("yesterday"), json!(null), json!(1e30), json!(-1)] {
        key["iat"] = odd.clone();
        fs::write(&file, key.to_string()).unwrap();
        exec(conn, &["JRS.RELOAD"]);
        assert!(age(conn) >= 0, "{odd}");
    }
    fs::write(&file, json!({"kty": "oct", "k": key["k"], "key_ops": ["verify"]}).to_string()).unwrap();
    exec(conn, &["JRS.RELOAD"]);
    let keys: String = send(conn, &["INFO", "jrs_keys"]).unwrap();
    assert!(!keys.contains("signing_key_age"), "no key signs: {keys}");
}

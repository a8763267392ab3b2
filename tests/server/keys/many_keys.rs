//! Thousands of keys in many realms: settings can change, and tokens find their key.

use std::fs;

use serde_json::json;

use crate::support::{
    Server,
    sessions::{assert_refused, create, exec, get},
    tokens::{SECRET, claims, jwk, sign},
};

const REALMS: usize = 8;
const KEYS: usize = 8_000;

fn kid(realm: usize, key: usize) -> String {
    format!("{realm}-{key}")
}

fn secret(realm: usize, key: usize) -> String {
    format!("{realm}-{key}: at least 32 bytes, for HS256")
}

#[test]
fn settings_change_and_tokens_are_verified_among_thousands_of_keys() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = String::new();
    for realm in 0..REALMS {
        let keys: Vec<_> = (0..KEYS).map(|key| jwk(&kid(realm, key), "HS256", secret(realm, key).as_bytes())).collect();
        let path = dir.path().join(format!("{realm}.json"));
        fs::write(&path, json!({"keys": keys}).to_string()).unwrap();
        file += &format!("[realm.r{realm}]\nkeys-file = '{}'\nkeyspace = 'r{realm}:'\n", path.display());
    }
    let realms_file = dir.path().join("realms.toml");
    fs::write(&realms_file, file).unwrap();
    let default = jwk("default", "HS256", SECRET.as_bytes()).to_string();
    let server = Server::builder().keys(default.as_bytes()).start();
    let conn = &mut server.conn();
    exec(conn, &["CONFIG", "SET", "jrs.realms-file", realms_file.to_str().unwrap()]);
    for seconds in 1..=20 {
        exec(conn, &["CONFIG", "SET", "jrs.leeway", &seconds.to_string()]);
    }
    exec(conn, &["JRS.RELOAD"]);
    for realm in 0..REALMS {
        let own = create(conn, "ada", "{}", &["REALM", &format!("r{realm}")]);
        // The same claims, signed with the realm's last key, and with the kid of that key and another secret.
        let last = sign(
            &json!({"alg": "HS256", "kid": kid(realm, KEYS - 1)}),
            &claims(&own),
            secret(realm, KEYS - 1).as_bytes(),
        );
        assert!(get(conn, &own).is_some() && get(conn, &last).is_some(), "{realm}");
        let forged =
            sign(&json!({"alg": "HS256", "kid": kid(realm, KEYS - 1)}), &claims(&own), secret(realm, 0).as_bytes());
        assert_refused(conn, "BADTOKEN", &["JRS.GET", &forged]);
    }
    // A key in two realms is refused by a reload, and by a setting that changes keys.
    fs::write(dir.path().join("7.json"), jwk(&kid(0, KEYS - 1), "HS256", SECRET.as_bytes()).to_string()).unwrap();
    assert_refused(conn, "ERR", &["JRS.RELOAD"]);
    exec(conn, &["CONFIG", "SET", "jrs.leeway", "30"]);
    assert_refused(conn, "ERR", &["CONFIG", "SET", "jrs.algorithm", "HS512"]);
}

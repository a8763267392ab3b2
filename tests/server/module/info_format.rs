//! The form of the lines of `INFO jrs`: names, one colon, and values that a program can take apart.

use std::fs;

use redis::Connection;
use serde_json::json;

use crate::support::{
    Server,
    info::fields,
    sessions::{create, exec, send},
    tokens::{SECRET, jwk},
};

/// A text with every character that has a meaning in INFO and that an id of a key may have: no control characters.
const HOSTILE: &str = "a:b,c=d%3A|e é #\"'";

/// Its percent-encoded form.
const ENCODED: &str = "a%3Ab%2Cc%3Dd%253A%7Ce é #\"'";

/// Checks the lines of all sections of the module.
fn assert_lines(conn: &mut Connection) {
    for section in ["jrs", "jrs_keys", "jrs_sessions", "jrs_tokens", "jrs_realms", "everything", "modules"] {
        let info: String = send(conn, &["INFO", section]).unwrap();
        let lines: Vec<&str> = info.split("\r\n").filter(|line| line.starts_with("jrs_")).collect();
        assert!(!lines.is_empty(), "{section}");
        for line in lines {
            assert_eq!(line.matches(':').count(), 1, "{section}: {line}");
            assert!(!line.chars().any(char::is_control), "{section}: {line:?}");
            let (name, value) = line.split_once(':').unwrap();
            let is_plain = |char: char| char.is_ascii_alphanumeric() || "_-.".contains(char);
            assert!(name.chars().all(is_plain), "{line}");
            if value.contains('=') {
                let parts = value.split(',').map(|part| part.matches('=').count());
                assert!(parts.clone().all(|equals| equals == 1), "{line}");
            }
        }
        if section.starts_with("jrs") {
            let others = info.lines().filter(|line| !line.starts_with("jrs_") && !line.is_empty());
            assert!(others.clone().all(|line| line.starts_with("# jrs")), "{info}");
        }
    }
}

#[test]
fn every_line_has_one_colon_whatever_the_names_contain() {
    let keys = json!({"keys": [jwk(HOSTILE, "HS256", SECRET.as_bytes()), jwk("2", "HS256", &[7; 32])]}).to_string();
    let keyspace = "k:,=%|:";
    let server = Server::builder().keys(keys.as_bytes()).arg("keyspace", keyspace).start();
    let conn = &mut server.conn();
    assert_lines(conn);
    assert_eq!(
        fields(conn, "jrs")["realm_default"],
        format!("keyspace=k%3A%2C%3D%25|%3A,algorithm=HS256,keys={ENCODED}|2")
    );

    let longest = "n".repeat(64);
    let names = ["a.b-c_d", "realm_default", "7", "-", "keyspace", &longest];
    let mut file = String::new();
    for (at, name) in names.iter().enumerate() {
        let key = jwk(&format!("{HOSTILE}{at}"), "HS256", format!("a secret of 32 bytes and more: {at}").as_bytes());
        fs::write(server.dir().join(format!("{at}.json")), key.to_string()).unwrap();
        file += &format!("[realm.\"{name}\"]\nkeys-file = \"{at}.json\"\nkeyspace = \"{at},=:%\"\n");
    }
    fs::write(server.dir().join("realms.toml"), file).unwrap();
    exec(conn, &["CONFIG", "SET", "jrs.realms-file", "realms.toml"]);
    for name in names {
        create(conn, "ada", "{}", &["REALM", name]);
    }
    assert_lines(conn);
    let fields = fields(conn, "jrs");
    for (at, name) in names.iter().enumerate() {
        let realm = format!("keyspace={at}%2C%3D%3A%25,algorithm=HS256,keys={ENCODED}{at}");
        assert_eq!(fields[&format!("realm_{name}")], realm);
        assert!(fields[&format!("realm_stats_{name}")].starts_with("created=1,read=0,"));
        assert!(fields.contains_key(&format!("signing_key_age_{name}")));
    }
}

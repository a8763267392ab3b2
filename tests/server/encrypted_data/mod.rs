//! Session data that is encrypted with the keys of `data-keys-file`.

mod at_rest;
mod commands;
mod data_keys;
mod key_file;
mod unreadable;

use std::fs;

use redis::Connection;
use serde_json::json;

use crate::support::{
    Builder, Server,
    sessions::{exec, send},
    tokens::SECRET,
};

/// Data whose words occur nowhere else.
const DATA: &str = r#"{"mail":"ada-q7x2@example.com","n":1}"#;

/// A part of [`DATA`] that must not be readable.
const READABLE: &str = "ada-q7x2";

/// The text of a data key file with these keys. A key is its `kid` and a byte of which it consists.
fn key_set(keys: &[(&str, u8)]) -> String {
    let jwk = |(id, byte): &(&str, u8)| {
        let mut jwk = crate::support::tokens::jwk(id, "A256GCM", &[*byte; 32]);
        jwk["use"] = "enc".into();
        jwk
    };
    json!({"keys": keys.iter().map(jwk).collect::<Vec<_>>()}).to_string()
}

/// Writes `data.json` into the server's folder.
fn write_keys(server: &Server, keys: &[(&str, u8)]) {
    fs::write(server.dir().join("data.json"), key_set(keys)).unwrap();
}

/// A server whose default realm encrypts data with these keys.
fn server(builder: Builder, keys: &[(&str, u8)]) -> Server {
    let server = builder.keys(SECRET.as_bytes()).start();
    encrypt(&server, keys);
    server
}

/// Encrypts the data of the default realm with these keys.
fn encrypt(server: &Server, keys: &[(&str, u8)]) {
    write_keys(server, keys);
    let conn = &mut server.conn();
    exec(conn, &["CONFIG", "SET", "jrs.data-keys-file", "data.json"]);
    // CONFIG SET reads the file only if the setting changes.
    exec(conn, &["JRS.RELOAD"]);
}

/// The stored value of a key.
fn stored(conn: &mut Connection, key: &str) -> String {
    send(conn, &["GET", key]).expect("a string")
}

/// The `kid` of the key that encrypts a stored value.
fn key_id(conn: &mut Connection, key: &str) -> String {
    let value = stored(conn, key);
    let id = value.strip_prefix("jrs1.").and_then(|rest| rest.split('.').next());
    id.unwrap_or_else(|| panic!("{value} is not encrypted")).to_owned()
}

//! Data keys of a realm: rotation, reload, plain and encrypted sessions side by side, INFO.

use std::fs;

use redis::Value;

use super::{DATA, encrypt, key_id, key_set, server, stored, write_keys};
use crate::support::{
    Server, await_that,
    realms::add_app_realm,
    sessions::{create, exec, get, send},
    tokens::{jwk, key},
};

#[test]
fn the_next_write_encrypts_with_the_first_key() {
    let server = server(Server::builder(), &[("k1", 1)]);
    let conn = &mut server.conn();
    let [read, updated, rotated] = [(); 3].map(|()| create(conn, "ada", DATA, &[]));
    write_keys(&server, &[("k2", 2), ("k1", 1)]);
    let info: String = send(conn, &["INFO", "jrs"]).unwrap();
    assert!(info.contains("data_keys=k1\r\n"), "a changed file is not read yet: {info}");
    exec(conn, &["JRS.RELOAD"]);
    let info: String = send(conn, &["INFO", "jrs"]).unwrap();
    assert!(info.contains("data_keys=k2|k1\r\n"), "{info}");

    assert_eq!(get(conn, &read).expect("a session").data, DATA);
    assert_eq!(key_id(conn, &key(&read)), "k1", "a read writes nothing");
    exec(conn, &["JRS.UPDATE", &updated, "{}", "MERGE"]);
    assert_eq!(key_id(conn, &key(&updated)), "k2");
    let rotated: String = send(conn, &["JRS.ROTATE", &rotated]).unwrap();
    assert_eq!(key_id(conn, &key(&rotated)), "k2");

    // Without the old key, what was written since can be read.
    write_keys(&server, &[("k2", 2)]);
    exec(conn, &["JRS.RELOAD"]);
    for token in [&updated, &rotated] {
        assert_eq!(get(conn, token).expect("a session").data, DATA);
    }
    assert!(send::<Value>(conn, &["JRS.GET", &read]).is_err());
}

#[test]
fn plain_data_stays_readable_and_is_encrypted_at_its_next_write() {
    let server = Server::builder().keys(crate::support::tokens::SECRET.as_bytes()).start();
    let conn = &mut server.conn();
    let [plain, spaced] = [DATA, "  \n{}"].map(|data| create(conn, "ada", data, &[]));
    encrypt(&server, &[("k1", 1)]);
    let encrypted = create(conn, "ada", DATA, &[]);
    assert_eq!(stored(conn, &key(&plain)), DATA);
    for (token, data) in [(&plain, DATA), (&encrypted, DATA), (&spaced, "  \n{}")] {
        assert_eq!(get(conn, token).expect("a session").data, data);
    }
    exec(conn, &["JRS.UPDATE", &plain, "{}", "MERGE"]);
    assert_eq!(key_id(conn, &key(&plain)), "k1");
    let spaced: String = send(conn, &["JRS.ROTATE", &spaced]).unwrap();
    assert_eq!(key_id(conn, &key(&spaced)), "k1");
    assert_eq!(get(conn, &spaced).expect("a session").data, "  \n{}");
}

/// A realm has only the data keys of its own file, so tenants do not share keys by accident.
#[test]
fn other_realms_do_not_inherit_data_keys() {
    let signing = jwk("sign", "HS256", b"the secret of the default realm: 2718281828459045");
    let server = Server::builder().keys(signing.to_string().as_bytes()).start();
    let conn = &mut server.conn();
    encrypt(&server, &[("k1", 1)]);
    add_app_realm(&server, "");
    let [ours, app] = [&["REALM", "default"], &["REALM", "app"]].map(|realm| create(conn, "ada", DATA, realm));
    let of_app = key(&app).replacen("sess:", "app:", 1);
    assert_eq!((key_id(conn, &key(&ours)), stored(conn, &of_app)), ("k1".to_owned(), DATA.to_owned()));

    fs::write(server.dir().join("app.json"), key_set(&[("k1", 9)])).unwrap();
    add_app_realm(&server, "data-keys-file = \"app.json\"\n");
    exec(conn, &["JRS.RELOAD"]);
    exec(conn, &["JRS.UPDATE", &app, DATA]);
    assert_eq!(key_id(conn, &of_app), "k1");
    for token in [&ours, &app] {
        assert_eq!(get(conn, token).expect("a session").data, DATA);
    }
    // The same kid in both realms is not the same key.
    let value = stored(conn, &of_app);
    exec(conn, &["SET", &key(&ours), &value, "KEEPTTL"]);
    assert!(send::<Value>(conn, &["JRS.GET", &ours]).is_err());
    let info: String = send(conn, &["INFO", "jrs"]).unwrap();
    assert_eq!(info.matches("data_keys=k1").count(), 2, "{info}");
}

#[test]
fn a_changed_file_is_reloaded_by_itself() {
    let server = server(Server::builder().arg("keys-reload-interval", "1"), &[("k1", 1)]);
    let conn = &mut server.conn();
    write_keys(&server, &[("k2", 2), ("k1", 1)]);
    await_that("the reload", || {
        let info: String = send(conn, &["INFO", "jrs"]).unwrap();
        info.contains("data_keys=k2|k1\r\n").then_some(())
    });
    let token = create(conn, "ada", DATA, &[]);
    assert_eq!(key_id(conn, &key(&token)), "k2");
}

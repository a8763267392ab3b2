//! Neither the files of a server nor its replicas have readable data.

use std::{fs, io::ErrorKind, path::Path};

use redis::Value;

use super::{DATA, READABLE, encrypt, server, stored, write_keys};
use crate::support::{
    Server, await_that,
    replicas::{await_replicas, primary, replica},
    sessions::{create, exec, get, peek, refused, send},
    tokens::{SECRET, key},
};

/// The files below a folder that contain a text.
fn files_with(dir: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
            continue;
        }
        // A server that rewrites its AOF removes files meanwhile.
        let content = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            content => content.unwrap(),
        };
        if content.windows(text.len()).any(|window| window == text.as_bytes()) {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

/// Sessions by every command that writes data. Returns the token of one.
fn write_sessions(conn: &mut redis::Connection) -> String {
    let token = create(conn, "ada", DATA, &[]);
    exec(conn, &["JRS.UPDATE", &token, DATA]);
    exec(conn, &["JRS.UPDATE", &token, r#"{"n":2}"#, "MERGE"]);
    exec(conn, &["JRS.UPDATE", &token, r#"[{"op":"replace","path":"/n","value":1}]"#, "PATCH"]);
    send(conn, &["JRS.ROTATE", &token]).unwrap()
}

#[test]
fn files_contain_only_encrypted_data() {
    let builder = Server::builder().config("appendonly", "yes").config("appendfsync", "always");
    let builder = builder.config("rdbcompression", "no");
    let mut server = server(builder, &[("k1", 1)]);
    let conn = &mut server.conn();
    let token = write_sessions(conn);
    exec(conn, &["SAVE"]);
    assert_eq!(files_with(server.dir(), READABLE), [""; 0]);
    // The search finds what is there.
    assert_eq!(files_with(server.dir(), &stored(conn, &key(&token))).len(), 2, "the RDB file and the AOF");
    let value = stored(conn, &key(&token));

    exec(conn, &["CONFIG", "REWRITE"]);
    server.stop();
    server.restart();
    let conn = &mut server.conn();
    assert_eq!(stored(conn, &key(&token)), value);
    assert_eq!(get(conn, &token).expect("a session").data, DATA);
    assert!(!server.log().contains(READABLE));
}

#[test]
fn a_replica_has_the_same_encrypted_data() {
    let builder = Server::builder().keys(SECRET.as_bytes());
    let server = server(primary(builder.clone()), &[("k1", 1)]);
    let conn = &mut server.conn();
    let before = write_sessions(conn);
    let replica = replica(&server, builder.config("appendonly", "yes"));
    let after = write_sessions(conn);
    await_replicas(conn, 1);
    let other = &mut replica.conn();
    for token in [&before, &after] {
        assert_eq!(stored(other, &key(token)), stored(conn, &key(token)));
        assert_eq!(refused(other, &["JRS.PEEK", token]), "BADDATA", "the replica has no data keys");
    }
    let value = stored(conn, &key(&after));
    await_that("the AOF of the replica", || (!files_with(replica.dir(), &value).is_empty()).then_some(()));
    assert_eq!(files_with(replica.dir(), READABLE), [""; 0]);
    encrypt(&replica, &[("k1", 1)]);
    assert_eq!(peek(other, &after).expect("a session").data, DATA);

    // Rotation over the nodes: every node knows the new key before one encrypts with it.
    for keys in [[("k1", 1), ("k2", 2)], [("k2", 2), ("k1", 1)]] {
        for node in [&replica, &server] {
            write_keys(node, &keys);
            exec(&mut node.conn(), &["JRS.RELOAD"]);
            exec(conn, &["JRS.UPDATE", &after, DATA]);
            await_replicas(conn, 1);
            assert_eq!(peek(other, &after).expect("a session").data, DATA);
        }
    }
    assert!(stored(other, &key(&after)).starts_with("jrs1.k2."));
    exec(other, &["REPLICAOF", "NO", "ONE"]);
    exec(other, &["JRS.UPDATE", &before, r#"{"n":5}"#, "MERGE"]);
    assert_eq!(send::<Value>(other, &["DBSIZE"]).unwrap(), Value::Int(2));
}

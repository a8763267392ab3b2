//! A server that crashed or lost its disk may have an append-only file without the end of the last command. The server
//! drops the incomplete end (`aof-load-truncated yes`, the default). What was acknowledged before it is there.

use std::{fs, path::PathBuf};

use redis::Connection;

use crate::support::{
    Server,
    owner_sessions::{assert_agree, assert_index_agrees},
    sessions::{create, exec, get, send},
    tokens::{SECRET, key},
};

/// The length of the append-only file.
fn length(server: &Server) -> usize {
    fs::read(file(server)).unwrap().len()
}

fn file(server: &Server) -> PathBuf {
    server.dir().join("appendonlydir/appendonly.aof.1.incr.aof")
}

/// Kills the server, and starts it again with this append-only file.
fn restart_with(server: &mut Server, content: &[u8]) -> Connection {
    server.kill();
    fs::write(file(server), content).unwrap();
    server.restart();
    let mut conn = server.conn();
    assert_index_agrees(&mut conn);
    conn
}

#[test]
fn the_acknowledged_sessions_before_the_cut_are_there() {
    let builder = Server::builder().keys(SECRET.as_bytes()).arg("max-sessions", "3");
    let mut server = builder.config("appendonly", "yes").config("appendfsync", "always").start();
    let conn = &mut server.conn();
    let data = |conn: &mut Connection, token: &str| get(conn, token).map(|session| session.data);
    let [first, updated, destroyed] = [(); 3].map(|()| create(conn, "ada", r#"{"n":1}"#, &[]));
    let mut lengths = vec![length(&server)];
    let mut step = |conn: &mut Connection, words: &[&str]| {
        exec(conn, words);
        lengths.push(length(&server));
    };
    step(conn, &["JRS.UPDATE", &updated, r#"{"n":2}"#]);
    step(conn, &["JRS.DESTROY", &destroyed]);
    let rotated: String = send(conn, &["JRS.ROTATE", &first, "OWNER", "bob"]).unwrap();
    lengths.push(length(&server));
    let [start, after_update, after_destroy, end] = lengths[..] else { panic!("{lengths:?}") };

    let whole = fs::read(file(&server)).unwrap();
    // JRS.ROTATE is a transaction of several commands in the file: it is there completely or not at all.
    let conn = &mut restart_with(&mut server, &whole);
    assert_eq!((data(conn, &first), data(conn, &rotated).as_deref()), (None, Some(r#"{"n":1}"#)));
    assert_eq!([assert_agree(conn, "ada").len(), assert_agree(conn, "bob").len()], [1, 1]);
    let span = end - after_destroy;
    for cut_at in [end - 1, end - 10, end - span / 3, end - span / 2, after_destroy + 25, after_destroy + 1] {
        let conn = &mut restart_with(&mut server, &whole[..cut_at]);
        let sessions = (data(conn, &first), data(conn, &rotated));
        assert_eq!(sessions, (Some(r#"{"n":1}"#.to_owned()), None), "{cut_at} of {end} bytes");
        assert_eq!(data(conn, &updated).as_deref(), Some(r#"{"n":2}"#));
        assert!(data(conn, &destroyed).is_none());
        assert_eq!([assert_agree(conn, "ada").len(), assert_agree(conn, "bob").len()], [2, 0]);
    }
    for (cut_at, of_updated, destroyed_is_there) in
        [(after_destroy - 1, r#"{"n":2}"#, true), (after_update - 1, r#"{"n":1}"#, true), (start, r#"{"n":1}"#, true)]
    {
        let conn = &mut restart_with(&mut server, &whole[..cut_at]);
        assert_eq!(data(conn, &updated).as_deref(), Some(of_updated), "{cut_at} of {end} bytes");
        assert_eq!(data(conn, &destroyed).is_some(), destroyed_is_there);
        assert!(data(conn, &first).is_some());
        assert_eq!(assert_agree(conn, "ada").len(), 3);
    }
    // The server goes on, and what it writes then is loaded.
    let conn = &mut server.conn();
    exec(conn, &["JRS.DESTROY", &key(&updated), &updated]);
    let new = create(conn, "ada", "{}", &[]);
    let whole = fs::read(file(&server)).unwrap();
    let conn = &mut restart_with(&mut server, &whole);
    assert!(get(conn, &updated).is_none() && get(conn, &new).is_some());
}

//! The disk is full under an append-only file. A limit of the process on the size of its files stands for the disk.

use std::fs;

use redis::{Connection, RedisError, Value};
use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::known_sessions::{KnownSessions, assert_known};
use crate::support::{
    Server, await_that,
    owner_sessions::{assert_agree, assert_index_agrees, info},
    sessions::{assert_refused, contents, create, exec, send},
    tokens::{key, signing_keys},
};

/// A server with an append-only file. A write beyond the limit fails, as on a full disk, and does not end the server.
fn start(keys: &str, fsync: &str) -> Server {
    let builder = Server::builder().keys(keys.as_bytes()).launcher(&["env", "--ignore-signal=XFSZ"]);
    builder.config("appendonly", "yes").config("appendfsync", fsync).start()
}

/// Limits the files of the server to this many bytes more than its append-only file has. `None`: no limit.
fn limit(server: &Server, process: u32, more: Option<u64>) {
    let file = server.dir().join("appendonlydir/appendonly.aof.1.incr.aof");
    let length = fs::metadata(file).unwrap().len();
    let limit = Rlimit { current: more.map(|more| length + more), maximum: None };
    let process = Pid::from_raw(i32::try_from(process).unwrap());
    prlimit(process, Resource::Fsize, limit).unwrap();
}

fn process(conn: &mut Connection) -> u32 {
    u32::try_from(info(conn, "server", "process_id")).unwrap()
}

/// Creates, updates, rotates and destroys sessions until the server refuses a write or ends. Returns the error, and the
/// session on which the last command acted.
fn write_until_refused(conn: &mut Connection, known: &mut KnownSessions) -> (RedisError, Option<String>) {
    (0..).find_map(|step| write(conn, known, step).err()).expect("the steps do not end")
}

/// Creates a session, and does something with it. The error is that of [`write_until_refused`].
fn write(conn: &mut Connection, known: &mut KnownSessions, step: usize) -> Result<(), (RedisError, Option<String>)> {
    let data = format!(r#"{{"n":{step}}}"#);
    let token: String = send(conn, &["JRS.CREATE", "ada", &data]).map_err(|error| (error, None))?;
    known.insert(token.clone(), Some(data.clone()));
    let changed = match step % 4 {
        0 => send::<String>(conn, &["JRS.ROTATE", &token]).map(|new| {
            known.insert(token.clone(), None);
            known.insert(new, Some(data));
        }),
        1 => send::<String>(conn, &["JRS.UPDATE", &token, "{}"]).map(|_| {
            known.insert(token.clone(), Some("{}".to_owned()));
        }),
        2 => send::<i64>(conn, &["JRS.DESTROY", &token]).map(|_| {
            known.insert(token.clone(), None);
        }),
        _ => Ok(()),
    };
    changed.map_err(|error| (error, Some(token)))
}

#[test]
fn writes_are_refused_until_the_disk_has_room() {
    for keys in signing_keys() {
        let mut server = start(&keys, "everysec");
        let conn = &mut server.conn();
        let process = process(conn);
        let mut known = KnownSessions::new();
        let [token, other] = [(); 2].map(|()| create(conn, "bob", "{}", &[]));
        limit(&server, process, Some(5000));
        let (error, _) = write_until_refused(conn, &mut known);
        assert_eq!(error.code(), Some("MISCONF"), "{error}");
        for words in [
            &["JRS.CREATE", "bob", "{}"][..],
            &["JRS.GET", &token],
            &["JRS.UPDATE", &token, r#"{"n":1}"#],
            &["JRS.TOUCH", &token, "EX", "10"],
            &["JRS.ROTATE", &token],
            &["JRS.DESTROY", &token],
            &["JRS.REVOKE", &key(&other)],
            &["JRS.DESTROYALL", "bob"],
        ] {
            assert_refused(conn, "MISCONF", words);
        }
        for words in [&["JRS.PEEK", &*token][..], &["JRS.INSPECT", &token], &["JRS.LIST", "bob"], &["JRS.COUNT", "bob"]]
        {
            assert_ne!(send::<Value>(conn, words).unwrap(), Value::Nil, "{words:?}");
        }
        // The server tries again each second.
        limit(&server, process, None);
        let late = await_that("a write", || send::<String>(conn, &["JRS.CREATE", "ada", "{}"]).ok());
        known.insert(late, Some("{}".to_owned()));
        exec(conn, &["JRS.DESTROY", &token]);
        known.extend([(token, None), (other, Some("{}".to_owned()))]);
        assert_known(conn, &known);
        let before = contents(conn);
        server.stop();
        server.restart();
        let conn = &mut server.conn();
        assert_eq!(contents(conn), before, "what was written before, during and after");
        assert_known(conn, &known);
        assert_agree(conn, "ada");
        assert_index_agrees(conn);
    }
}

/// Under `appendfsync always` the server ends rather than acknowledge a write that is not on the disk.
#[test]
fn a_server_that_ends_at_a_full_disk_has_all_acknowledged_sessions() {
    for keys in signing_keys() {
        let mut server = start(&keys, "always");
        let conn = &mut server.conn();
        let process = process(conn);
        limit(&server, process, Some(5000));
        let mut known = KnownSessions::new();
        let (error, uncertain) = write_until_refused(conn, &mut known);
        assert!(error.is_io_error(), "the server closed the connection: {error}");
        server.kill();
        assert!(server.log().contains("AOF write error"), "{}", server.log());
        server.restart();
        let conn = &mut server.conn();
        // The last command has no reply, so it may have been done or not.
        if let Some(token) = &uncertain {
            known.remove(token);
        }
        assert!(known.len() > 10);
        assert_known(conn, &known);
        assert_agree(conn, "ada");
        assert_index_agrees(conn);
        create(conn, "ada", "{}", &[]);
    }
}

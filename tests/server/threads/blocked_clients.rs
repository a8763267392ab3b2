//! Clients that are blocked while a crypto thread works: they disconnect or are unblocked.

use redis::{Connection, Value};

use crate::support::{
    Server,
    cases::each,
    in_flight::{Batch, assert_sound, await_idle, outcomes, rs256, sessions_of, slow, words},
    sessions::{assert_indexed, create, exec, send},
};

#[test]
fn clients_can_disconnect_while_they_wait() {
    let mut server = slow().config("enable-module-command", "local").arg("allow-unload", "yes").start();
    let conn = &mut server.conn();
    for round in 0..3 {
        let (waiting, _) = Batch::creates(&server, 30).meanwhile(conn, 20, &["PING"]);
        drop(waiting);
        // The commands of killed clients have run before, or do not run.
        let kill = ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"];
        let (mut waiting, killed) = Batch::creates(&server, 20).meanwhile(conn, 15, &kill);
        killed.unwrap();
        let replies = waiting.replies();
        assert!(outcomes(&replies).contains(&"gone"), "round {round}: {replies:?}");
        await_idle(conn);
        assert_sound(&mut server);
        // Jobs run in order: when this one is done, all before it are.
        create(conn, "last", "{}", &[]);
        let made = sessions_of(conn, "in-flight");
        assert!(made.len() <= 50, "{made:?}");
        assert_indexed(conn, "in-flight", &made);
        exec(conn, &["FLUSHALL"]);
    }
    exec(conn, &["MODULE", "UNLOAD", "jrs"]);
    assert_sound(&mut server);
}

/// Commands that are sent together.
fn packed(commands: &[&[&str]]) -> Vec<u8> {
    let pack = |words: &&[&str]| redis::cmd(words[0]).arg(&words[1..]).get_packed_command();
    commands.iter().flat_map(pack).collect()
}

/// Whether the module lets CLIENT UNBLOCK end a wait. On Redis 7.0 it does not, see below.
fn can_unblock(conn: &mut Connection) -> bool {
    let info: String = send(conn, &["INFO", "server"]).unwrap();
    !info.contains("redis_version:7.0.")
}

/// Redis 7.0 sends no reply to a client that is unblocked after its job is done and before the server knows it.
#[test]
fn no_reply_is_lost_if_unblocked_when_the_job_ends() {
    // Takes about 10 ms. A loop cannot use the clock, which does not change in a script.
    const BUSY: &str = "for _ = 1, 5000000 do end";
    let mut server = Server::builder().keys(rs256().as_bytes()).start();
    let (conn, late) = (&mut server.conn(), &mut server.conn());
    let id = send::<i64>(late, &["CLIENT", "ID"]).unwrap().to_string();
    let next = Value::BulkString(b"next".to_vec());
    for how in each(["TIMEOUT", "ERROR"].repeat(10)) {
        late.send_packed_command(&packed(&[&["JRS.CREATE", "late", "{}"], &["ECHO", "next"]])).unwrap();
        // The signature is done while the script runs. CLIENT UNBLOCK follows before the server knows it.
        conn.send_packed_command(&packed(&[&["EVAL", BUSY, "0"], &["CLIENT", "UNBLOCK", &id, how]])).unwrap();
        let _ = (conn.recv_response().unwrap(), conn.recv_response().unwrap());
        let first = late.recv_response().and_then(Value::extract_error);
        assert_ne!(first, Ok(next.clone()), "the reply to JRS.CREATE is missing");
        assert_eq!(late.recv_response().unwrap(), next);
    }
    assert_sound(&mut server);
}

#[test]
fn client_unblock_cancels_the_command() {
    for (how, word) in [("TIMEOUT", "BUSY"), ("ERROR", "UNBLOCKED")] {
        let mut server = slow().config("enable-module-command", "local").arg("allow-unload", "yes").start();
        let conn = &mut server.conn();
        let mut late = server.conn();
        let id = send::<i64>(&mut late, &["CLIENT", "ID"]).unwrap().to_string();
        let batch = Batch::creates(&server, 20).and_on(vec![late], &[words(&["JRS.CREATE", "late", "{}"])]);
        let (mut waiting, unblocked) = batch.meanwhile(conn, 5, &["CLIENT", "UNBLOCK", &id, how]);
        let ends = can_unblock(conn);
        assert_eq!(unblocked.unwrap(), Value::Int(ends.into()), "{how}");
        let replies = waiting.replies();
        let outcomes = outcomes(&replies);
        assert_eq!((&outcomes[..20], outcomes[20]), (&["ok"; 20][..], if ends { word } else { "ok" }), "{how}");
        create(conn, "ada", "{}", &[]);
        assert_eq!(sessions_of(conn, "late").is_empty(), ends, "{how}");
        assert_sound(&mut server);
        exec(conn, &["MODULE", "UNLOAD", "jrs"]);
        assert_sound(&mut server);
    }
}

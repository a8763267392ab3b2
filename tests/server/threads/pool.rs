//! The pool of crypto threads: a full queue, changes of its size, unload and shutdown.

use redis::{Connection, Value};

use crate::support::{
    await_that,
    in_flight::{Batch, InFlight, assert_sound, created, info, outcomes, sessions_of, slow},
    module_path,
    sessions::{create, exec, get, send},
};

fn set(conn: &mut Connection, name: &str, value: &str) {
    exec(conn, &["CONFIG", "SET", name, value]);
}

#[test]
fn a_full_queue_refuses_and_loses_nothing() {
    let mut server = slow().arg("crypto-queue", "1").start();
    let conn = &mut server.conn();
    let (mut tokens, mut busy) = (Vec::new(), 0);
    for _ in 0..5 {
        let replies = InFlight::creates(&server, 20).replies();
        busy += outcomes(&replies).iter().filter(|outcome| **outcome == "BUSY").count();
        tokens.extend(created(&replies));
    }
    assert!(busy > 0 && tokens.len() >= 5, "{busy} refused, {} created", tokens.len());
    assert_eq!(busy + tokens.len(), 100, "there are no other replies");
    assert_eq!(info(conn, "crypto_queue_refused"), busy as u64);
    assert_eq!(sessions_of(conn, "in-flight").len(), tokens.len());
    assert!(tokens.iter().all(|token| get(conn, token).is_some()));
    assert_sound(&mut server);
}

#[test]
fn threads_and_queue_size_can_change_under_load() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let mut made = 0;
    for (threads, queue) in [("4", "1024"), ("64", "1000000"), ("2", "7"), ("1", "1")] {
        let change = ["CONFIG", "SET", "jrs.crypto-threads", threads, "jrs.crypto-queue", queue];
        let (mut waiting, changed) = Batch::creates(&server, 25).meanwhile(conn, 6, &change);
        changed.unwrap();
        // Jobs in the queue are done. New commands meet the new sizes.
        let mut late = InFlight::creates(&server, 25);
        set(conn, "jrs.crypto-threads", "3");
        let (replies, late) = (waiting.replies(), late.replies());
        assert_eq!(created(&replies).len(), 25, "{threads} {queue}: {replies:?}");
        assert!(outcomes(&late).iter().all(|outcome| ["ok", "BUSY"].contains(outcome)), "{late:?}");
        made += 25 + created(&late).len();
        assert_eq!(sessions_of(conn, "in-flight").len(), made);
        exec(conn, &["CONFIG", "SET", "jrs.crypto-threads", "1", "jrs.crypto-queue", "1024"]);
    }
    assert_sound(&mut server);
}

#[test]
fn unload_is_refused_while_clients_wait() {
    let mut server = slow().config("enable-module-command", "local").arg("allow-unload", "yes").start();
    let conn = &mut server.conn();
    let (module, keys) = (module_path(), server.dir().join("keys"));
    let args =
        ["keys-file", keys.to_str().unwrap(), "algorithm", "RS512", "crypto-threads", "1", "allow-unload", "yes"];
    let load = [&["MODULE", "LOAD", module.to_str().unwrap()][..], &args].concat();
    for _ in 0..5 {
        let (mut waiting, refused) = Batch::creates(&server, 20).meanwhile(conn, 5, &["MODULE", "UNLOAD", "jrs"]);
        assert!(refused.is_err(), "clients wait for the module");
        let replies = waiting.replies();
        // Works also while the threads finish their last job.
        exec(conn, &["MODULE", "UNLOAD", "jrs"]);
        assert_eq!(created(&replies).len(), 20, "{replies:?}");
        exec(conn, &load);
        assert!(created(&replies).iter().all(|token| get(conn, token).is_some()));
        // The clients disconnect. Their jobs end without a reply.
        let (waiting, _) = Batch::creates(&server, 20).meanwhile(conn, 5, &["PING"]);
        drop(waiting);
        await_that("a successful unload", || send::<Value>(conn, &["MODULE", "UNLOAD", "jrs"]).ok());
        assert_sound(&mut server);
        exec(conn, &load);
        create(conn, "ada", "{}", &[]);
    }
    assert_sound(&mut server);
}

#[test]
fn shutdown_is_clean_with_work_in_flight() {
    for how in ["NOSAVE", "SAVE", "SIGTERM"] {
        let mut server = slow().start();
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        let (mut waiting, _) = Batch::creates(&server, 80).meanwhile(conn, 40, &["PING"]);
        if how != "SIGTERM" {
            conn.send_packed_command(&redis::cmd("SHUTDOWN").arg(how).get_packed_command()).unwrap();
        }
        server.stop();
        let log = server.log();
        assert!(!log.contains("this is a bug in jrs") && !log.contains("BUG REPORT"), "{log}");
        assert!(outcomes(&waiting.replies()).contains(&"gone"), "{how}");
        server.restart();
        assert_eq!(get(&mut server.conn(), &token).is_some(), how == "SAVE", "{how}");
    }
}

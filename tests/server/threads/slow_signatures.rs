//! Slow signatures on the crypto threads: replies, their order, a full queue, clients that leave, and ends of all kinds.

use redis::{Connection, Value};

use crate::support::{
    Server, await_that,
    in_flight::{
        InFlight, assert_sound, await_idle, await_waiting, created, es256, info, meanwhile, outcomes, rs256,
        sessions_of, slow, words,
    },
    module_path,
    sessions::{assert_indexed, create, etag, exec, get, refused, send},
    tokens::{self, header, key},
};

fn set(conn: &mut Connection, name: &str, value: &str) {
    exec(conn, &["CONFIG", "SET", name, value]);
}

#[test]
fn all_token_commands_reply_as_they_do_with_fast_keys() {
    for (algorithm, key_file) in [("ES256", es256()), ("RS256", rs256())] {
        let mut server = Server::builder().keys(key_file.as_bytes()).arg("token-cache-size", "0").start();
        for resp3 in [false, true] {
            let conn = &mut if resp3 { server.conn3() } else { server.conn() };
            exec(conn, &["SELECT", "5"]);
            let token = &*create(conn, "ada", r#"{"a":1}"#, &[]);
            assert_eq!(header(token)["alg"], algorithm);
            let mut keys: Vec<String> = send(conn, &["KEYS", "*"]).unwrap();
            keys.sort();
            assert_eq!(keys, [key(token)], "in the selected database");
            assert_indexed(conn, "ada", &[key(token)]);
            for command in ["JRS.GET", "JRS.PEEK"] {
                match send(conn, &[command, token]).unwrap() {
                    Value::Map(fields) => assert!(resp3 && fields.len() == 6, "{fields:?}"),
                    Value::Array(fields) => assert!(!resp3 && fields.len() == 12, "{fields:?}"),
                    other => panic!("{command}: {other:?}"),
                }
                exec(conn, &[command, &key(token), token]);
                assert_eq!(refused(conn, &[command, "sess:another", token]), "WRONGKEY");
            }
            let session = get(conn, token).expect("a session");
            assert_eq!((session.owner.as_str(), session.data.as_str()), ("ada", r#"{"a":1}"#));
            assert_eq!(send::<String>(conn, &["JRS.UPDATE", token, r#"{"b":2}"#]).unwrap(), etag(r#"{"b":2}"#));
            assert_eq!(refused(conn, &["JRS.UPDATE", token, "[]"]), "BADDATA");
            assert_eq!(send::<i64>(conn, &["JRS.TOUCH", token, "EX", "70"]).unwrap(), 70);
            assert_eq!(refused(conn, &["JRS.TOUCH", token, "EX", "0"]), "ERR");
            assert!(matches!(send(conn, &["JRS.INSPECT", token]).unwrap(), Value::Map(_) | Value::Array(_)));
            let forged = &*format!("{}A", &token[..token.len() - 6]);
            assert_eq!(refused(conn, &["JRS.GET", forged]), "BADTOKEN");
            let merged = send::<String>(conn, &["JRS.UPDATE", token, r#"{"c":3}"#, "MERGE"]).unwrap();
            assert_eq!(merged, etag(r#"{"b":2,"c":3}"#));
            assert_eq!(refused(conn, &["JRS.UPDATE", token, "{}", "IFMATCH", "no etag"]), "CONFLICT");
            let patch = r#"[{"op":"remove","path":"/c"}]"#;
            assert_eq!(
                send::<String>(conn, &["JRS.UPDATE", token, patch, "PATCH", "IFMATCH", &merged]).unwrap(),
                etag(r#"{"b":2}"#)
            );
            assert_eq!(refused(conn, &["JRS.ROTATE", forged]), "BADTOKEN");
            assert_eq!(refused(conn, &["JRS.ROTATE", "sess:another", token]), "WRONGKEY");
            assert_eq!(refused(conn, &["JRS.ROTATE", token, "CLAIMS", "[]"]), "BADDATA");
            let old = token;
            let token = &*send::<String>(conn, &["JRS.ROTATE", old, "CLAIMS", r#"{"role":"x"}"#, "REAUTH"]).unwrap();
            assert_eq!((&header(token)["alg"], &tokens::claims(token)["role"]), (&algorithm.into(), &"x".into()));
            assert_eq!(send::<Value>(conn, &["JRS.ROTATE", &key(old), old]).unwrap(), Value::Nil);
            assert_indexed(conn, "ada", &[key(token)]);
            let others = [(); 2].map(|()| create(conn, "ada", "{}", &[]));
            assert_eq!(refused(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", forged]), "BADTOKEN");
            assert_eq!(refused(conn, &["JRS.DESTROYALL", "bob", "EXCEPT", token]), "BADTOKEN");
            assert_eq!(send::<i64>(conn, &["JRS.DESTROYALL", "ada", "EXCEPT", token]).unwrap(), 2);
            assert!(others.iter().all(|token| get(conn, token).is_none()));
            assert_indexed(conn, "ada", &[key(token)]);
            assert_eq!(send::<i64>(conn, &["JRS.DESTROY", token]).unwrap(), 1);
            assert_eq!(send::<i64>(conn, &["JRS.DESTROY", token]).unwrap(), 0);
            for gone in
                [&["JRS.GET", token][..], &["JRS.UPDATE", token, "{}"], &["JRS.TOUCH", token], &["JRS.ROTATE", token]]
            {
                assert_eq!(send::<Value>(conn, gone).unwrap(), Value::Nil, "{gone:?}");
            }
        }
        assert_sound(&mut server);
    }
}

#[test]
fn commands_of_one_connection_are_answered_in_order() {
    let mut server = Server::builder().keys(es256().as_bytes()).arg("token-cache-size", "0").start();
    let conn = &mut server.conn();
    let mut pipe = redis::pipe();
    for number in 0..200 {
        pipe.cmd("JRS.CREATE").arg(number).arg("{}").cmd("ECHO").arg(number);
    }
    let replies: Vec<String> = pipe.query(conn).unwrap();
    let mut pipe = redis::pipe();
    for (number, pair) in replies.chunks(2).enumerate() {
        assert_eq!((tokens::claims(&pair[0])["sub"].as_str(), &pair[1]), (Some(&*pair[1]), &number.to_string()));
        exec(conn, &["EXPIRE", &key(&pair[0]), "50000"]);
        pipe.cmd("TTL").arg(key(&pair[0])).cmd("JRS.TOUCH").arg(&pair[0]).arg("EX").arg(1000 + number);
        pipe.cmd("TTL").arg(key(&pair[0])).cmd("JRS.DESTROY").arg(&pair[0]).cmd("EXISTS").arg(key(&pair[0]));
    }
    let replies: Vec<i64> = pipe.query(conn).unwrap();
    for (number, replies) in (1000..).zip(replies.chunks(5)) {
        assert!((49_000..=50_000).contains(&replies[0]), "{replies:?}");
        assert!((number - 10..=number).contains(&replies[2]), "{replies:?}");
        assert_eq!((replies[1], &replies[3..]), (number, &[1, 0][..]));
    }
    assert_sound(&mut server);
}

#[test]
fn transactions_and_scripts_do_not_wait_for_a_thread() {
    let mut server = slow().arg("crypto-queue", "1").start();
    let conn = &mut server.conn();
    let mut atomic = redis::pipe();
    for _ in 0..8 {
        atomic.atomic().cmd("JRS.CREATE").arg("ada").arg("{}");
    }
    let mut made: Vec<String> = atomic.query(conn).unwrap();
    let script = "local t = {} for i = 1, 8 do t[i] = redis.call('JRS.CREATE', 'ada', '{}') end return t";
    made.extend(send::<Vec<String>>(conn, &["EVAL", script, "0"]).unwrap());
    for token in &mut made {
        let mut atomic = redis::pipe();
        let [rotated]: [String; 1] = atomic.atomic().cmd("JRS.ROTATE").arg(&*token).query(conn).unwrap();
        *token = send(conn, &["EVAL", "return redis.call('JRS.ROTATE', ARGV[1], 'REAUTH')", "0", &rotated]).unwrap();
    }
    let mut atomic = redis::pipe();
    for token in &made {
        atomic.atomic().cmd("JRS.TOUCH").arg(token).arg("EX").arg(60);
    }
    assert_eq!(atomic.query::<Vec<i64>>(conn).unwrap(), [60; 16]);
    let script = "local n = 0 for i = 1, #ARGV do n = n + redis.call('JRS.DESTROY', ARGV[i]) end return n";
    let mut eval = words(&["EVAL", script, "0"]);
    let rest = made.split_off(8);
    eval.extend(made);
    assert_eq!(redis::Cmd::new().arg(eval).query::<i64>(conn).unwrap(), 8);
    let script = "return redis.call('JRS.DESTROYALL', 'ada', 'EXCEPT', ARGV[1])";
    assert_eq!(send::<i64>(conn, &["EVAL", script, "0", &rest[0]]).unwrap(), 7);
    let mut atomic = redis::pipe();
    let ended =
        atomic.atomic().cmd("JRS.DESTROYALL").arg(&["ada", "EXCEPT", &rest[0]]).cmd("JRS.DESTROYALL").arg("ada");
    assert_eq!(ended.query::<[i64; 2]>(conn).unwrap(), [0, 1]);
    assert_eq!(info(conn, "crypto_queue_refused"), 0);
    assert_sound(&mut server);
}

#[test]
fn clients_may_leave_while_they_wait() {
    let mut server = slow().config("enable-module-command", "local").arg("allow-unload", "yes").start();
    let conn = &mut server.conn();
    for round in 0..3 {
        let flood = InFlight::creates(&server, 30);
        await_waiting(conn, 20);
        drop(flood);
        let mut flood = InFlight::creates(&server, 20);
        // Those who left have nothing done for them any more, or had it done before they left.
        meanwhile(conn, 20, &["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).unwrap();
        let replies = flood.replies();
        assert!(outcomes(&replies).contains(&"gone"), "round {round}: {replies:?}");
        await_idle(conn);
        assert_sound(&mut server);
        // All work is done when one that came later is: nothing comes after it.
        create(conn, "last", "{}", &[]);
        let made = sessions_of(conn, "flood");
        assert!(made.len() <= 50, "{made:?}");
        assert_indexed(conn, "flood", &made);
        exec(conn, &["FLUSHALL"]);
    }
    exec(conn, &["MODULE", "UNLOAD", "jrs"]);
    assert_sound(&mut server);
}

/// Commands as one connection sends them in one piece.
fn packed(commands: &[&[&str]]) -> Vec<u8> {
    let pack = |words: &&[&str]| redis::cmd(words[0]).arg(&words[1..]).get_packed_command();
    commands.iter().flat_map(pack).collect()
}

/// Redis 7.0 ends no wait, see below.
fn ends_waits(conn: &mut Connection) -> bool {
    let info: String = send(conn, &["INFO", "server"]).unwrap();
    !info.contains("redis_version:7.0.")
}

/// Redis 7.0 would reply nothing to a client that is unblocked when its work is done and the server has not seen it yet.
#[test]
fn no_reply_is_lost_when_a_wait_is_ended_as_the_work_ends() {
    // Some ten milliseconds. It cannot look at the clock, which stands still in a script.
    const BUSY: &str = "for _ = 1, 5000000 do end";
    let mut server = Server::builder().keys(rs256().as_bytes()).start();
    let (conn, late) = (&mut server.conn(), &mut server.conn());
    let id = send::<i64>(late, &["CLIENT", "ID"]).unwrap().to_string();
    let next = Value::BulkString(b"next".to_vec());
    for way in ["TIMEOUT", "ERROR"].repeat(10) {
        late.send_packed_command(&packed(&[&["JRS.CREATE", "late", "{}"], &["ECHO", "next"]])).unwrap();
        // The signature takes less time than this, in which the server sees nothing, and then it is told to unblock.
        conn.send_packed_command(&packed(&[&["EVAL", BUSY, "0"], &["CLIENT", "UNBLOCK", &id, way]])).unwrap();
        let _ = (conn.recv_response().unwrap(), conn.recv_response().unwrap());
        let first = late.recv_response().and_then(Value::extract_error);
        assert_ne!(first, Ok(next.clone()), "the reply of the command before is missing");
        assert_eq!(late.recv_response().unwrap(), next);
    }
    assert_sound(&mut server);
}

#[test]
fn client_unblock_ends_the_wait_and_nothing_is_done() {
    for (way, word) in [("TIMEOUT", "BUSY"), ("ERROR", "UNBLOCKED")] {
        let mut server = slow().config("enable-module-command", "local").arg("allow-unload", "yes").start();
        let conn = &mut server.conn();
        let mut flood = InFlight::creates(&server, 20);
        let mut late = server.conn();
        let id: i64 = send(&mut late, &["CLIENT", "ID"]).unwrap();
        await_waiting(conn, 10);
        let mut late = InFlight::start(vec![late], &[words(&["JRS.CREATE", "late", "{}"])]);
        let unblocked = meanwhile(conn, 5, &["CLIENT", "UNBLOCK", &id.to_string(), way]).unwrap();
        let ends = ends_waits(conn);
        assert_eq!(unblocked, Value::Int(ends.into()), "{way}");
        assert_eq!(outcomes(&late.replies()), [if ends { word } else { "ok" }]);
        assert!(outcomes(&flood.replies()).iter().all(|outcome| *outcome == "ok"));
        create(conn, "ada", "{}", &[]);
        assert_eq!(sessions_of(conn, "late").is_empty(), ends, "{way}");
        assert_sound(&mut server);
        exec(conn, &["MODULE", "UNLOAD", "jrs"]);
        assert_sound(&mut server);
    }
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
    assert!(busy > 0 && tokens.len() >= 5, "{busy} were refused, {} made", tokens.len());
    assert_eq!(busy + tokens.len(), 100, "nothing else happened");
    assert_eq!(info(conn, "crypto_queue_refused"), busy as u64);
    assert_eq!(sessions_of(conn, "flood").len(), tokens.len());
    assert!(tokens.iter().all(|token| get(conn, token).is_some()));
    assert_sound(&mut server);
}

#[test]
fn threads_and_queue_change_under_load() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let mut made = 0;
    for (threads, queue) in [("4", "1024"), ("64", "1000000"), ("2", "7"), ("1", "1")] {
        let mut flood = InFlight::creates(&server, 25);
        let change = ["CONFIG", "SET", "jrs.crypto-threads", threads, "jrs.crypto-queue", queue];
        meanwhile(conn, 6, &change).unwrap();
        // What waits already is done, wherever; what comes now meets the new sizes.
        let mut late = InFlight::creates(&server, 25);
        set(conn, "jrs.crypto-threads", "3");
        let (replies, late) = (flood.replies(), late.replies());
        assert_eq!(created(&replies).len(), 25, "{threads} {queue}: {replies:?}");
        assert!(outcomes(&late).iter().all(|outcome| ["ok", "BUSY"].contains(outcome)), "{late:?}");
        made += 25 + created(&late).len();
        assert_eq!(sessions_of(conn, "flood").len(), made);
        exec(conn, &["CONFIG", "SET", "jrs.crypto-threads", "1", "jrs.crypto-queue", "1024"]);
    }
    assert_sound(&mut server);
}

#[test]
fn unloading_waits_for_work_or_is_refused() {
    let mut server = slow().config("enable-module-command", "local").arg("allow-unload", "yes").start();
    let conn = &mut server.conn();
    let (module, keys) = (module_path(), server.dir().join("keys"));
    let args =
        ["keys-file", keys.to_str().unwrap(), "algorithm", "RS512", "crypto-threads", "1", "allow-unload", "yes"];
    let load = [&["MODULE", "LOAD", module.to_str().unwrap()][..], &args].concat();
    for _ in 0..5 {
        let mut flood = InFlight::creates(&server, 20);
        let refused = meanwhile(conn, 5, &["MODULE", "UNLOAD", "jrs"]);
        assert!(refused.is_err(), "clients are waiting for the module");
        let replies = flood.replies();
        // The threads may still be busy with leaving their last job.
        exec(conn, &["MODULE", "UNLOAD", "jrs"]);
        assert_eq!(created(&replies).len(), 20, "{replies:?}");
        exec(conn, &load);
        assert!(created(&replies).iter().all(|token| get(conn, token).is_some()));
        // Clients that left: what was begun for them ends, and nobody is told.
        let flood = InFlight::creates(&server, 20);
        await_waiting(conn, 5);
        drop(flood);
        await_that("the end of all work", || send::<Value>(conn, &["MODULE", "UNLOAD", "jrs"]).ok());
        assert_sound(&mut server);
        exec(conn, &load);
        create(conn, "ada", "{}", &[]);
    }
    assert_sound(&mut server);
}

#[test]
fn shutting_down_is_clean_with_work_in_flight() {
    for way in ["NOSAVE", "SAVE", "SIGTERM"] {
        let mut server = slow().start();
        let conn = &mut server.conn();
        let token = create(conn, "ada", "{}", &[]);
        let mut flood = InFlight::creates(&server, 80);
        await_waiting(conn, 40);
        if way != "SIGTERM" {
            conn.send_packed_command(&redis::cmd("SHUTDOWN").arg(way).get_packed_command()).unwrap();
        }
        server.stop();
        let log = server.log();
        assert!(!log.contains("this is a bug in jrs") && !log.contains("BUG REPORT"), "{log}");
        assert!(outcomes(&flood.replies()).contains(&"gone"), "{way}");
        server.restart();
        assert_eq!(get(&mut server.conn(), &token).is_some(), way == "SAVE", "{way}");
    }
}

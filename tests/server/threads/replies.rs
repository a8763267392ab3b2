//! Replies of commands whose signatures a crypto thread computes.

use redis::Value;

use crate::support::{
    Server,
    cases::cases,
    in_flight::{assert_sound, es256, info, rs256, slow, words},
    sessions::{assert_indexed, create, etag, exec, get, refused, send},
    tokens::{self, header, key},
};

#[test]
fn commands_reply_the_same_as_with_fast_keys() {
    for (algorithm, key_file) in cases([("ES256", ("ES256", es256())), ("RS256", ("RS256", rs256()))]) {
        let mut server = Server::builder().keys(key_file.as_bytes()).arg("token-cache-size", "0").start();
        for resp3 in cases([("RESP2", false), ("RESP3", true)]) {
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
fn replies_on_one_connection_are_in_order() {
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
fn transactions_and_scripts_run_inline() {
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

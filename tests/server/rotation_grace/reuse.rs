//! `reuse-detection`: an older token that is used after its grace ends the session.

use redis::Value;

use super::{LONG, assert_finds_nothing, await_end_of_grace, rotate, tombstone};
use crate::support::{
    Server,
    cases::each,
    owner_sessions::{assert_agree, info},
    replicas::{assert_same, primary, replica},
    sessions::{contents, create, exec, expiry, get, millis, refused, send},
    tokens::{SECRET, id, key, signing_keys},
};

fn server(keys: &str) -> Server {
    let builder = Server::builder().keys(keys.as_bytes()).args(&["reuse-detection", "yes"]);
    builder.config("notify-keyspace-events", "KEA").start()
}

fn ended(conn: &mut redis::Connection) -> i64 {
    info(conn, "jrs_sessions", "jrs_sessions_ended_by_reuse")
}

#[test]
fn an_old_token_ends_the_chain() {
    for keys in signing_keys() {
        let server = server(&keys);
        let conn = &mut server.conn();
        for (grace, first_command) in
            each([("0", "JRS.GET"), ("1", "JRS.TOUCH"), ("0", "JRS.ROTATE"), ("0", "JRS.DESTROY")])
        {
            let before = ended(conn);
            let first = create(conn, "ada", "{}", &[]);
            let second = rotate(conn, &first, &["GRACE", grace]);
            let third = rotate(conn, &second, &["GRACE", LONG]);
            await_end_of_grace(conn, &first);
            assert_eq!(get(conn, &second).unwrap().id, id(&third), "one in grace does not end the chain");
            // Commands that cannot write change nothing.
            for _ in 0..2 {
                let all = contents(conn);
                assert_eq!(refused(conn, &["JRS.PEEK", &first]), "REUSED");
                assert_eq!(contents(conn), all);
            }
            let inspected = send::<Vec<Value>>(conn, &["JRS.INSPECT", &first]).unwrap();
            assert_eq!(inspected[1], Value::Int(0), "not active");
            assert_eq!(ended(conn), before);
            assert!(get(conn, &third).is_some());

            let mut listener = server.conn();
            let mut listener = listener.as_pubsub();
            listener.psubscribe("__keyevent@0__:jrs.*").unwrap();
            listener.subscribe("end").unwrap();
            assert_eq!(refused(conn, &[first_command, &first]), "REUSED");
            assert_eq!(send::<i64>(conn, &["EXISTS", &key(&third)]).unwrap(), 0);
            for token in [&first, &second, &third] {
                for words in [
                    &["JRS.GET", token][..],
                    &["JRS.PEEK", token],
                    &["JRS.UPDATE", token, "{}"],
                    &["JRS.ROTATE", token],
                ] {
                    assert_eq!(refused(conn, words), "REUSED", "{words:?}");
                }
            }
            assert_eq!(ended(conn), before + 1, "counted once");
            exec(conn, &["PUBLISH", "end", ""]);
            let event = listener.get_message().unwrap();
            assert_eq!(event.get_channel_name(), "__keyevent@0__:jrs.reuse");
            assert_eq!(event.get_payload::<String>().unwrap(), key(&third));
            assert_eq!(listener.get_message().unwrap().get_channel_name(), "end", "one event");
            assert!(assert_agree(conn, "ada").is_empty());
            exec(conn, &["DEL", &tombstone(&third)]);
            for token in [&first, &second, &third] {
                assert_finds_nothing(conn, token);
            }
        }
    }
}

#[test]
fn a_session_that_ended_otherwise_is_not_reused() {
    let server = server(SECRET);
    let conn = &mut server.conn();
    for how in each(["DEL", "JRS.REVOKE", "JRS.DESTROY", "JRS.DESTROYALL", "REAUTH", "OWNER"]) {
        let first = create(conn, "ada", "{}", &[]);
        let second = rotate(conn, &first, &[]);
        match how {
            "DEL" | "JRS.REVOKE" => exec(conn, &[how, &key(&second)]),
            "JRS.DESTROY" => exec(conn, &[how, &second]),
            "JRS.DESTROYALL" => exec(conn, &[how, "ada"]),
            "REAUTH" => drop(rotate(conn, &second, &["REAUTH"])),
            _ => drop(rotate(conn, &second, &["OWNER", "bob"])),
        }
        assert_finds_nothing(conn, &first);
        assert_finds_nothing(conn, &second);
    }
    assert_eq!(ended(conn), 0);
}

#[test]
fn reuse_is_detected_until_the_deadline() {
    let server = server(SECRET);
    let conn = &mut server.conn();
    exec(conn, &["CONFIG", "SET", "jrs.max-lifetime", "0"]);
    let month = 30 * 86_400_000;
    let before = millis();
    let first = create(conn, "ada", "{}", &[]);
    let new = rotate(conn, &first, &[]);
    let end = expiry(conn, &tombstone(&new));
    assert!((before + month..=millis() + month).contains(&end), "{end}");
    let deadline = (millis() / 1000 + 5000) * 1000;
    let first = create(conn, "ada", "{}", &["PXAT", &deadline.to_string()]);
    let new = rotate(conn, &first, &[]);
    assert_eq!(expiry(conn, &tombstone(&new)), deadline);
    let first = create(conn, "ada", "{}", &[]);
    let new = rotate(conn, &first, &[]);
    let end = expiry(conn, &tombstone(&new));
    assert_eq!(refused(conn, &["JRS.GET", &first]), "REUSED");
    assert_eq!(expiry(conn, &tombstone(&new)), end, "the mark keeps the expiry");
}

#[test]
fn transactions_scripts_and_replicas_see_the_end_of_the_chain() {
    for (keys, get_requires_write) in each([
        (SECRET.to_owned(), "yes"),
        (SECRET.to_owned(), "no"),
        (crate::support::tokens::elliptic_jwk().to_string(), "no"),
    ]) {
        let builder = primary(Server::builder().keys(keys.as_bytes())).args(&[
            "reuse-detection",
            "yes",
            "get-requires-write",
            get_requires_write,
        ]);
        let server = builder.clone().start();
        let copy = replica(&server, builder);
        let (conn, replica) = (&mut server.conn(), &mut copy.conn());
        for how in 0..3 {
            let first = create(conn, "ada", "{}", &[]);
            let second = rotate(conn, &first, &[]);
            assert_same(conn, replica);
            let all = contents(replica);
            assert_eq!(refused(replica, &["JRS.PEEK", &first]), "REUSED");
            assert_eq!(contents(replica), all);
            let reply: redis::RedisResult<Value> = match how {
                0 => send(conn, &["JRS.GET", &first]),
                1 => redis::pipe().atomic().cmd("JRS.GET").arg(&first).query(conn),
                _ => send(conn, &["EVAL", "return redis.pcall('JRS.GET', ARGV[1])", "0", &first]),
            };
            assert!(format!("{reply:?}").contains("REUSED"), "{reply:?}");
            assert_eq!(send::<i64>(conn, &["EXISTS", &key(&second)]).unwrap(), 0);
            assert_same(conn, replica);
            assert_eq!(refused(replica, &["JRS.PEEK", &second]), "REUSED");
        }
        assert_eq!(ended(conn), 3);
    }
}

//! `reuse-detection`: an older token that is used after its grace ends the session.

use redis::{Connection, Value};

use super::{LONG, assert_finds_nothing, await_end_of_grace, rotate, tombstone};
use crate::support::{
    Server, await_that,
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

fn ended(conn: &mut Connection) -> i64 {
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

/// The tombstone lives as long as its session can: it follows each change of the session's expiry.
#[test]
fn reuse_is_detected_as_long_as_the_session_lives() {
    for (keys, get_requires_write) in each([(SECRET, "yes"), (SECRET, "no")]) {
        let builder = Server::builder().keys(keys.as_bytes());
        let builder = builder.args(&["reuse-detection", "yes", "get-requires-write", get_requires_write]);
        let server = primary(builder.clone()).start();
        let copy = replica(&server, builder);
        let (conn, replica) = (&mut server.conn(), &mut copy.conn());
        let first = create(conn, "ada", "{}", &["EX", "5000"]);
        let new = rotate(conn, &first, &[]);
        let assert_follows = |conn: &mut Connection| {
            let end = expiry(conn, &tombstone(&new));
            assert_eq!(end, expiry(conn, &key(&new)));
            end
        };
        assert_follows(conn);
        for words in each([
            &["JRS.GET", &new][..],
            &["JRS.TOUCH", &new],
            &["JRS.TOUCH", &new, "EX", "3000"],
            &["JRS.UPDATE", &new, "{}"],
            &["JRS.UPDATE", &new, "{}", "EX", "2000"],
            &["JRS.UPDATE", &new, "{}", "MERGE", "KEEPTTL"],
            &["MULTI"],
            &["EVAL", "return redis.call('JRS.GET', ARGV[1])", "0", &new],
        ]) {
            exec(conn, &["EXPIRE", &key(&new), "100"]);
            let is_kept = words.contains(&"KEEPTTL");
            exec(conn, &["EXPIRE", &tombstone(&new), "100"]);
            exec(conn, words);
            if words == ["MULTI"] {
                exec(conn, &["JRS.TOUCH", &new]);
                exec(conn, &["EXEC"]);
            }
            if is_kept {
                // Nothing moved.
                assert!(expiry(conn, &tombstone(&new)) < millis() + 200_000);
            } else {
                assert!(assert_follows(conn) > millis() + 200_000, "{words:?}");
            }
        }
        assert_same(conn, replica);
        // No new tombstone, and none where another client wrote a value.
        let lone = create(conn, "ada", "{}", &[]);
        let lone = rotate(conn, &lone, &[]);
        exec(conn, &["DEL", &tombstone(&lone)]);
        exec(conn, &["EXPIRE", &key(&lone), "100"]);
        exec(conn, &["JRS.GET", &lone]);
        assert_eq!(send::<i64>(conn, &["EXISTS", &tombstone(&lone)]).unwrap(), 0);
        exec(conn, &["SET", &tombstone(&lone), "x", "EX", "100"]);
        let end = expiry(conn, &tombstone(&lone));
        exec(conn, &["JRS.TOUCH", &lone, "EX", "50"]);
        assert_eq!(expiry(conn, &tombstone(&lone)), end);

        // The session expires, and the tombstone with it.
        let short = create(conn, "ada", "{}", &[]);
        let short_new = rotate(conn, &short, &[]);
        exec(conn, &["JRS.TOUCH", &short_new, "PX", "500"]);
        await_that("the end of the session", || {
            let names = [key(&short_new), tombstone(&short_new)];
            (send::<i64>(conn, &["EXISTS", &names[0], &names[1]]).unwrap() == 0).then_some(())
        });
        assert_finds_nothing(conn, &short);

        let end = expiry(conn, &tombstone(&new));
        assert_eq!(refused(conn, &["JRS.GET", &first]), "REUSED", "after the session was extended");
        assert_eq!(expiry(conn, &tombstone(&new)), end, "the mark keeps the expiry");
        assert_same(conn, replica);
    }
}

#[test]
fn a_tombstone_lives_until_the_last_grace_ends() {
    let server = server(SECRET);
    let conn = &mut server.conn();
    let first = create(conn, "ada", "{}", &[]);
    let before = millis();
    let new = rotate(conn, &first, &["GRACE", LONG]);
    exec(conn, &["JRS.TOUCH", &new, "EX", "10"]);
    assert!(expiry(conn, &key(&new)) < before + 30_000);
    assert!(expiry(conn, &tombstone(&new)) >= before + 60_000);
    // Without reuse detection, nothing moves it.
    exec(conn, &["CONFIG", "SET", "jrs.reuse-detection", "no"]);
    let end = expiry(conn, &tombstone(&new));
    exec(conn, &["JRS.TOUCH", &new]);
    assert_eq!(expiry(conn, &tombstone(&new)), end);
    exec(conn, &["CONFIG", "SET", "jrs.reuse-detection", "yes"]);
    exec(conn, &["JRS.TOUCH", &new, "EX", "9000"]);
    assert_eq!(expiry(conn, &tombstone(&new)), expiry(conn, &key(&new)));
}

#[test]
fn a_tombstone_without_an_expiry_is_marked_too() {
    let server = server(SECRET);
    let conn = &mut server.conn();
    let first = create(conn, "ada", "{}", &[]);
    let new = rotate(conn, &first, &[]);
    exec(conn, &["PERSIST", &tombstone(&new)]);
    for _ in 0..2 {
        assert_eq!(refused(conn, &["JRS.GET", &first]), "REUSED");
    }
    assert_eq!(refused(conn, &["JRS.GET", &new]), "REUSED");
    assert_eq!(ended(conn), 1);
    assert!(expiry(conn, &tombstone(&new)) > millis());
}

/// Theft must end the session, whatever permission or options the second use has.
#[test]
fn permissions_and_options_do_not_save_a_stolen_session() {
    let server = server(SECRET);
    let conn = &mut server.conn();
    let limited = &mut server.conn();
    for words in each([&[][..], &["nonsense"]]) {
        let first = create(conn, "ada", "{}", &[]);
        let new = rotate(conn, &first, &[]);
        let key_rule = format!("~{}", key(&first));
        exec(conn, &["ACL", "SETUSER", "limited", "reset", "on", ">p", "+@all", &key_rule]);
        exec(limited, &["AUTH", "limited", "p"]);
        assert_eq!(refused(limited, &["JRS.TOUCH", &new]), "NOPERM");
        assert_eq!(refused(limited, &[&["JRS.TOUCH", &first], words].concat()), "REUSED");
        assert_eq!(send::<i64>(conn, &["EXISTS", &key(&new)]).unwrap(), 0);
    }
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

//! Logins beside a flood of forgeries: what is to be signed has a queue of its own, which is served first.

use redis::{Connection, RedisResult, Value};

use crate::support::{
    Server, await_that,
    in_flight::{InFlight, assert_sound, await_idle, await_waiting, created, info, outcomes, slow, words},
    sessions::{create, exec, get, send},
    tokens::key,
};

/// Many times as many tokens as are verified while a few are signed.
const FORGERIES: usize = 400;

/// The token with the signature of another one.
fn forged(conn: &mut Connection, token: &str) -> String {
    let other = create(conn, "mallory", "{}", &[]);
    let (signed, _) = token.rsplit_once('.').unwrap();
    format!("{signed}.{}", other.rsplit_once('.').unwrap().1)
}

/// A command for each connection of a flood that keeps its connections.
fn flood(server: &Server, count: usize, command: &[&str]) -> InFlight {
    let connections = (0..count).map(|_| server.conn()).collect();
    InFlight::start(connections, &vec![words(command); count])
}

/// Sends commands in one piece while signatures wait, and returns the replies once all of them came before the last of
/// these signatures: what needs the thread is answered after it. The pieces must fit into 16 kB, which the server reads at
/// once.
fn while_signing(server: &Server, conn: &mut Connection, commands: &[Vec<String>]) -> Vec<RedisResult<Value>> {
    let info = words(&["INFO", "jrs_tokens"]);
    let pack = |words: &Vec<String>| redis::Cmd::new().arg(words).get_packed_command();
    let piece: Vec<u8> = commands.iter().chain([&info]).flat_map(pack).collect();
    assert!(piece.len() < 16 << 10, "{}", piece.len());
    // On a busy machine the signatures may be done before the commands arrive.
    await_that("answers before signatures", || {
        let mut held = InFlight::creates(server, 20);
        await_waiting(conn, 1);
        conn.send_packed_command(&piece).unwrap();
        let replies: Vec<_> = commands.iter().map(|_| conn.recv_response().and_then(Value::extract_error)).collect();
        let left: String = redis::from_redis_value(conn.recv_response().unwrap()).unwrap();
        assert!(outcomes(&held.replies()).iter().all(|outcome| *outcome == "ok"));
        (!left.contains("jrs_crypto_queue_waiting:0\r\n")).then_some(replies)
    })
}

#[test]
fn a_login_is_served_before_the_forgeries_that_came_earlier() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let forged = forged(conn, &token);
    let known = create(conn, "bob", "{}", &[]);
    exec(conn, &["CONFIG", "SET", "jrs.token-cache-size", "1mb"]);
    assert!(get(conn, &known).is_some());
    // Each command, and in the same piece the question what waits when it is done.
    let mut logins = vec![words(&["JRS.CREATE", "login", "{}"]), words(&["JRS.ROTATE", &known, "REAUTH"])];
    // The flood may be over before the login comes; a login behind all of it would never see it waiting.
    await_that("a login among forgeries", || {
        let mut forgeries = flood(&server, FORGERIES, &["JRS.GET", &forged]);
        await_waiting(conn, 1);
        let mut both = redis::Cmd::new().arg(&logins[0]).get_packed_command();
        both.extend(redis::cmd("INFO").arg("jrs_tokens").get_packed_command());
        conn.send_packed_command(&both).unwrap();
        let login = conn.recv_response().and_then(Value::extract_error).expect("a login");
        let left: String = redis::from_redis_value(conn.recv_response().unwrap()).unwrap();
        assert!(outcomes(&forgeries.replies()).iter().all(|outcome| *outcome == "BADTOKEN"));
        assert!(matches!(login, Value::BulkString(_)), "{login:?}");
        if left.contains("jrs_crypto_queue_waiting_verifying:0\r\n") {
            if logins.len() == 1 {
                // The session was rotated: the next round takes the token that came.
                let token: String = redis::from_redis_value(login).unwrap();
                assert!(get(conn, &token).is_some());
                logins[0][1] = token;
            }
            return None;
        }
        logins.remove(0);
        logins.is_empty().then_some(())
    });
    assert_sound(&mut server);
}

#[test]
fn logins_find_room_when_forgeries_do_not() {
    let mut server = slow().arg("crypto-queue", "8").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let forged = forged(conn, &token);
    let before = info(conn, "crypto_queue_refused");
    let (mut made, mut busy) = (0, 0);
    await_that("forgeries without room", || {
        let mut forgeries = flood(&server, FORGERIES, &["JRS.GET", &forged]);
        let mut logins = flood(&server, 5, &["JRS.CREATE", "login", "{}"]);
        let replies = logins.replies();
        assert_eq!(outcomes(&replies), ["ok"; 5], "{replies:?}");
        made += created(&replies).len();
        let replies = forgeries.replies();
        let outcomes = outcomes(&replies);
        assert!(outcomes.iter().all(|outcome| ["BADTOKEN", "BUSY"].contains(outcome)), "{outcomes:?}");
        busy += outcomes.iter().filter(|outcome| **outcome == "BUSY").count() as u64;
        (busy > 0).then_some(())
    });
    await_idle(conn);
    assert_eq!(info(conn, "crypto_queue_refused") - before, busy);
    assert_eq!((info(conn, "crypto_queue_refused_verifying"), info(conn, "crypto_queue_refused_signing")), (busy, 0));
    assert_eq!(send::<Vec<Value>>(conn, &["JRS.LIST", "login"]).unwrap().len(), made);
    assert_sound(&mut server);
}

/// A token that was good once is known, and its replay is no forgery: it must not fill the queue of the logins.
#[test]
fn a_known_token_whose_session_is_gone_is_not_rotated() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    exec(conn, &["CONFIG", "SET", "jrs.token-cache-size", "1mb"]);
    let token = create(conn, "ada", "{}", &[]);
    assert!(get(conn, &token).is_some());
    let rotated: String = send(conn, &["JRS.ROTATE", &token]).unwrap();
    assert!(get(conn, &rotated).is_some());
    let pair = [words(&["JRS.ROTATE", &token]), words(&["JRS.ROTATE", &key(&token), &rotated])];
    let replies = while_signing(&server, conn, &[pair.clone(), pair].concat());
    assert_eq!(outcomes(&replies), ["ok", "WRONGKEY", "ok", "WRONGKEY"]);
    assert!(replies.iter().flatten().all(|reply| *reply == Value::Nil), "{replies:?}");
    assert!(get(conn, &rotated).is_some());
    assert_sound(&mut server);
}

#[test]
fn who_may_not_create_takes_no_place_in_the_queue() {
    let mut server = slow().arg("crypto-queue", "30").start();
    let conn = &mut server.conn();
    exec(conn, &["ACL", "SETUSER", "stranger", "on", "nopass", "~cache:*", "+@all"]);
    let stranger = &mut server.conn();
    exec(stranger, &["AUTH", "stranger", "x"]);
    let replies = while_signing(&server, stranger, &vec![words(&["JRS.CREATE", "ada", "{}"]); 20]);
    assert_eq!(outcomes(&replies), ["NOPERM"; 20]);
    assert_sound(&mut server);
}

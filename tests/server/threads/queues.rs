//! Two queues: commands that sign, such as logins, run before tokens that must be verified, such as forgeries.

use redis::{Connection, RedisResult, Value};

use crate::support::{
    Server, await_that,
    in_flight::{Batch, InFlight, assert_sound, await_idle, created, info, outcomes, slow, words},
    sessions::{create, exec, get, send},
    tokens::key,
};

/// Enough forgeries that they wait while a few logins are signed.
const FORGERIES: usize = 400;

/// The token with the signature of another token.
fn forged(conn: &mut Connection, token: &str) -> String {
    let other = create(conn, "mallory", "{}", &[]);
    let (signed, _) = token.rsplit_once('.').unwrap();
    format!("{signed}.{}", other.rsplit_once('.').unwrap().1)
}

/// Sends a command on each of `count` new connections.
fn send_many(server: &Server, count: usize, command: &[&str]) -> InFlight {
    let connections = (0..count).map(|_| server.conn()).collect();
    InFlight::start(connections, &vec![words(command); count])
}

/// Sends commands together while creates wait for the crypto thread. Returns their replies, and checks that all came before
/// the last create was done, so none of them waited for the thread. Together they must be less than 16 kB, which the server
/// reads at once.
fn while_signing(server: &Server, conn: &mut Connection, commands: &[Vec<String>]) -> Vec<RedisResult<Value>> {
    let info = words(&["INFO", "jrs_tokens"]);
    let pack = |words: &Vec<String>| redis::Cmd::new().arg(words).get_packed_command();
    let packed: Vec<u8> = commands.iter().chain([&info]).flat_map(pack).collect();
    assert!(packed.len() < 16 << 10, "{}", packed.len());
    let mut creates = Batch::creates(server, 20).send_with(|| conn.send_packed_command(&packed).unwrap());
    let replies = commands.iter().map(|_| conn.recv_response().and_then(Value::extract_error)).collect();
    let left: String = redis::from_redis_value(conn.recv_response().unwrap()).unwrap();
    assert_eq!(outcomes(&creates.replies()), ["ok"; 20]);
    assert!(!left.contains("jrs_crypto_queue_waiting:0\r\n"), "{left}");
    replies
}

#[test]
fn a_login_runs_before_earlier_forgeries() {
    let mut server = slow().start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let forged = forged(conn, &token);
    let known = create(conn, "bob", "{}", &[]);
    exec(conn, &["CONFIG", "SET", "jrs.token-cache-size", "1mb"]);
    assert!(get(conn, &known).is_some());
    // Each login is sent together with an INFO, which shows the queue when the login is done.
    let mut logins = vec![words(&["JRS.CREATE", "login", "{}"]), words(&["JRS.ROTATE", &known, "REAUTH"])];
    // On a busy machine all forgeries may be done before the server runs INFO. If logins ran after them, that would be so each
    // time.
    await_that("a login among forgeries", || {
        let mut both = redis::Cmd::new().arg(&logins[0]).get_packed_command();
        both.extend(redis::cmd("INFO").arg("jrs_tokens").get_packed_command());
        let batch = Batch::new(&server).and(&vec![words(&["JRS.GET", &forged]); FORGERIES]);
        let mut forgeries = batch.send_with(|| conn.send_packed_command(&both).unwrap());
        let login = conn.recv_response().and_then(Value::extract_error).expect("a token");
        let left: String = redis::from_redis_value(conn.recv_response().unwrap()).unwrap();
        assert!(outcomes(&forgeries.replies()).iter().all(|outcome| *outcome == "BADTOKEN"));
        assert!(matches!(login, Value::BulkString(_)), "{login:?}");
        if left.contains("jrs_crypto_queue_waiting_verifying:0\r\n") {
            if logins.len() == 1 {
                // The session was rotated: the next round uses the new token.
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
fn logins_are_accepted_when_forgeries_fill_their_queue() {
    let mut server = slow().arg("crypto-queue", "8").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let forged = forged(conn, &token);
    let before = info(conn, "crypto_queue_refused");
    let (mut made, mut busy) = (0, 0);
    await_that("refused forgeries", || {
        let mut forgeries = send_many(&server, FORGERIES, &["JRS.GET", &forged]);
        let mut logins = send_many(&server, 5, &["JRS.CREATE", "login", "{}"]);
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

/// The replay of a token that was rotated is in the token cache: it must not fill the queue of the logins.
#[test]
fn a_cached_token_without_a_session_is_not_queued() {
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
fn a_user_without_permission_is_not_queued() {
    let mut server = slow().arg("crypto-queue", "30").start();
    let conn = &mut server.conn();
    exec(conn, &["ACL", "SETUSER", "stranger", "on", "nopass", "~cache:*", "+@all"]);
    let stranger = &mut server.conn();
    exec(stranger, &["AUTH", "stranger", "x"]);
    let replies = while_signing(&server, stranger, &vec![words(&["JRS.CREATE", "ada", "{}"]); 20]);
    assert_eq!(outcomes(&replies), ["NOPERM"; 20]);
    assert_sound(&mut server);
}

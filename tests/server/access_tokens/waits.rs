//! JRS.MINT with slow signatures: what changes while it waits, and what runs without a wait.

use redis::Value;

use super::mint;
use crate::support::{
    Server,
    in_flight::{Batch, assert_sound, create_commands, info, outcomes, slow, words},
    sessions::{create, exec, expiry, get, now, send},
    tokens::{claims, id, key},
};

/// How many creates are in the queue before the access tokens.
const CREATES: usize = 20;

/// A server with the slowest key that can sign access tokens, and a cache if `cache` is a size.
fn server(cache: &str) -> Server {
    let server = slow().args(&["issuer", "i", "audience", "a"]).start();
    exec(&mut server.conn(), &["CONFIG", "SET", "jrs.token-cache-size", cache]);
    server
}

/// Sends JRS.MINT for these sessions, and `change` while they wait for their signatures. Returns the replies.
fn meanwhile(server: &Server, sessions: &[&String], change: &[&str]) -> Vec<redis::RedisResult<Value>> {
    let mints: Vec<_> = sessions.iter().map(|session| words(&["JRS.MINT", session, "EX", "3600"])).collect();
    let batch = Batch::new(server).and(&create_commands(CREATES)).and(&mints);
    let (mut waiting, changed) = batch.meanwhile(&mut server.conn(), CREATES / 2, change);
    changed.unwrap();
    waiting.replies().split_off(CREATES)
}

fn token(reply: &redis::RedisResult<Value>) -> String {
    redis::from_redis_value_ref(reply.as_ref().expect("a token")).expect("a token")
}

#[test]
fn a_session_that_ends_or_is_shortened_meanwhile_gets_no_longer_token() {
    for cache in ["0", "1mb"] {
        let mut server = server(cache);
        let conn = &mut server.conn();
        let [destroyed, stays] = ["ada", "bob"].map(|owner| create(conn, owner, "{}", &["EX", "1000"]));
        // With a cache the tokens are known.
        assert!(get(conn, &destroyed).is_some() && get(conn, &stays).is_some());
        let replies = meanwhile(&server, &[&destroyed, &stays], &["DEL", &key(&destroyed)]);
        assert_eq!(replies[0], Ok(Value::Nil), "{cache}");
        assert_eq!(claims(&token(&replies[1]))["sid"], id(&stays));

        // 950 s is within a tenth of the ttl and the touch-interval: no extension is due.
        let change = ["EXPIREAT", &key(&stays), &(now() + 950).to_string()];
        let minted = token(&meanwhile(&server, &[&stays], &change)[0]);
        let (end, until) = (claims(&minted)["exp"].as_i64().unwrap(), expiry(conn, &key(&stays)));
        assert!(end * 1000 <= until && end > now() + 800, "{end} {until}");
        assert_sound(&mut server);
    }
}

#[test]
fn writes_and_permissions_are_checked_again_after_the_wait() {
    let mut server = server("1mb");
    let conn = &mut server.conn();
    let session = create(conn, "ada", "{}", &[]);
    assert!(get(conn, &session).is_some());
    let replies = meanwhile(&server, &[&session], &["CLIENT", "PAUSE", "600000", "WRITE"]);
    assert_eq!(outcomes(&replies), ["TRYAGAIN"]);
    exec(conn, &["CLIENT", "UNPAUSE"]);
    let replies = meanwhile(&server, &[&session], &["ACL", "SETUSER", "default", "resetkeys"]);
    assert_eq!(outcomes(&replies), ["NOPERM"]);
    exec(conn, &["ACL", "SETUSER", "default", "~*"]);
    assert_sound(&mut server);
}

#[test]
fn a_missing_session_and_a_refused_command_are_not_queued() {
    let mut server = server("1mb");
    let conn = &mut server.conn();
    let [gone, live] = ["ada", "bob"].map(|owner| create(conn, owner, "{}", &[]));
    assert!(get(conn, &gone).is_some() && get(conn, &live).is_some());
    exec(conn, &["JRS.DESTROY", &gone]);
    let commands = [
        vec!["JRS.MINT", &gone],
        vec!["JRS.MINT", &live, "CLAIMS", r#"{"exp":1}"#],
        vec!["JRS.MINT", &live, "CLAIMS", "[]"],
        vec!["JRS.MINT", &live, "EX", "3601"],
        vec!["JRS.MINT", "sess:other", &live],
        vec!["INFO", "jrs_tokens"],
    ];
    let packed: Vec<u8> =
        commands.iter().flat_map(|words| redis::cmd(words[0]).arg(&words[1..]).get_packed_command()).collect();
    let mut creates = Batch::creates(&server, CREATES).send_with(|| conn.send_packed_command(&packed).unwrap());
    let replies: Vec<_> = commands.iter().map(|_| conn.recv_response().and_then(Value::extract_error)).collect();
    assert_eq!(replies[0], Ok(Value::Nil));
    assert_eq!(outcomes(&replies[1..5]), ["ERR", "BADDATA", "ERR", "WRONGKEY"]);
    // All of them were answered before the creates were signed.
    let left: String = redis::from_redis_value_ref(replies[5].as_ref().unwrap()).unwrap();
    assert!(!left.contains("jrs_crypto_queue_waiting:0\r\n"), "{left}");
    assert_eq!(outcomes(&creates.replies()), ["ok"; CREATES]);
    assert_sound(&mut server);
}

#[test]
fn transactions_and_scripts_sign_without_a_wait() {
    let mut server = slow().args(&["issuer", "i", "audience", "a", "crypto-queue", "1"]).start();
    let conn = &mut server.conn();
    let session = create(conn, "ada", "{}", &[]);
    let mut atomic = redis::pipe();
    for _ in 0..3 {
        atomic.atomic().cmd("JRS.MINT").arg(&session);
    }
    let mut minted: Vec<String> = atomic.query(conn).unwrap();
    let script = "return {redis.call('JRS.MINT', ARGV[1]), redis.call('JRS.MINT', ARGV[1], 'EX', '60')}";
    minted.extend(send::<Vec<String>>(conn, &["EVAL", script, "0", &session]).unwrap());
    assert!(minted.iter().all(|token| claims(token)["sid"] == id(&session)), "{minted:?}");
    assert_eq!(info(conn, "crypto_queue_refused"), 0);
    minted.push(mint(conn, &session, &[]));
    assert_eq!(info(conn, "access_tokens_minted"), minted.len() as u64);
    assert_sound(&mut server);
}

//! Commands and sessions as a client sees them.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    time::{SystemTime, UNIX_EPOCH},
};

use redis::{Connection, FromRedisValue, RedisResult, ToRedisArgs};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::support::{
    Server, error_word,
    owner_sessions::{assert_agree, assert_index_agrees},
};

/// A session as `JRS.GET` returns it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) owner: String,
    /// The data, byte for byte.
    pub(crate) data: String,
    pub(crate) claims: Value,
    /// The JSON text of `claims`.
    pub(crate) claims_text: String,
    /// Seconds left.
    pub(crate) ttl: i64,
    pub(crate) etag: String,
}

/// Sends a command and returns the reply.
pub(crate) fn send<T: FromRedisValue>(connection: &mut Connection, words: &[&str]) -> RedisResult<T> {
    let (name, arguments) = words.split_first().expect("a command has a name");
    redis::cmd(name).arg(arguments).query(connection)
}

/// Sends a command that must succeed and find what it acts on; the test does not read the reply.
///
/// # Panics
/// If the reply is an error or null.
#[track_caller]
pub(crate) fn exec(connection: &mut Connection, words: &[&str]) {
    match send(connection, words) {
        Ok(redis::Value::Nil) => panic!("{words:?}: the reply is null"),
        Ok(_) => {}
        Err(error) => panic!("{words:?}: {error}"),
    }
}

/// The replies to a command that many clients send before any of them reads its reply.
pub(crate) fn at_once(server: &Server, clients: usize, words: &[&str]) -> Vec<redis::Value> {
    let command = redis::cmd(words[0]).arg(&words[1..]).get_packed_command();
    let mut clients: Vec<Connection> = (0..clients).map(|_| server.conn()).collect();
    for client in &mut clients {
        client.send_packed_command(&command).expect("the server listens");
    }
    clients.iter_mut().map(|client| client.recv_response().expect("the server replies")).collect()
}

/// Sends a command. [`end`] reads the reply.
pub(crate) fn begin(conn: &mut Connection, words: &[&str]) {
    let packed = redis::cmd(words[0]).arg(&words[1..]).get_packed_command();
    conn.send_packed_command(&packed).expect("the server listens");
}

/// The reply to the command that [`begin`] sent.
pub(crate) fn end(conn: &mut Connection) -> RedisResult<redis::Value> {
    conn.recv_response().and_then(redis::Value::extract_error)
}

/// Creates a session and returns its token. `options` follow the data.
pub(crate) fn create(connection: &mut Connection, owner: &str, data: &str, options: &[&str]) -> String {
    let words = [&["JRS.CREATE", owner, data], options].concat();
    send(connection, &words).unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

/// All keys of the selected database, each with its value (serialized) and its expiry in milliseconds.
pub(crate) fn contents(connection: &mut Connection) -> BTreeMap<String, (Vec<u8>, i64)> {
    let keys: Vec<String> = send(connection, &["KEYS", "*"]).expect("the keys can be listed");
    let mut entry = |key: &str| {
        let value = send(connection, &["DUMP", key]).expect("a key can be dumped");
        (value, send(connection, &["PEXPIRETIME", key]).expect("a key has an expire time or none"))
    };
    keys.iter().map(|key| (key.clone(), entry(key))).collect()
}

/// The prefix of an owner's session keys in the default keyspace, without the colon.
pub(crate) fn index(owner: &str) -> String {
    format!("sess:{{{owner}}}")
}

/// Checks that an owner has exactly the sessions with these keys in the default keyspace.
pub(crate) fn assert_indexed(connection: &mut Connection, owner: &str, keys: &[impl AsRef<str>]) {
    let mut expected: Vec<&str> = keys.iter().filter_map(|key| key.as_ref().strip_prefix("sess:")).collect();
    expected.sort_unstable();
    assert_eq!(assert_agree(connection, owner), expected, "the sessions of {owner}");
    assert_index_agrees(connection);
}

/// The first word of the error. The command must be refused.
pub(crate) fn refused(connection: &mut Connection, words: &[&str]) -> String {
    error_word(send(connection, words))
}

/// Checks that a command is refused with an error of this first word and changes nothing. The words are text or bytes.
pub(crate) fn assert_refused(connection: &mut Connection, word: &str, words: &[impl ToRedisArgs + Debug]) {
    let before = contents(connection);
    let reply = redis::Cmd::new().arg(words).query(connection);
    assert!(reply.is_err(), "{words:?} was not refused, but answered with {reply:?}");
    assert_eq!(error_word(reply), word, "{words:?}");
    assert_eq!(contents(connection), before, "{words:?} changed something");
}

/// The etag of session data.
pub(crate) fn etag(data: &str) -> String {
    format!("{:016x}", xxh3_64(data.as_bytes()))
}

/// The session that `JRS.GET` returns, or `None` if the session does not exist. The token must be valid.
pub(crate) fn get(connection: &mut Connection, token: &str) -> Option<Session> {
    session(connection, "JRS.GET", token)
}

/// The session that `JRS.PEEK` returns, as [`get`] does. It does not extend the session.
pub(crate) fn peek(connection: &mut Connection, token: &str) -> Option<Session> {
    session(connection, "JRS.PEEK", token)
}

fn session(connection: &mut Connection, command: &str, token: &str) -> Option<Session> {
    let reply: Option<HashMap<String, redis::Value>> =
        send(connection, &[command, token]).unwrap_or_else(|error| panic!("{command} of {token}: {error}"));
    let fields = reply?;
    let text = |name: &str| String::from_redis_value_ref(&fields[name]).expect("a field of the session is text");
    Some(Session {
        id: text("id"),
        owner: text("owner"),
        data: text("data"),
        claims: serde_json::from_str(&text("claims")).expect("the claims are JSON"),
        claims_text: text("claims"),
        ttl: i64::from_redis_value_ref(&fields["ttl"]).expect("the ttl is a number"),
        etag: text("etag"),
    })
}

/// The first word of the error of `JRS.GET`. The command must be refused.
pub(crate) fn refusal(connection: &mut Connection, token: &str) -> String {
    error_word(send::<redis::Value>(connection, &["JRS.GET", token]))
}

/// When a key expires, in milliseconds since the epoch; -1 is never.
pub(crate) fn expiry(connection: &mut Connection, key: &str) -> i64 {
    send(connection, &["PEXPIRETIME", key]).expect("PEXPIRETIME replies with a number")
}

/// Runs an action and checks that the key then expires `span` milliseconds later.
pub(crate) fn assert_lives<T>(
    connection: &mut Connection,
    key: &str,
    span: i64,
    action: impl FnOnce(&mut Connection) -> T,
) -> T {
    let before = millis();
    let result = action(connection);
    let (expiry, moments) = (expiry(connection, key), before..=millis());
    assert!(moments.contains(&(expiry - span)), "{key} expires at {expiry}, not {span} ms after {moments:?}");
    result
}

/// Seconds since the epoch, as claims count them.
pub(crate) fn now() -> i64 {
    millis() / 1000
}

/// Milliseconds since the epoch.
pub(crate) fn millis() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    i64::try_from(elapsed.as_millis()).expect("the clock is not that far ahead")
}

//! What `JRS.GET` answers, in the types that tests compare with.

use std::{
    collections::HashMap,
    time::{SystemTime, UNIX_EPOCH},
};

use redis::{Connection, FromRedisValue, RedisResult};
use serde_json::Value;

use crate::support::error_word;

/// A session as `JRS.GET` describes it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) owner: String,
    /// The text, byte for byte.
    pub(crate) data: String,
    pub(crate) claims: Value,
    /// Seconds left.
    pub(crate) ttl: i64,
}

/// Sends a command, given as its words.
pub(crate) fn send<T: FromRedisValue>(connection: &mut Connection, words: &[&str]) -> RedisResult<T> {
    let (name, arguments) = words.split_first().expect("a command has a name");
    redis::cmd(name).arg(arguments).query(connection)
}

/// `JRS.GET` of a token that must be acceptable: its session, or nothing if there is none.
pub(crate) fn get(connection: &mut Connection, token: &str) -> Option<Session> {
    let reply: Option<HashMap<String, redis::Value>> =
        send(connection, &["JRS.GET", token]).unwrap_or_else(|error| panic!("JRS.GET of {token}: {error}"));
    let fields = reply?;
    let text = |name: &str| String::from_redis_value_ref(&fields[name]).expect("a field of the session is text");
    Some(Session {
        id: text("id"),
        owner: text("owner"),
        data: text("data"),
        claims: serde_json::from_str(&text("claims")).expect("the claims are JSON"),
        ttl: i64::from_redis_value_ref(&fields["ttl"]).expect("the ttl is a number"),
    })
}

/// The word of the refusal of a `JRS.GET` that must be refused.
pub(crate) fn refusal(connection: &mut Connection, token: &str) -> String {
    error_word(send::<redis::Value>(connection, &["JRS.GET", token]))
}

/// Seconds since the epoch, as claims count them.
pub(crate) fn now() -> i64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    i64::try_from(elapsed.as_secs()).expect("the clock is not that far ahead")
}

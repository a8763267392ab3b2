//! `JRS.ROTATE … GRACE` and `reuse-detection`: older tokens of a session that was rotated.

mod durability;
mod grace;
mod races;
mod refused;
mod reuse;
mod slot_migration;
mod tombstone;

use redis::{Connection, Value};

use crate::support::{
    await_that,
    sessions::send,
    tokens::{claims, id},
};

/// A grace that no test outlives.
const LONG: &str = "60000";

/// Rotates a session and returns the new token. `options` follow the old token.
fn rotate(conn: &mut Connection, token: &str, options: &[&str]) -> String {
    send(conn, &[&["JRS.ROTATE", token], options].concat()).unwrap_or_else(|error| panic!("{options:?}: {error}"))
}

/// The key of the tombstone of a token's chain, in the default keyspace.
fn tombstone(token: &str) -> String {
    let id = id(token);
    let prefix = id.rsplit_once(':').map_or("", |(prefix, _)| prefix);
    let first = claims(token)["jrs_chain"].as_str().expect("a token of a chain").to_owned();
    format!("sess:{prefix}{}{first}:rotated", if prefix.is_empty() { "" } else { ":" })
}

/// Checks that each command finds no session.
fn assert_finds_nothing(conn: &mut Connection, token: &str) {
    for words in [
        &["JRS.GET", token][..],
        &["JRS.PEEK", token],
        &["JRS.TOUCH", token],
        &["JRS.UPDATE", token, "{}"],
        &["JRS.ROTATE", token],
        &["JRS.ROTATE", token, "REAUTH"],
    ] {
        assert_eq!(send::<Value>(conn, words).unwrap(), Value::Nil, "{words:?}");
    }
    assert_eq!(send::<i64>(conn, &["JRS.DESTROY", token]).unwrap(), 0);
}

/// Waits until the grace of a token has ended. Its session lives.
fn await_end_of_grace(conn: &mut Connection, token: &str) {
    await_that("the end of the grace", || {
        let reply = send::<Value>(conn, &["JRS.PEEK", token]);
        (!matches!(reply, Ok(Value::Array(_) | Value::Map(_)))).then_some(())
    });
}

//! Access tokens: what JRS.MINT signs, for how long, and when it refuses.

mod contents;
mod lifetimes;
mod not_a_session;
mod refused;
mod waits;

use redis::Connection;

use crate::support::{Server, sessions::send};

const ISSUER: &str = "https://login.example";
const AUDIENCE: &str = "https://orders.example";

/// A server with these keys that can sign access tokens without options.
fn server(keys: &str) -> Server {
    Server::builder().keys(keys.as_bytes()).args(&["issuer", ISSUER, "audience", AUDIENCE]).start()
}

/// The access token for a session. `options` follow the session's token.
fn mint(conn: &mut Connection, token: &str, options: &[&str]) -> String {
    send(conn, &[&["JRS.MINT", token], options].concat()).unwrap_or_else(|error| panic!("{options:?}: {error}"))
}

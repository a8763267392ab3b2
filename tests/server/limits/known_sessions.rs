//! What a client knows of its sessions, compared with a server.

use std::collections::HashMap;

use redis::Connection;

use crate::support::{sessions::get, tokens::key};

/// The acknowledged sessions: the data by token, or none for a session that was destroyed.
pub(super) type KnownSessions = HashMap<String, Option<String>>;

/// Checks that the server has exactly this data, and no destroyed session.
pub(super) fn assert_known(conn: &mut Connection, known: &KnownSessions) {
    for (token, data) in known {
        assert_eq!(get(conn, token).map(|session| session.data), *data, "{}", key(token));
    }
}

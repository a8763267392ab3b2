//! The commands on sessions and the key permissions that they need, for tests with users.

use redis::Connection;

use crate::support::{Server, sessions::exec};

/// The permissions that a command needs on the session's key.
#[derive(Clone, Copy)]
pub(super) struct Needs {
    pub(super) read: bool,
    pub(super) write: bool,
}

pub(super) const READ: Needs = Needs { read: true, write: false };
pub(super) const WRITE: Needs = Needs { read: false, write: true };
pub(super) const BOTH: Needs = Needs { read: true, write: true };

/// The commands on a session, with the arguments after the token, and the permissions that they need.
pub(super) const TOKEN_COMMANDS: [(&[&str], Needs); 11] = [
    (&["JRS.PEEK"], READ),
    (&["JRS.INSPECT"], READ),
    (&["JRS.GET"], BOTH),
    (&["JRS.UPDATE", r#"{"a":1}"#], WRITE),
    // The replies to these depend on the old data.
    (&["JRS.UPDATE", r#"{"a":1}"#, "IFMATCH", "c5e3762ffc8453c6"], BOTH),
    (&["JRS.UPDATE", r#"{"b":2}"#, "MERGE"], BOTH),
    (&["JRS.UPDATE", "[]", "PATCH"], BOTH),
    (&["JRS.TOUCH", "EX", "1000"], WRITE),
    (&["JRS.MINT", "CLAIMS", r#"{"iss":"login","aud":"shop"}"#], BOTH),
    (&["JRS.ROTATE"], BOTH),
    (&["JRS.DESTROY"], WRITE),
];

/// The commands on a new session or on all sessions of ada.
pub(super) const OWNER_COMMANDS: [(&[&str], Needs); 4] = [
    (&["JRS.CREATE", "ada", "{}"], WRITE),
    (&["JRS.LIST", "ada"], READ),
    (&["JRS.LIST", "ada", "WITHDATA"], READ),
    (&["JRS.DESTROYALL", "ada"], WRITE),
];

/// All commands on sessions, for a session of ada. Commands on a token come without the key and with it.
pub(super) fn commands<'w>(key: &'w str, token: &'w str) -> Vec<(Vec<&'w str>, Needs)> {
    let insert = |words: &[&'w str], arguments: &[&'w str]| [&words[..1], arguments, &words[1..]].concat();
    let both = |(words, needs): &(&'static [&'static str], Needs)| {
        [(insert(words, &[token]), *needs), (insert(words, &[key, token]), *needs)]
    };
    let owners = OWNER_COMMANDS.iter().map(|(words, needs)| (words.to_vec(), *needs));
    // The command that destroys all sessions comes last.
    let (last, owners): (Vec<_>, Vec<_>) = owners.partition(|(words, _)| words[0] == "JRS.DESTROYALL");
    let revoke = (vec!["JRS.REVOKE", key], WRITE);
    owners.into_iter().chain(TOKEN_COMMANDS.iter().flat_map(both)).chain([revoke]).chain(last).collect()
}

/// A connection of a user with these rules.
pub(super) fn user(server: &Server, rules: &[&str]) -> Connection {
    exec(&mut server.conn(), &[&["ACL", "SETUSER", "limited", "reset", "on", ">pw"], rules].concat());
    let mut conn = server.conn();
    exec(&mut conn, &["AUTH", "limited", "pw"]);
    conn
}

//! Changes of the server while commands wait for the crypto thread.

use crate::support::{
    Server,
    in_flight::{self, Batch, InFlight, OWNERS, token_commands},
    sessions::exec,
    tokens::key,
};

/// How many times each race is run.
pub(super) const ROUNDS: usize = 3;
/// How many creates keep the crypto thread busy.
pub(super) const CREATES: usize = 40;

/// Sends creates, then [`token_commands`], and runs `change` while those wait. Returns the tokens of their sessions, in the
/// order of [`OWNERS`], and all commands.
pub(super) fn race(server: &Server, change: &[&str]) -> ([String; OWNERS.len()], InFlight) {
    let conn = &mut server.conn();
    let tokens = in_flight::tokens(conn, OWNERS);
    for token in &tokens {
        // So that a GET moves the expiry.
        exec(conn, &["EXPIRE", &key(token), "40000"]);
    }
    let batch = Batch::creates(server, CREATES).and(&token_commands(&tokens));
    let (waiting, changed) = batch.meanwhile_verifying(conn, OWNERS.len(), change);
    changed.unwrap_or_else(|error| panic!("{change:?}: {error}"));
    (tokens, waiting)
}

/// Splits the replies to the creates from those to the other commands.
pub(super) fn split<T>(replies: &[T]) -> (&[T], &[T]) {
    replies.split_at(CREATES)
}

//! `[key] token`: finds the token among a command's arguments.

use crate::{
    error::Error,
    redis::{ArgRef, Args, Call},
    token::{begins_like_token, holds_token},
};

/// The arguments of a command on an existing session.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct TokenArgs<'c> {
    /// The key in front of the token, if given.
    pub(in crate::commands) key: Option<ArgRef<'c>>,
    /// The token, not verified.
    pub(in crate::commands) token: ArgRef<'c>,
    /// The arguments after the token.
    pub(in crate::commands) rest: Args<'c>,
}

impl<'c> TokenArgs<'c> {
    /// Finds the token, and redacts it in SLOWLOG and MONITOR. `after` arguments must follow it.
    ///
    /// Argument 1 is the token in each of these cases:
    /// - It begins with `ey` or `ew`, as the base64url of every JSON header.
    /// - There are too few arguments for a key.
    /// - It contains a token, and argument 2 does not begin like one.
    ///
    /// On a cluster node the key is required, because it routes the command.
    pub(in crate::commands) fn find(call: &Call<'c>, after: usize) -> Result<Self, Error> {
        let arguments = call.args();
        let first = arguments.get(0).ok_or(Error::WrongArity)?;
        let second = arguments.get(1);
        let begins = |arg: ArgRef<'_>| begins_like_token(arg.bytes());
        let is_mangled_token = || !second.is_some_and(begins) && holds_token(first.bytes());
        if arguments.len() <= 1 + after || begins(first) || is_mangled_token() {
            call.redact(0);
            if call.ctx.is_cluster_node() {
                return Err(Error::Cluster(
                    "a cluster node needs the session's key before the token: \
                     <keyspace><jti>, such as sess:{owner}:uuid",
                ));
            }
            return Ok(Self { key: None, token: first, rest: arguments.skip(1) });
        }
        let token = second.ok_or(Error::WrongArity)?;
        call.redact(1);
        Ok(Self { key: Some(first), token, rest: arguments.skip(2) })
    }
}

/// Fails if arguments follow the token.
#[inline]
pub(in crate::commands) fn nothing_follows(rest: Args<'_>) -> Result<(), Error> {
    if rest.is_empty() { Ok(()) } else { Err(Error::Syntax) }
}

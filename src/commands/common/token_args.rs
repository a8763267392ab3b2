//! `[key] token`: where the token stands among a command's arguments.

use crate::{
    error::Error,
    redis::{ArgRef, Args, Call},
    token::{begins_like_token, holds_token},
};

/// The arguments of a command on an existing session.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) struct TokenArgs<'c> {
    /// The key in front of the token.
    pub(in crate::commands) key: Option<ArgRef<'c>>,
    pub(in crate::commands) token: ArgRef<'c>,
    /// What follows the token.
    pub(in crate::commands) rest: Args<'c>,
}

impl<'c> TokenArgs<'c> {
    /// Finds the token and keeps it out of SLOWLOG and MONITOR. `after` is how many arguments must follow it.
    ///
    /// Argument 1 is the token if it begins with `ey` or `ew`, as the base64url of every JSON header does, or if there are too
    /// few arguments for a key; also if it holds a token and argument 2 does not begin as one. A cluster node needs the key,
    /// which the command was routed by.
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
                    "a cluster node needs the session's key in front of the token: the keyspace and the token's 'jti', \
                     such as sess:{owner}:uuid",
                ));
            }
            return Ok(Self { key: None, token: first, rest: arguments.skip(1) });
        }
        let token = second.ok_or(Error::WrongArity)?;
        call.redact(1);
        Ok(Self { key: Some(first), token, rest: arguments.skip(2) })
    }
}

/// Errs if anything follows the token.
#[inline]
pub(in crate::commands) fn nothing_follows(rest: Args<'_>) -> Result<(), Error> {
    if rest.is_empty() { Ok(()) } else { Err(Error::Syntax) }
}

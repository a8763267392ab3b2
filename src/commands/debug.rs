//! `JRS.DEBUG INDEX`: for tests, not documented.

use crate::{
    error::Error,
    redis::{Argument, Call, Command, Spec},
    store,
};

/// Compares the owner index with the keyspace: replies 1 if they agree, else 0. Blocks the server while it reads all
/// keys.
pub(super) struct Debug;

impl Command for Debug {
    type Error = Error;
    const SPEC: Spec = Spec {
        name: c"JRS.DEBUG",
        flags: c"readonly admin",
        is_routed: false,
        is_hidden: true,
        summary: c"Compares the owner index with the keyspace, for tests.",
        since: c"0.2.0",
        complexity: c"O(N) where N is the number of all keys",
        arguments: &[Argument::word(c"index", c"INDEX")],
        ..Spec::BASE
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        if !call.args().get(0).is_some_and(|word| word.bytes().eq_ignore_ascii_case(b"INDEX")) {
            return Err(Error::Syntax);
        }
        call.ctx.reply_integer(store::index_matches_keyspace(call.ctx)?.into());
        Ok(())
    }
}

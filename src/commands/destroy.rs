//! `JRS.DESTROY [key] token`

use super::{
    authenticated::{AuthenticatedSession, Requirements, TokenCommand},
    computed,
    options::{KEY, TOKEN},
    token_args::nothing_follows,
    verification::TimeCheck,
};
use crate::{
    error::Error,
    redis::{Access, Call, Command, Intent, Routing, Spec},
    store::{self, Reason},
};

/// Ends a session.
#[derive(Debug)]
pub(super) struct Destroy;

impl Command for Destroy {
    const SPEC: Spec = Spec {
        name: c"JRS.DESTROY",
        flags: c"write fast",
        categories: c"write fast jrs",
        arity: -2,
        routing: Routing::ByFirstArgument { writes: true },
        summary: c"Ends a session, also with a token that has expired.",
        complexity: c"O(1)",
        since: c"0.1.0",
        tips: None,
        arguments: &[KEY, TOKEN],
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        computed::run::<Self>(call)
    }
}

impl TokenCommand for Destroy {
    const REQUIREMENTS: Requirements =
        Requirements { after: 0, access: Access::Delete, time: TimeCheck::Skip, intent: Intent::Write };

    fn act(call: &Call<'_>, session: &AuthenticatedSession<'_>) -> Result<(), Error> {
        nothing_follows(session.rest)?;
        let existed = session.open()?.is_some();
        if existed {
            store::end(call.ctx, &session.key, Reason::Destroyed)?;
        }
        call.ctx.reply_integer(i64::from(existed));
        Ok(())
    }
}

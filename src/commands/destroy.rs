//! `JRS.DESTROY [key] token`

use super::{
    options::{KEY, TOKEN},
    presented::{self, Demands, Presented, Validity},
};
use crate::{
    error::Error,
    redis::{Access, Call, Command, Intent, Routing, Spec},
    stored::Reason,
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
        presented::with(call, DEMANDS, destroy)
    }
}

const DEMANDS: Demands = Demands { after: 0, access: Access::Delete, validity: Validity::Ever, intent: Intent::Write };

fn destroy(call: &Call<'_>, presented: &Presented<'_>) -> Result<(), Error> {
    presented.nothing_follows()?;
    let existed = presented.open()?.is_some();
    if existed {
        presented.stored().end(Reason::Destroyed)?;
    }
    call.ctx.reply_integer(i64::from(existed));
    Ok(())
}

//! `JRS.COUNT owner [REALM name]`

use super::{
    options::{Options, REALM, once},
    owner_scope::OwnerScope,
};
use crate::{
    error::Error,
    redis::{Access, Argument, Call, Command, Ctx, Progress, Routing, SlicedJob, Spec},
    store::SessionCursor,
};

/// Counts an owner's live sessions.
#[derive(Debug)]
pub(super) struct Count;

impl Command for Count {
    const SPEC: Spec = Spec {
        name: c"JRS.COUNT",
        flags: c"readonly",
        categories: c"read slow jrs",
        arity: -2,
        routing: Routing::ByFirstArgument { writes: false },
        summary: c"Returns the number of live sessions of an owner.",
        complexity: c"O(N) with N being the number of the owner's sessions",
        since: c"0.1.0",
        tips: None,
        arguments: &[Argument::string(c"owner"), REALM],
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let owner = call.args().get(0).ok_or(Error::WrongArity)?;
        let mut realm = None;
        let mut options = Options::new(call.args().skip(1));
        while let Some(word) = options.word() {
            match word.as_slice() {
                b"REALM" => once(&mut realm, options.value()?)?,
                _ => return Err(Error::Syntax),
            }
        }
        let scope = OwnerScope::read(call, owner, realm, Access::Read)?;
        let cursor = scope.cursor(call.ctx, None)?;
        call.in_slices(Counting { scope, cursor, alive: 0 })
    }
}

/// A count that is being made.
struct Counting {
    scope: OwnerScope,
    cursor: SessionCursor,
    alive: i64,
}

impl SlicedJob for Counting {
    const WRITES: bool = false;

    fn work(&mut self, ctx: Ctx<'_>) -> Result<Progress, Error> {
        let page = self.cursor.next(64)?;
        if page.is_empty() {
            let problem = "the owner's slot is migrating, so that some of its sessions are elsewhere";
            return self.scope.check_slot(ctx, problem).map(|()| Progress::Done);
        }
        self.alive += page.iter().map(|session| i64::from(ctx.glance(&session.key).is_some())).sum::<i64>();
        Ok(Progress::More)
    }

    fn reply(&mut self, _: Option<Ctx<'_>>, out: Ctx<'_>) -> Progress {
        out.reply_integer(self.alive);
        Progress::Done
    }
}

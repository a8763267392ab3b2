//! `JRS.COUNT owner [REALM name]`

use super::common::{
    options::REALM,
    owner_scope::{INCOMPLETE, OwnerScope},
};
use crate::{
    error::Error,
    redis::{Access, Argument, Call, Command, Ctx, Progress, SlicedJob, Spec},
};

/// Counts the live sessions of an owner.
pub(super) struct Count;

impl Command for Count {
    type Error = Error;
    const SPEC: Spec = Spec {
        name: c"JRS.COUNT",
        flags: c"readonly",
        summary: c"Returns the number of live sessions of an owner.",
        since: c"0.2.0",
        complexity: c"O(N) where N is the number of the owner's sessions",
        arguments: &[Argument::string(c"owner"), REALM],
        ..Spec::BASE
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        let mut scope = OwnerScope::read(call, Access::Read, |_, _| Err(Error::Syntax))?;
        scope.begin(call.ctx, None)?;
        call.in_slices(CountJob { scope, live: 0 })
    }
}

/// A running JRS.COUNT.
struct CountJob {
    scope: OwnerScope,
    live: i64,
}

impl SlicedJob for CountJob {
    type Error = Error;
    const WRITES: bool = false;

    fn work(&mut self, ctx: Ctx<'_>) -> Result<Progress, Error> {
        let Some(page) = self.scope.page(ctx, 64, INCOMPLETE)? else { return Ok(Progress::Done) };
        self.live += page.iter().map(|session| i64::from(ctx.open_no_touch(&session.key).is_some())).sum::<i64>();
        Ok(Progress::More)
    }

    fn reply(&mut self, _: Option<Ctx<'_>>, out: Ctx<'_>) -> Progress {
        out.reply_integer(self.live);
        Progress::Done
    }
}

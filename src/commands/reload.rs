//! `JRS.RELOAD`

use crate::{
    error::Error,
    redis::{Call, Command, Level, Spec, log},
    state,
};

/// Reads the key and realm files again and makes them active.
pub(super) struct Reload;

impl Command for Reload {
    type Error = Error;
    const SPEC: Spec = Spec {
        name: c"JRS.RELOAD",
        flags: c"admin allow-stale",
        is_routed: false,
        summary: c"Reads the key and realm files again. On an error, the active keys and realms are kept.",
        complexity: c"O(N) where N is the number of keys",
        tips: Some(c"request_policy:all_nodes response_policy:all_succeeded"),
        ..Spec::BASE
    };

    fn run(call: &Call<'_>) -> Result<(), Error> {
        if let Err(problem) = state::reload() {
            log(Level::Warning, &format!("reload failed, keeping the active keys and realms: {problem}"));
            return Err(Error::Other(problem.into()));
        }
        log(Level::Notice, "reloaded the keys and realms");
        call.ctx.reply_ok();
        Ok(())
    }
}

//! `JRS.TOUCH [key] token [EX s | PX ms]`

use super::common::{
    authentication::{AuthenticatedSession, Requirements, TokenCommand, seconds_until},
    options::{EX, KEY, Options, PX, TOKEN, Unit, once},
    rotation_chain::move_tombstone,
    verification::TimeCheck,
};
use crate::{
    error::Error,
    redis::{Access, Argument, Call, Intent, Spec},
    store,
};

/// Extends a session.
pub(super) struct Touch;

impl TokenCommand for Touch {
    const SPEC: Spec = Spec {
        name: c"JRS.TOUCH",
        summary: c"Extends a session. Returns the seconds left, or null if there is no such session.",
        arguments: &[KEY, TOKEN, Argument::one_of(c"expiration", &[EX, PX]).optional()],
        ..Spec::BASE
    };

    const REQUIREMENTS: Requirements =
        Requirements { after: 0, access: Access::Update, time: TimeCheck::Enforce, intent: Intent::Write };

    fn handle(call: &Call<'_>, session: &AuthenticatedSession<'_>) -> Result<(), Error> {
        let mut ttl = None;
        Options::each(session.rest, |word, options| match word {
            b"EX" => once(&mut ttl, options.span(Unit::Seconds)?),
            b"PX" => once(&mut ttl, options.span(Unit::Milliseconds)?),
            _ => Err(Error::Syntax),
        })?;
        let lifetime = session.lifetime();
        let expiry = lifetime.with_ttl(ttl.unwrap_or(lifetime.ttl)).target(session.now);
        let Some(key) = session.open()?.filter(|_| expiry > session.now) else {
            call.ctx.reply_null();
            return Ok(());
        };
        let changes = store::expiry(&key) != Some(expiry);
        drop(key);
        if changes {
            store::touch(call.ctx, &session.key, expiry)?;
            move_tombstone(session, expiry, true)?;
        }
        session.realm().counters.touched.count();
        call.ctx.reply_integer(seconds_until(expiry, session.now));
        Ok(())
    }
}

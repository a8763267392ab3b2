//! Extends a session on a read.

use std::borrow::Cow;

use super::{authentication::AuthenticatedSession, rotation_chain::move_tombstone};
use crate::{
    error::Error,
    redis::StringKey,
    session::{Lifetime, UnixMillis},
    store,
};

/// Whether a read extends the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::commands) enum Extension {
    /// Do not extend.
    Never,
    /// Extend if due. The server accepts writes.
    Required,
    /// Extend if due and if the server accepts the write.
    IfAllowed,
}

/// An existing session that has not expired, with its key open for reading.
#[derive(Debug)]
pub(in crate::commands) struct LiveSession<'s, 'c> {
    session: &'s AuthenticatedSession<'c>,
    /// The session's key.
    pub(in crate::commands) key: StringKey<'c>,
    lifetime: Lifetime,
    /// The expiry of the key if this use extends the session.
    target: UnixMillis,
    /// When the key expires. For PEEK it may have no expiry, or one after the deadline; the next GET corrects it.
    expiry: Option<UnixMillis>,
}

impl<'s, 'c> LiveSession<'s, 'c> {
    /// Opens a session. `None` if there is no such session.
    #[inline]
    pub(in crate::commands) fn find(session: &'s AuthenticatedSession<'c>) -> Result<Option<Self>, Error> {
        let lifetime = session.lifetime();
        let target = lifetime.target(session.now);
        let key = session.open()?.filter(|_| target > session.now);
        Ok(key.map(|key| Self { session, expiry: store::expiry(&key), key, lifetime, target }))
    }

    /// The expiry to set, if an extension is due.
    #[inline]
    pub(in crate::commands) fn due(&self) -> Option<UnixMillis> {
        self.lifetime.slide(self.target, self.expiry, self.session.realm().touch_interval)
    }

    /// Whether an extension would move the expiry.
    #[inline]
    pub(in crate::commands) fn is_behind_target(&self) -> bool {
        self.expiry != Some(self.target)
    }

    /// The session's data.
    #[inline]
    pub(in crate::commands) fn data(&self) -> Result<Cow<'_, [u8]>, Error> {
        self.session.data(&self.key)
    }

    /// Moves the expiry to the one that is [due](Self::due), as `extension` says. `None` if a reaction of another module
    /// to that deleted the session.
    #[cold]
    pub(in crate::commands) fn extend(self, expiry: UnixMillis, extension: Extension) -> Result<Option<Self>, Error> {
        let Self { session, key, lifetime, expiry: former, target } = self;
        let ctx = session.ctx();
        // An open key must not be changed.
        drop(key);
        let is_extended = if extension == Extension::Required {
            store::extend(ctx, &session.key, expiry)?;
            true
        } else {
            store::extend_if_allowed(ctx, &session.key, expiry)
        };
        if is_extended {
            move_tombstone(session, expiry, extension == Extension::Required)?;
        }
        let expiry = if is_extended { Some(expiry) } else { former };
        Ok(session.open()?.map(|key| Self { session, key, lifetime, expiry, target }))
    }

    /// When the session ends if [`extend`](Self::extend) extends it and it is not used again.
    pub(in crate::commands) fn end_if_extended(&self) -> UnixMillis {
        self.due().unwrap_or_else(|| self.end())
    }

    /// When the session ends if it is not used again.
    #[inline]
    pub(in crate::commands) fn end(&self) -> UnixMillis {
        self.lifetime.keep(self.session.now, self.expiry)
    }
}

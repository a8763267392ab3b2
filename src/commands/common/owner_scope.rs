//! `owner … [REALM name]`: what the commands on all sessions of an owner have in common.

use std::sync::Arc;

use uuid::Uuid;

use super::options::{self, Options, named_realm, once};
use crate::{
    error::Error,
    realm::{Realm, VerifiedToken, owner_prefix},
    redis::{Access, Call, Ctx, RedisString},
    session::SessionId,
    state,
    store::{IndexedSession, SessionCursor},
};

/// The TRYAGAIN sentence of commands that only read.
pub(in crate::commands) const INCOMPLETE: &str =
    "the owner's slot is migrating: some of its sessions are on another node";

/// An owner in a realm, whose sessions the caller may access, and a cursor over them.
#[derive(Debug)]
pub(in crate::commands) struct OwnerScope {
    /// Never empty.
    pub(in crate::commands) owner: String,
    /// The realm of the option REALM.
    pub(in crate::commands) realm: Arc<Realm>,
    cursor: SessionCursor,
}

impl OwnerScope {
    /// Reads the arguments, and checks the calling user's permission on the owner's session keys. Calls `take` for each
    /// option except REALM.
    pub(in crate::commands) fn read<'c>(
        call: &Call<'c>,
        access: Access,
        mut take: impl FnMut(&[u8], &mut Options<'c>) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let owner = call.args().get(0).ok_or(Error::WrongArity)?;
        let mut realm = None;
        Options::each(call.args().skip(1), |word, options| match word {
            b"REALM" => once(&mut realm, options.value()?),
            _ => take(word, options),
        })?;
        let owner = options::owner(owner)?;
        if owner.is_empty() {
            return Err(Error::Other("the owner must not be empty: sessions without an owner are not listed".into()));
        }
        let realm = named_realm(&*state::realms()?, realm)?;
        // Checks one key for all: an ACL pattern that matches this random UUID matches every session key of the owner.
        let sample = SessionId::new(realm.keyspace(), owner, state::new_uuid(state::now(call.ctx))?);
        call.check_access(&RedisString::new(sample.key_name().as_bytes()), access)?;
        let cursor = SessionCursor::new(call.ctx.database(), owner_prefix(&realm, owner), None);
        Ok(Self { owner: owner.to_owned(), realm, cursor })
    }

    /// The common prefix of the names of the owner's session keys.
    pub(in crate::commands) fn prefix(&self) -> Vec<u8> {
        owner_prefix(&self.realm, &self.owner)
    }

    /// Whether a token belongs to this owner and realm.
    pub(in crate::commands) fn has(&self, token: &VerifiedToken) -> bool {
        token.key.realm.name == self.realm.name && token.claims.subject.as_deref() == Some(self.owner.as_str())
    }

    /// Sets the cursor to the owner's oldest session, or behind `last`.
    ///
    /// # Errors
    /// [`Error::TryAgain`] if some sessions may be on another node.
    pub(in crate::commands) fn begin(&mut self, ctx: Ctx<'_>, last: Option<Uuid>) -> Result<(), Error> {
        self.cursor = SessionCursor::new(ctx.database(), self.prefix(), last);
        // On a replica the check is slow, and a command that only reads needs just the one at the end.
        if ctx.is_replica() { Ok(()) } else { self.check_slot(ctx, "the owner's slot is migrating, nothing was done") }
    }

    /// Up to `count` more sessions. `None` at the end.
    ///
    /// # Errors
    /// [`Error::TryAgain`] with `problem` at the end if some sessions may have moved to another node.
    pub(in crate::commands) fn page(
        &mut self,
        ctx: Ctx<'_>,
        count: usize,
        problem: &'static str,
    ) -> Result<Option<Vec<IndexedSession>>, Error> {
        let page = self.cursor.next(count)?;
        if page.is_empty() { self.check_slot(ctx, problem).map(|()| None) } else { Ok(Some(page)) }
    }

    fn check_slot(&self, ctx: Ctx<'_>, problem: &'static str) -> Result<(), Error> {
        if self.holds_slot(ctx) { Ok(()) } else { Err(Error::TryAgain(problem)) }
    }

    /// Whether this server has the whole slot of the owner, and so all sessions of the owner.
    pub(in crate::commands) fn holds_slot(&self, ctx: Ctx<'_>) -> bool {
        !ctx.is_cluster_node() || ctx.holds_slot_of(&self.prefix())
    }
}

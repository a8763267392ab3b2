//! `owner … [REALM name]`: how the commands on all sessions of an owner begin.

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

/// What is wrong where a command that changes nothing cannot answer.
pub(in crate::commands) const INCOMPLETE: &str =
    "the owner's slot is migrating, so that some of its sessions are elsewhere";

/// An owner in a realm, whose sessions the caller may use, and a walk over them.
#[derive(Debug)]
pub(in crate::commands) struct OwnerScope {
    pub(in crate::commands) owner: String,
    pub(in crate::commands) realm: Arc<Realm>,
    cursor: SessionCursor,
}

impl OwnerScope {
    /// Reads the arguments, and checks the calling user's permission on the keys of the owner's sessions. `take` gets the
    /// options other than REALM.
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
            return Err(Error::Other("an owner is needed: sessions without one are not listed".into()));
        }
        let realm = named_realm(&*state::realms()?, realm)?;
        // A user who may use a key that nobody could have foreseen may use all of them.
        let sample = SessionId::new(realm.keyspace(), owner, state::new_uuid(state::now(call.ctx))?);
        call.check_access(&RedisString::new(sample.key_name().as_bytes()), access)?;
        let cursor = SessionCursor::new(call.ctx.database(), owner_prefix(&realm, owner), None);
        Ok(Self { owner: owner.to_owned(), realm, cursor })
    }

    /// What the names of the keys of the owner's sessions begin with.
    pub(in crate::commands) fn prefix(&self) -> Vec<u8> {
        owner_prefix(&self.realm, &self.owner)
    }

    /// Whether a token is of this owner and realm.
    pub(in crate::commands) fn has(&self, token: &VerifiedToken) -> bool {
        token.key.realm.name == self.realm.name && token.claims.subject.as_deref() == Some(self.owner.as_str())
    }

    /// Begins the walk over the owner's sessions, behind `last` if that is given.
    ///
    /// # Errors
    /// [`Error::TryAgain`] where only some of them may be on this node.
    pub(in crate::commands) fn begin(&mut self, ctx: Ctx<'_>, last: Option<Uuid>) -> Result<(), Error> {
        self.cursor = SessionCursor::new(ctx.database(), self.prefix(), last);
        self.check_slot(ctx, "the owner's slot is migrating, nothing was done")
    }

    /// Up to `count` more sessions; none at the end.
    ///
    /// # Errors
    /// [`Error::TryAgain`] with `problem` at the end where some of them may have left this node.
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
        if self.are_here(ctx) { Ok(()) } else { Err(Error::TryAgain(problem)) }
    }

    /// Whether this server holds all of the owner's sessions.
    pub(in crate::commands) fn are_here(&self, ctx: Ctx<'_>) -> bool {
        !ctx.is_cluster_node() || ctx.holds_slot_of(&RedisString::new(&self.prefix()))
    }
}

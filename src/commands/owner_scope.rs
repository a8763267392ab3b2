//! `owner … [REALM name]`: how the commands on all sessions of an owner begin.

use std::sync::Arc;

use uuid::Uuid;

use super::options::{self, named_realm};
use crate::{
    error::Error,
    realm::{Realm, Ticket, owner_prefix},
    redis::{Access, Arg, Call, Ctx, Text},
    session::SessionId,
    state,
    store::SessionCursor,
};

/// An owner in a realm, whose sessions the caller may use.
#[derive(Debug)]
pub(super) struct OwnerScope {
    pub(super) owner: String,
    pub(super) realm: Arc<Realm>,
}

impl OwnerScope {
    /// Checks the owner, and the calling user's permission on its sessions' keys.
    pub(super) fn read(call: &Call<'_>, owner: Arg<'_>, realm: Option<Arg<'_>>, access: Access) -> Result<Self, Error> {
        let owner = options::owner(owner)?;
        if owner.is_empty() {
            return Err(Error::NoOwner);
        }
        let scope = Self { owner: owner.to_owned(), realm: named_realm(&*state::realms()?, realm)? };
        // A user who may use a key that nobody could have foreseen may use all of them.
        let sample = SessionId::new(owner, state::new_uuid(call.ctx.now())?);
        let sample = [scope.realm.keyspace(), sample.as_str()].concat();
        call.check_access(&Text::new(sample.as_bytes()), access)?;
        Ok(scope)
    }

    /// What the names of the keys of the owner's sessions begin with.
    pub(super) fn prefix(&self) -> Vec<u8> {
        owner_prefix(&self.realm, &self.owner)
    }

    /// Whether a token is of this owner and realm.
    pub(super) fn has(&self, token: &Ticket) -> bool {
        token.key.realm.name == self.realm.name && token.claims.subject.as_deref() == Some(self.owner.as_str())
    }

    /// A walk over the owner's sessions, behind `last` if that is given.
    ///
    /// # Errors
    /// [`Error::TryAgain`] where only some of them may be on this node.
    pub(super) fn cursor(&self, ctx: Ctx<'_>, last: Option<Uuid>) -> Result<SessionCursor, Error> {
        self.check_slot(ctx, "the owner's slot is migrating, nothing was done")?;
        Ok(SessionCursor::new(ctx.database(), self.prefix(), last))
    }

    /// Errs on a cluster node that does not hold all of the owner's sessions.
    pub(super) fn check_slot(&self, ctx: Ctx<'_>, problem: &'static str) -> Result<(), Error> {
        if self.are_here(ctx) { Ok(()) } else { Err(Error::TryAgain(problem)) }
    }

    /// Whether this server holds all of the owner's sessions.
    pub(super) fn are_here(&self, ctx: Ctx<'_>) -> bool {
        !ctx.is_cluster_node() || ctx.holds_slot_of(&Text::new(&self.prefix()))
    }
}

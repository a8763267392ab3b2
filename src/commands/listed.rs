//! `owner … [REALM name]`: how the commands on all sessions of an owner begin.

use std::sync::Arc;

use super::options::{self, named_realm};
use crate::{
    error::Error,
    owners::{self, Walk},
    realm::Realm,
    redis::{Access, Arg, Call, Caller, Ctx, Text},
    state,
};

/// An owner in a realm whose sessions the caller may have to do with.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) owner: String,
    pub(super) realm: Arc<Realm>,
    /// Who asked, and may be gone before all is done.
    caller: Caller,
}

impl Listed {
    /// Checks the owner and the calling user's permission on its sessions' keys.
    pub(super) fn find(call: &Call<'_>, owner: Arg<'_>, realm: Option<Arg<'_>>, access: Access) -> Result<Self, Error> {
        let owner = options::owner(owner)?;
        if owner.is_empty() {
            return Err(Error::NoOwner);
        }
        let realm = named_realm(&*state::realms()?, realm)?;
        let listed = Self { owner: owner.to_owned(), realm, caller: call.ctx.caller() };
        listed.check_access(call.ctx, access)?;
        Ok(listed)
    }

    /// Checks the calling user's permission on the owner's sessions.
    pub(super) fn check_access(&self, ctx: Ctx<'_>, access: Access) -> Result<(), Error> {
        // Whoever may use a key that nobody could have foreseen may use all of them.
        let uuid = state::new_uuid(ctx.now())?;
        let sample = [&self.prefix(), uuid.to_string().as_bytes()].concat();
        ctx.check_access_of(&self.caller, &Text::new(&sample), access)
    }

    /// What the keys of the owner's sessions begin with.
    pub(super) fn prefix(&self) -> Vec<u8> {
        owners::prefix(&self.realm, &self.owner)
    }

    /// A walk over the owner's sessions; see [`Walk::begin`].
    ///
    /// # Errors
    /// [`Error::TryAgain`] where only some of them may be on this node, [`Error::WrongType`].
    pub(super) fn walk(&self, ctx: Ctx<'_>, may_pause: bool) -> Result<Walk, Error> {
        self.check_slot(ctx, "the owner's slot is on the move, nothing was done")?;
        Walk::begin(ctx, &self.realm, &self.owner, may_pause)
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

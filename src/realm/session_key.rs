//! Where a session is.

use std::sync::Arc;

use super::{Realm, Realms};
use crate::session::SessionId;

/// The key of a session: its realm, its id, and the name that both make. Parsed once and passed on.
#[derive(Debug)]
pub struct SessionKey {
    /// The realm whose keyspace it is in.
    pub realm: Arc<Realm>,
    /// The session's id, the rest of the name.
    pub id: SessionId,
    /// The key's name in the keyspace.
    pub name: Vec<u8>,
}

impl SessionKey {
    pub fn new(realm: Arc<Realm>, id: SessionId) -> Self {
        let name = [realm.keyspace(), id.as_str()].concat().into_bytes();
        Self { realm, id, name }
    }

    /// The key of this name, if it is in a realm's keyspace and could be a session's.
    pub fn parse(realms: &Realms, name: &[u8]) -> Option<Self> {
        let realm = realms.of_session(name)?;
        let id = str::from_utf8(name.strip_prefix(realm.keyspace().as_bytes())?).ok()?;
        (!id.is_empty()).then(|| Self::new(Arc::clone(realm), SessionId::parse(id.to_owned())))
    }
}

/// What the names of the keys of an owner's sessions begin with; the rest is the UUID.
pub fn owner_prefix(realm: &Realm, owner: &str) -> Vec<u8> {
    [realm.keyspace(), "{", owner, "}:"].concat().into_bytes()
}

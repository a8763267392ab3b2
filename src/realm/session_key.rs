//! Where a session is.

use std::sync::Arc;

use uuid::Uuid;

use super::Realm;
use crate::session::SessionId;

/// The key of a session: its realm, and its id, which knows the name that both make. Parsed once and passed on.
#[derive(Debug)]
pub struct SessionKey {
    /// The realm whose keyspace it is in.
    pub realm: Arc<Realm>,
    /// The session's id.
    pub id: SessionId,
}

impl SessionKey {
    /// The key of `owner`'s session with this UUID.
    pub fn new(realm: Arc<Realm>, owner: &str, uuid: Uuid) -> Self {
        Self { id: SessionId::new(realm.keyspace(), owner, uuid), realm }
    }

    /// The key of the session with this id.
    pub fn of_id(realm: &Arc<Realm>, id: &str) -> Self {
        Self { id: SessionId::parse(realm.keyspace(), id), realm: Arc::clone(realm) }
    }

    /// The key's name in the keyspace.
    pub fn name(&self) -> &[u8] {
        self.id.key_name().as_bytes()
    }
}

/// What the names of the keys of an owner's sessions begin with; the rest is the UUID.
pub fn owner_prefix(realm: &Realm, owner: &str) -> Vec<u8> {
    [realm.keyspace(), "{", owner, "}:"].concat().into_bytes()
}

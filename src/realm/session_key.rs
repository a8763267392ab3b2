//! Where a session is.

use std::sync::Arc;

use super::Realm;
use crate::session::SessionId;

/// The key of a session. Parsed once and passed on.
#[derive(Debug)]
pub struct SessionKey {
    /// The realm whose keyspace it is in.
    pub realm: Arc<Realm>,
    /// The session's id, made with this keyspace.
    pub id: SessionId,
}

impl SessionKey {
    /// The key's name in the keyspace.
    pub fn name(&self) -> &[u8] {
        self.id.key_name().as_bytes()
    }
}

/// What the names of the keys of an owner's sessions begin with; the rest is the UUID.
pub fn owner_prefix(realm: &Realm, owner: &str) -> Vec<u8> {
    [realm.keyspace(), "{", owner, "}:"].concat().into_bytes()
}

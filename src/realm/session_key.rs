//! The key of a session in the keyspace.

use std::sync::Arc;

use super::Realm;
use crate::session::SessionId;

/// The key of a session, parsed: its name is the realm's keyspace and the session's id.
#[derive(Debug)]
pub struct SessionKey {
    /// The realm whose keyspace contains it.
    pub realm: Arc<Realm>,
    /// The session's id. It also holds the name with this realm's keyspace.
    pub id: SessionId,
}

impl SessionKey {
    /// The name of the key: keyspace and id.
    pub fn name(&self) -> &[u8] {
        self.id.key_name().as_bytes()
    }
}

/// The common prefix of the names of an owner's session keys. The UUID follows it.
pub fn owner_prefix(realm: &Realm, owner: &str) -> Vec<u8> {
    [realm.keyspace(), "{", owner, "}:"].concat().into_bytes()
}

//! The sessions of a user: "my devices".

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Session, request::RequestSession};
use crate::{Error, ListOptions, ListedSession};

/// One of the sessions of a user. It can be written as JSON: `id`, `created` (milliseconds since 1970), `ttl` (seconds),
/// `current`, and `data` or `fields` if they were asked for.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct Device {
    /// The id, for [`Session::destroy_session`].
    pub id: String,
    /// When the id was created, in milliseconds since 1970. A rotation creates a new id.
    pub created: u64,
    /// The seconds until the session expires if it is not used.
    pub ttl: Option<u64>,
    /// Whether it is the session of this request.
    pub current: bool,
    /// The data, with [`ListOptions::with_data`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// The values by their pointers, with [`ListOptions::fields`]. A value that the session does not have is missing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Value>,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device").field("id", &self.id).field("current", &self.current).finish_non_exhaustive()
    }
}

impl<T: Default + Serialize + DeserializeOwned + Send> Session<T> {
    /// The live sessions of the user, oldest first.
    pub async fn sessions(&mut self, options: &ListOptions) -> Result<Vec<Device>, Error> {
        self.request.token()?;
        let owner = self.signed_in()?;
        let listed = self.request.settings.jrs.list_with(owner, options).await?;
        let current = self.id();
        Ok(listed.into_iter().map(|session| Device::new(session, options.pointers(), current)).collect())
    }

    /// Destroys one of the sessions of the user, by its id: "log out that device". Returns whether it existed. The id may
    /// come from the client: a session of another user is never destroyed.
    pub async fn destroy_session(&mut self, id: &str) -> Result<bool, Error> {
        self.request.token()?;
        let owner = self.signed_in()?;
        if !id.starts_with(&format!("{{{owner}}}:")) {
            return Ok(false);
        }
        let existed = match self.request.settings.jrs.revoke(id).await {
            // No session can have such an id.
            Err(Error::WrongKey(_)) => false,
            existed => existed?,
        };
        if self.id() == Some(id) {
            self.forget();
        }
        Ok(existed)
    }

    /// Destroys all sessions of the user: "log out everywhere". Returns how many.
    pub async fn destroy_all(&mut self) -> Result<u64, Error> {
        self.request.token()?;
        let count = self.request.settings.jrs.destroy_all(self.signed_in()?).await?;
        self.forget();
        Ok(count)
    }

    /// Destroys all sessions of the user except this one.
    pub async fn destroy_all_except_current(&mut self) -> Result<u64, Error> {
        let token = self.request.token()?;
        let count = self.request.settings.jrs.destroy_all_except(self.signed_in()?, &token).await;
        self.checked(count)
    }
}

impl RequestSession {
    /// See [`Session::require_recent_auth`].
    pub(super) async fn require_recent_auth(self: &Arc<Self>, seconds: u64) -> Result<(), Error> {
        let token = self.token()?;
        if self.state().owner().is_empty() {
            return Err(Error::NoOwner);
        }
        let read = self.settings.jrs.peek_recent::<Value>(&token, seconds).await;
        self.check(read.and_then(|session| session.ok_or(Error::SessionEnded))).map(drop)
    }
}

impl Device {
    fn new(session: ListedSession, pointers: &[String], current: Option<&str>) -> Device {
        let fields = pointers.iter().cloned().zip(session.fields);
        let created = session.created.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Device {
            current: current == Some(session.id.as_str()),
            id: session.id,
            created: u64::try_from(created.as_millis()).unwrap_or(u64::MAX),
            ttl: session.ttl.as_ref().map(Duration::as_secs),
            data: session.data,
            fields: fields.filter_map(|(pointer, value)| Some((pointer, value?))).collect(),
        }
    }
}

//! What `actix_session::Session` cannot say by itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_session::{Session, SessionInsertError};

use super::state::{LOGIN, Loaded, OWNER, SESSION};

/// The user of a session of actix-session, and logging in.
pub trait JrsSession {
    /// Logs a user in, safe against session fixation: when the response is sent, the session gets a new token and the
    /// owner, and the server refuses the old token. An anonymous session keeps its data. Of a session of another user, only
    /// what this request has changed is kept. Also call it when the user enters the password again.
    fn log_in(&self, owner: &str) -> Result<(), SessionInsertError>;

    /// The user that the session belongs to; empty if it is anonymous.
    fn owner(&self) -> String;

    /// The id of the session, as [`Jrs::list`](crate::Jrs::list) returns it; `None` if the request has no session.
    fn id(&self) -> Option<String>;

    /// When the user last entered the password, for actions that need a recent login: the token's `auth_time`, or its
    /// `iat`. `None` if the session is anonymous.
    fn authenticated_at(&self) -> Option<SystemTime>;
}

impl JrsSession for Session {
    fn log_in(&self, owner: &str) -> Result<(), SessionInsertError> {
        self.insert(OWNER, owner)?;
        self.insert(LOGIN, true)
    }

    fn owner(&self) -> String {
        self.get(OWNER).ok().flatten().unwrap_or_default()
    }

    fn id(&self) -> Option<String> {
        self.get::<Loaded>(SESSION).ok().flatten().map(|loaded| loaded.id)
    }

    fn authenticated_at(&self) -> Option<SystemTime> {
        let seconds = self.get::<Loaded>(SESSION).ok().flatten()?.authenticated?;
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }
}

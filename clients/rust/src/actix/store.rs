//! The store.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration as StdDuration,
};

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::time::Duration;

use super::state::{Data, Loaded, Parsed, State, changes, only_set, parse, to_state};
use crate::{CreateOptions, Error, Jrs, RotateOptions, Token, changes::operations};

/// How many ids of sessions that were gone before they were deleted are remembered. A renewal needs its id at once.
const REMEMBERED: usize = 1024;

/// A store for `SessionMiddleware` of actix-session. The session key, which the middleware puts into the cookie, is the
/// token. Clones share the connection.
///
/// - One `JRS.GET` reads and extends the session, so that no `TtlExtensionPolicy` is needed.
/// - Only changed keys are written: two requests that change different keys both win. A session that was destroyed
///   meanwhile is not created again.
/// - The values are stored as JSON members: other programs read `{"cart": [1]}`.
/// - [`JrsSession::log_in`](super::JrsSession::log_in) gives the session its owner and a new token.
///   `Session::renew` gives it a new token too. `Session::purge` destroys it.
///
/// `actix-session` has no list of a user's sessions. Use [`Jrs`] beside it: `list`, `revoke`, `destroy_all`. It neither
/// clears the cookie of a session that another request has destroyed; the next request just has an empty session.
///
/// The ttl of a session is the one of `SessionMiddleware` (a day, unless you set `session_lifecycle`);
/// [`with_server_ttl`](JrsSessionStore::with_server_ttl) takes the realm's `max-age`.
#[derive(Clone)]
pub struct JrsSessionStore {
    jrs: Jrs,
    server_ttl: bool,
    gone: Arc<Mutex<VecDeque<String>>>,
}

impl JrsSessionStore {
    /// A store for the realm of `jrs`.
    pub fn new(jrs: Jrs) -> JrsSessionStore {
        JrsSessionStore { jrs, server_ttl: false, gone: Arc::default() }
    }

    /// Sessions live as long as the realm says (`max-age`, `anonymous-max-age`), not as `SessionMiddleware` says.
    pub fn with_server_ttl(self) -> JrsSessionStore {
        JrsSessionStore { server_ttl: true, ..self }
    }

    async fn create(&self, owner: &str, data: &Data, ttl: &Duration) -> Result<SessionKey, Error> {
        let mut options = CreateOptions::new();
        if !self.server_ttl {
            options = options.ttl(StdDuration::try_from(*ttl).unwrap_or_default());
        }
        let token = self.jrs.create_with(owner, data, &options).await?;
        self.session_key(token).await
    }

    /// The token as a session key. One that is too long for a cookie ends the session.
    async fn session_key(&self, token: Token) -> Result<SessionKey, Error> {
        let size = token.as_str().len();
        match SessionKey::try_from(token.as_str().to_owned()) {
            Ok(key) => Ok(key),
            Err(_) => {
                self.jrs.destroy(&token).await?;
                Err(Error::CookieTooLarge { size })
            }
        }
    }

    async fn save_state(&self, state: State, ttl: &Duration) -> Result<SessionKey, Error> {
        let Parsed { owner, login, loaded, data } = parse(state)?;
        // A session that was loaded before is renewed: the middleware has just deleted it.
        let data = match loaded {
            None => data,
            Some(loaded) => {
                let (is_same, was_gone) = (loaded.owner == owner, self.was_gone(&loaded.id));
                if is_same && was_gone && !login {
                    // It was destroyed meanwhile, such as by a logout on another device.
                    return Err(Error::SessionEnded);
                }
                let takes_over = !was_gone && (is_same || loaded.owner.is_empty());
                if takes_over { data } else { only_set(&loaded.data, data) }
            }
        };
        self.create(&owner, &data, ttl).await
    }

    async fn update_state(&self, key: SessionKey, state: State, ttl: &Duration) -> Result<SessionKey, Error> {
        let token = Token::from(key.as_ref());
        let Parsed { owner, login, loaded, data } = parse(state)?;
        let Some(loaded) = loaded else {
            // The application has called `clear`.
            if owner.is_empty() {
                ended(self.jrs.update(&token, &data).await)?;
                return Ok(key);
            }
            ended(self.jrs.destroy(&token).await.map(Some))?;
            return self.create(&owner, &data, ttl).await;
        };
        // Removing the owner is not a logout: that is `purge`.
        let owner = if owner.is_empty() { loaded.owner.clone() } else { owner };
        let changed = changes(&loaded.data, &data)?;
        let is_same = owner == loaded.owner;
        if !is_same && !loaded.owner.is_empty() {
            // The data of another user is not taken over.
            ended(self.jrs.destroy(&token).await.map(Some))?;
            return self.create(&owner, &only_set(&loaded.data, data), ttl).await;
        }
        let is_there = changed.is_empty() || ended(self.jrs.patch(&token, &operations(&changed)).await)?.is_some();
        match (is_same && !login, is_there) {
            // It was destroyed meanwhile, and stays so.
            (true, _) => Ok(key),
            (false, true) => self.log_in(token, owner, loaded, data, ttl).await,
            (false, false) => self.create(&owner, &only_set(&loaded.data, data), ttl).await,
        }
    }

    async fn log_in(
        &self,
        token: Token,
        owner: String,
        loaded: Loaded,
        data: Data,
        ttl: &Duration,
    ) -> Result<SessionKey, Error> {
        // In a cluster the new owner is in another slot, where a session can only be created.
        if !(self.jrs.is_cluster() && loaded.owner.is_empty()) {
            let options = RotateOptions::new().owner(&owner).reauth();
            return match ended(self.jrs.rotate(&token, &options).await)? {
                Some(token) => self.session_key(token).await,
                None => self.create(&owner, &only_set(&loaded.data, data), ttl).await,
            };
        }
        let existed = ended(self.jrs.destroy(&token).await.map(Some))?.unwrap_or(false);
        let data = if existed { data } else { only_set(&loaded.data, data) };
        self.create(&owner, &data, ttl).await
    }

    fn was_gone(&self, id: &str) -> bool {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|gone| gone == id)
    }
}

/// A refused token is the same as a session that does not exist.
fn ended<R>(result: Result<Option<R>, Error>) -> Result<Option<R>, Error> {
    match result {
        Err(error) if error.is_token_refused() => Ok(None),
        result => result,
    }
}

impl SessionStore for JrsSessionStore {
    async fn load(&self, session_key: &SessionKey) -> Result<Option<State>, LoadError> {
        let token = Token::from(session_key.as_ref());
        let session = ended(self.jrs.read_raw("JRS.GET", &token).await);
        // With LoadError::Deserialization the middleware would overwrite data that it cannot read.
        let state = session.and_then(|session| session.map(|(session, _)| to_state(session)).transpose());
        state.map_err(|error| LoadError::Other(error.into()))
    }

    async fn save(&self, session_state: State, ttl: &Duration) -> Result<SessionKey, SaveError> {
        self.save_state(session_state, ttl).await.map_err(|error| SaveError::Other(error.into()))
    }

    async fn update(
        &self,
        session_key: SessionKey,
        session_state: State,
        ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        self.update_state(session_key, session_state, ttl).await.map_err(|error| UpdateError::Other(error.into()))
    }

    /// Nothing is sent: the read of the same request has extended the session.
    async fn update_ttl(&self, _: &SessionKey, _: &Duration) -> Result<(), anyhow::Error> {
        Ok(())
    }

    async fn delete(&self, session_key: &SessionKey) -> Result<(), anyhow::Error> {
        let token = Token::from(session_key.as_ref());
        let existed = ended(self.jrs.destroy(&token).await.map(Some))?.unwrap_or(false);
        if let (false, Some(id)) = (existed, token.session_id()) {
            let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
            gone.truncate(REMEMBERED - 1);
            gone.push_front(id);
        }
        Ok(())
    }
}

impl fmt::Debug for JrsSessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JrsSessionStore").field("jrs", &self.jrs).finish_non_exhaustive()
    }
}

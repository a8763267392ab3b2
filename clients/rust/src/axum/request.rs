//! The session of one request, which all its extractors share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{
    claims::LazyClaims,
    cookie,
    settings::{Received, Settings},
};
use crate::{
    Error, Token, UpdateOptions,
    changes::{Changes, Fields, apply, operations},
    reply::{from_fields, from_json},
    session::RawSession,
    token::Origin,
};

/// What an application sees of the session, besides its data.
pub(super) struct Info {
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) claims: LazyClaims,
    pub(super) token: Token,
}

/// What the request knows of its session.
#[derive(Default)]
pub(super) struct State {
    /// `None` without a session.
    pub(super) info: Option<Arc<Info>>,
    /// The data that the server has, as JSON text. Empty without a session.
    pub(super) stored: Vec<u8>,
    /// The fields that were changed and are not saved yet.
    pub(super) changes: Changes,
    /// The seconds that the session has left, if this request has read it with its current token.
    pub(super) ttl: Option<u64>,
    /// When that token was issued, in seconds since 1970.
    pub(super) issued: u64,
    /// This request has destroyed its session, or the server has replied `REUSED`: the cookie is cleared. A token that does
    /// not lead to a session keeps its cookie: another response may have just replaced it, as after a login.
    pub(super) clears_cookie: bool,
    /// The session ended while the request had it. Changes are not saved: they belong to the session that is gone.
    pub(super) is_closed: bool,
    /// How many sessions this request had that ended. Changes of an extractor from before belong to the session that is gone.
    pub(super) ended: u32,
    /// Why the session could not be read, if the request continues with an empty session.
    pub(super) outage: Option<Error>,
    /// Changes that cannot be written as JSON.
    pub(super) failed: Option<Error>,
}

pub(super) struct RequestSession {
    pub(super) settings: Arc<Settings>,
    pub(super) received: Option<Received>,
    read: OnceCell<()>,
    state: Mutex<State>,
}

impl RequestSession {
    pub(super) fn new(settings: Arc<Settings>, received: Option<Received>) -> RequestSession {
        RequestSession { settings, received, read: OnceCell::new(), state: Mutex::default() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn was_read(&self) -> bool {
        self.read.initialized()
    }

    /// Reads the session, once for all extractors of the request.
    pub(super) async fn read(&self) -> Result<(), Error> {
        self.read.get_or_try_init(|| self.read_now()).await.copied()
    }

    async fn read_now(&self) -> Result<(), Error> {
        let Some(Received { token, .. }) = &self.received else { return Ok(()) };
        match self.settings.jrs.read_raw("JRS.GET", token).await {
            Ok(Some((session, origin))) => self.state().set_read(token, &origin, session),
            Ok(None) => {}
            Err(error) if error.is_token_refused() => self.note_reuse(&error),
            Err(error) if self.settings.fail_open && error.is_unavailable() => {
                self.settings.report_error(&error);
                self.state().outage = Some(error);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The token of the session.
    pub(super) fn token(&self) -> Result<Token, Error> {
        let state = self.state();
        state.token().cloned().ok_or_else(|| state.outage.clone().unwrap_or(Error::NoSession))
    }

    /// The token of the session, or the one of the request, which may be expired, or could not be looked up.
    pub(super) fn token_to_destroy(&self) -> Option<Token> {
        let current = self.state().token().cloned();
        current.or_else(|| self.received.as_ref().map(|received| received.token.clone()))
    }

    /// Whether a token of this request is sent as a cookie.
    pub(super) fn uses_cookie(&self) -> bool {
        self.settings.cookie.is_some() && self.received.as_ref().is_none_or(|received| received.in_cookie)
    }

    /// Remembers that the session is gone if a command says so.
    pub(super) fn check<R>(&self, result: Result<R, Error>) -> Result<R, Error> {
        if let Err(error) = &result
            && (error.is_token_refused() || matches!(error, Error::SessionEnded))
        {
            self.end(error);
        }
        result
    }

    /// The server has refused the token of a session that this request had.
    fn end(&self, error: &Error) {
        self.note_reuse(error);
        self.state().end();
    }

    /// `REUSED`: the server has destroyed the session that came from this token, so the cookie is cleared.
    pub(super) fn note_reuse(&self, error: &Error) {
        if let (Error::Reused(_), Some(Received { token, .. })) = (error, &self.received) {
            self.state().clears_cookie = true;
            self.settings.report_reuse(token);
        }
    }

    /// Takes the token of a rotation.
    pub(super) async fn adopt_rotated(&self, token: Token, owner: &str) -> Result<(), Error> {
        let old = self.state().info.clone();
        let adopted = self.adopt(token, owner).await;
        match &adopted {
            // A parallel request with the old token must not renew its cookie: it would replace the new one.
            Ok(()) => old.iter().for_each(|old| self.settings.renewals.note(&old.id)),
            Err(_) => self.state().clears_cookie = true,
        }
        adopted
    }

    /// Takes a token that the server has just signed. A session whose token does not fit into the cookie is destroyed.
    async fn adopt(&self, token: Token, owner: &str) -> Result<(), Error> {
        if let (true, Some(cookie)) = (self.uses_cookie(), &self.settings.cookie) {
            let size = cookie.name.len() + token.as_str().len();
            if size > cookie::MAX_SIZE {
                self.state().end();
                self.settings.jrs.destroy(&token).await?;
                return Err(Error::CookieTooLarge { size });
            }
        }
        let claims = token.unverified_claims().ok_or(Error::BadReply)?;
        let id = claims.get("jti").and_then(Value::as_str).ok_or(Error::BadReply)?.to_owned();
        let mut state = self.state();
        state.info = Some(Arc::new(Info { id, owner: owner.to_owned(), claims: claims.into(), token }));
        state.ttl = None;
        state.is_closed = false;
        state.outage = None;
        Ok(())
    }

    /// Saves the changed fields, and no others. False: the session ended meanwhile, and is not created again.
    pub(super) async fn save(&self) -> Result<bool, Error> {
        let (token, changes) = {
            let state = self.state();
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            (state.token().cloned(), state.unsaved()?)
        };
        if changes.is_empty() {
            return Ok(true);
        }
        let Some(token) = token else {
            // The user may have a session, whose cookie a new one would replace.
            if let Some(error) = &self.state().outage {
                return Err(error.clone());
            }
            self.create("", &crate::CreateOptions::new()).await?;
            return Ok(true);
        };
        let options = UpdateOptions::new();
        let updated = self.settings.jrs.patch_with(&token, &operations(&changes), &options).await;
        match updated {
            Ok(Some(_)) => {
                self.state().saved(&changes)?;
                Ok(true)
            }
            Ok(None) => {
                self.state().end();
                Ok(false)
            }
            Err(error) if error.is_token_refused() => {
                self.end(&error);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Creates a session with all fields.
    pub(super) async fn create(&self, owner: &str, options: &crate::CreateOptions) -> Result<(), Error> {
        let fields = self.state().fields()?;
        let token = self.settings.jrs.create_with(owner, &fields, options).await?;
        {
            let mut state = self.state();
            state.set_stored(&fields)?;
            state.changes.clear();
        }
        self.adopt(token, owner).await
    }
}

impl State {
    pub(super) fn set_read(&mut self, token: &Token, origin: &Origin, session: RawSession) {
        let RawSession { id, owner, data, claims, ttl } = session;
        // In the grace of a rotation the session has another token, whose cookie must not be replaced by this one.
        let in_grace = origin.id != id;
        self.ttl = ttl.map(|ttl| ttl.as_secs()).filter(|_| !in_grace);
        self.issued = origin.issued;
        self.stored = data;
        self.info = Some(Arc::new(Info { id, owner, claims: claims.into(), token: token.clone() }));
    }

    /// The token of the session.
    pub(super) fn token(&self) -> Option<&Token> {
        self.info.as_ref().map(|info| &info.token)
    }

    /// The owner of the session; empty if it is anonymous, or if there is none.
    pub(super) fn owner(&self) -> &str {
        self.info.as_ref().map_or("", |info| &info.owner)
    }

    /// The request has no session any more. Its data and its changes are dropped, and nothing is saved unless the
    /// application begins another session.
    pub(super) fn end(&mut self) {
        let (clears_cookie, ended) = (self.clears_cookie, self.ended.saturating_add(1));
        *self = State { clears_cookie, ended, is_closed: true, ..State::default() };
    }

    /// This request has destroyed the session.
    pub(super) fn end_destroyed(&mut self) {
        self.end();
        self.clears_cookie = true;
    }

    /// The data of the application's type, with the unsaved changes; `None` if there is none.
    pub(super) fn data<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        match (self.stored.is_empty(), self.changes.is_empty()) {
            (true, true) => Ok(None),
            (false, true) => from_json(&self.stored).map(Some),
            _ => from_fields(self.fields()?).map(Some),
        }
    }

    /// The fields that the server has.
    pub(super) fn stored_fields(&self) -> Result<Fields, Error> {
        if self.stored.is_empty() { Ok(Fields::new()) } else { from_json(&self.stored) }
    }

    /// All fields with the unsaved changes.
    pub(super) fn fields(&self) -> Result<Fields, Error> {
        let mut fields = self.stored_fields()?;
        apply(&mut fields, &self.changes);
        Ok(fields)
    }

    /// Whether there is something to save, or a change that cannot be saved.
    pub(super) fn has_changes(&self) -> bool {
        !self.changes.is_empty() || self.failed.is_some()
    }

    /// The changes that make a difference.
    fn unsaved(&self) -> Result<Changes, Error> {
        if self.changes.is_empty() {
            return Ok(Changes::new());
        }
        let stored = self.stored_fields()?;
        let differs = |(name, value): &(&String, &Option<Value>)| stored.get(*name) != value.as_ref();
        Ok(self.changes.iter().filter(differs).map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The server has made these changes.
    fn saved(&mut self, changes: &Changes) -> Result<(), Error> {
        let mut stored = self.stored_fields()?;
        apply(&mut stored, changes);
        self.set_stored(&stored)?;
        self.changes.retain(|name, value| changes.get(name) != Some(value));
        Ok(())
    }

    pub(super) fn set_stored(&mut self, fields: &Fields) -> Result<(), Error> {
        self.stored = serde_json::to_vec(fields).map_err(|_| Error::NotAnObject)?;
        Ok(())
    }
}

//! What a handler does with its session, besides reading and changing the data.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use super::{Session, session::fields_of};
use crate::{CreateOptions, Error, MintOptions, RotateOptions, Token};

impl<T: Default + Serialize + DeserializeOwned + Send> Session<T> {
    /// Creates a session with the data, for an owner or anonymous (`""`). At a login, use [`log_in`](Session::log_in):
    /// this method leaves a session that the request already has alive.
    pub async fn create(&mut self, owner: &str, options: &CreateOptions) -> Result<&Token, Error> {
        self.flush();
        self.create_with_all_fields(owner, options).await?;
        self.refresh();
        self.token().ok_or(Error::NoSession)
    }

    /// Creates a session with the data. Call [`flush`](Session::flush) before.
    pub(super) async fn create_with_all_fields(&self, owner: &str, options: &CreateOptions) -> Result<(), Error> {
        let fields = (self.to_fields)(&self.data)?;
        let fields = fields.into_iter().map(|(name, value)| (name, Some(value))).collect();
        let changed = std::mem::replace(&mut self.request.state().changes, fields);
        let created = self.request.create(owner, options).await;
        let mut state = self.request.state();
        // The server has refused: what the layer saves is what the request has changed.
        if created.is_err() && !state.changes.is_empty() {
            state.changes = changed;
        }
        created
    }

    /// Replaces all stored data with the data of this session. Changes that other requests make at the same time are
    /// lost; [`save`](Session::save) keeps them.
    pub async fn update(&mut self) -> Result<(), Error> {
        let token = self.request.token()?;
        let fields = (self.to_fields)(&self.data)?;
        let etag = self.request.settings.jrs.update(&token, &fields).await;
        let etag = etag.and_then(|etag| etag.ok_or(Error::SessionEnded));
        self.checked(etag)?;
        self.before = None;
        let mut state = self.request.state();
        state.changes.clear();
        state.set_stored(&fields)
    }

    /// Saves the changed fields now, which the layer would do before the response. Without a session it creates an
    /// anonymous one, if a field was changed.
    pub async fn save(&mut self) -> Result<(), Error> {
        self.flush();
        let saved = self.request.save().await;
        self.refresh();
        if saved? { Ok(()) } else { Err(Error::SessionEnded) }
    }

    /// Changes the members in `patch`, in the server, at once (RFC 7396: `null` removes a member). Other changes of this
    /// request stay unsaved.
    pub async fn merge(&mut self, patch: &impl Serialize) -> Result<(), Error> {
        self.flush();
        let token = self.request.token()?;
        let patch = fields_of(patch)?;
        let etag = self.request.settings.jrs.merge(&token, &patch).await;
        let etag = etag.and_then(|etag| etag.ok_or(Error::SessionEnded));
        self.checked(etag)?;
        {
            let mut state = self.request.state();
            let mut stored = state.stored_fields()?;
            crate::changes::merge(&mut stored, &patch);
            state.set_stored(&stored)?;
        }
        self.reread()
    }

    /// Reads the stored data again. Unsaved changes of this request are dropped.
    pub async fn reload(&mut self) -> Result<(), Error> {
        let token = self.request.token()?;
        self.before = None;
        let read = self.request.settings.jrs.read_raw("JRS.PEEK", &token).await;
        let (session, origin) = self.checked(read.and_then(|session| session.ok_or(Error::SessionEnded)))?;
        {
            let mut state = self.request.state();
            state.changes.clear();
            state.set_read(&token, &origin, session);
        }
        self.refresh();
        self.reread()
    }

    /// Extends the session, as reading it does. Returns the time that is left.
    pub async fn touch(&mut self) -> Result<Option<Duration>, Error> {
        let token = self.request.token()?;
        let left = self.request.settings.jrs.touch(&token).await;
        self.checked(left)
    }

    /// Gives the session a new id and a new token. The server refuses the old token at once, or after
    /// [`RotateOptions::grace`].
    pub async fn rotate(&mut self, options: &RotateOptions) -> Result<&Token, Error> {
        let token = self.request.token()?;
        let rotated = self.request.settings.jrs.rotate(&token, options).await;
        let new = self.checked(rotated.and_then(|token| token.ok_or(Error::SessionEnded)))?;
        let owner = options.new_owner().unwrap_or(self.owner()).to_owned();
        self.request.adopt_rotated(new, &owner).await?;
        self.refresh();
        self.token().ok_or(Error::NoSession)
    }

    /// Signs a short-lived access token (RFC 9068) for another service.
    pub async fn mint(&mut self, options: &MintOptions) -> Result<Token, Error> {
        let token = self.request.token()?;
        self.signed_in()?;
        let minted = self.request.settings.jrs.mint(&token, options).await;
        self.checked(minted.and_then(|token| token.ok_or(Error::SessionEnded)))
    }

    /// Checks that the user authenticated at most `seconds` ago, by the server's clock. [`log_in`](Session::log_in) and
    /// [`RotateOptions::reauth`] set that time. The error's response is that of RFC 9470.
    pub async fn require_recent_auth(&self, seconds: u64) -> Result<(), Error> {
        self.request.require_recent_auth(seconds).await
    }

    /// Destroys the session and clears its cookie: a logout. Returns whether it existed. A second logout is not an error,
    /// and clears the cookie too. The data is dropped, and later changes are not saved; use
    /// [`regenerate`](Session::regenerate) to go on with an empty session.
    pub async fn destroy(&mut self) -> Result<bool, Error> {
        self.before = None;
        let existed = match self.request.token_to_destroy() {
            None => false,
            Some(token) => match self.request.settings.jrs.destroy(&token).await {
                Err(error) if error.is_token_refused() => {
                    self.request.note_reuse(&error);
                    false
                }
                existed => existed?,
            },
        };
        self.forget();
        Ok(existed)
    }

    /// Destroys the session and starts an empty, anonymous one, which is stored when a field is set.
    pub async fn regenerate(&mut self) -> Result<(), Error> {
        self.destroy().await?;
        self.request.state().is_closed = false;
        Ok(())
    }

    pub(super) fn signed_in(&self) -> Result<&str, Error> {
        if self.owner().is_empty() { Err(Error::NoOwner) } else { Ok(self.owner()) }
    }

    /// The session was destroyed by this request.
    pub(super) fn forget(&mut self) {
        self.data = T::default();
        self.before = None;
        self.request.state().end_destroyed();
        self.refresh();
    }

    pub(super) fn checked<R>(&mut self, result: Result<R, Error>) -> Result<R, Error> {
        let result = self.request.check(result);
        self.refresh();
        result
    }

    pub(super) fn refresh(&mut self) {
        let state = self.request.state();
        (self.info, self.ended) = (state.info.clone(), state.ended);
    }

    fn reread(&mut self) -> Result<(), Error> {
        self.data = self.request.state().data()?.unwrap_or_default();
        Ok(())
    }
}

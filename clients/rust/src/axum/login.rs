//! Logging in.

use serde::{Serialize, de::DeserializeOwned};

use super::{Session, session::fields_of};
use crate::{
    Claims, CreateOptions, Error, RotateOptions, Token,
    changes::apply,
    reply::{from_fields, to_object},
};

impl<T: Default + Serialize + DeserializeOwned + Send> Session<T> {
    /// Logs a user in, safe against session fixation. A session of another user is destroyed, and its data is dropped,
    /// also what this request has changed. An anonymous one keeps its data and gets a new id and a new token, as does a
    /// session of the same user; the server refuses the old token at once. Without a session, one is created.
    pub async fn log_in(&mut self, owner: &str) -> Result<&Token, Error> {
        self.log_in_with(owner, &Claims::new()).await
    }

    /// As [`log_in`](Session::log_in), with claims for the token.
    pub async fn log_in_with(&mut self, owner: &str, claims: &impl Serialize) -> Result<&Token, Error> {
        if owner.is_empty() {
            return Err(Error::NoOwner);
        }
        // Before the session of another user is destroyed.
        to_object(claims)?;
        self.flush();
        let current = self.request.state().owner().to_owned();
        if !current.is_empty() && current != owner {
            self.destroy().await?;
        }
        if self.request.state().is_closed {
            self.data = T::default();
        }
        let token = self.request.state().token().cloned();
        let has_session = match token {
            Some(token) => self.hand_over(&token, owner, &current, claims).await?,
            None => false,
        };
        if !has_session {
            // An empty object of claims is the same as none.
            self.create_with_all_fields(owner, &CreateOptions::new().claims(claims)).await?;
        }
        self.refresh();
        self.token().ok_or(Error::NoSession)
    }

    /// Gives the session to its user. False: there was none, and one must be created.
    async fn hand_over(
        &mut self,
        token: &Token,
        owner: &str,
        current: &str,
        claims: &impl Serialize,
    ) -> Result<bool, Error> {
        let jrs = &self.request.settings.jrs;
        // In a cluster the new owner is in another slot, where a session can only be created.
        if !(jrs.is_cluster() && current.is_empty()) {
            let options = RotateOptions::new().owner(owner).reauth().claims(claims);
            match jrs.rotate(token, &options).await {
                Ok(Some(new)) => {
                    self.request.adopt_rotated(new, owner).await?;
                    return Ok(true);
                }
                Err(Error::CrossSlot(_)) => {}
                // It ended meanwhile. Its data is not taken over.
                Ok(None) => return self.start_again(),
                Err(error) if error.is_token_refused() => {
                    self.request.note_reuse(&error);
                    return self.start_again();
                }
                Err(error) => return Err(error),
            }
        }
        // The anonymous session is destroyed last: it stays if the new one cannot be created.
        let fields = self.request.state().fields()?;
        let new = jrs.create_with(owner, &fields, &CreateOptions::new().claims(claims)).await?;
        if !jrs.destroy(token).await? {
            jrs.destroy(&new).await?;
            return self.start_again();
        }
        {
            let mut state = self.request.state();
            state.set_stored(&fields)?;
            state.changes.clear();
        }
        self.request.adopt_rotated(new, owner).await?;
        Ok(true)
    }

    /// Keeps only what this request has changed.
    fn start_again(&mut self) -> Result<bool, Error> {
        let mut fields = fields_of(&T::default())?;
        let mut state = self.request.state();
        apply(&mut fields, &state.changes);
        state.end();
        self.data = from_fields(fields)?;
        Ok(false)
    }
}

//! The extractors.

use std::ops::{Deref, DerefMut};

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::Session;
use crate::Error;

/// The session of a user. A request without one, or with an anonymous session, gets the status 401.
///
/// ```
/// use jrs_client::axum::SignedIn;
///
/// async fn me(SignedIn(session): SignedIn) -> String {
///     session.owner().to_owned()
/// }
/// # let _ = axum::Router::<()>::new().route("/", axum::routing::get(me));
/// ```
#[derive(Debug)]
pub struct SignedIn<T = Map<String, Value>>(pub Session<T>);

impl<T> Deref for SignedIn<T> {
    type Target = Session<T>;

    fn deref(&self) -> &Session<T> {
        &self.0
    }
}

impl<T> DerefMut for SignedIn<T> {
    fn deref_mut(&mut self) -> &mut Session<T> {
        &mut self.0
    }
}

impl<S, T> FromRequestParts<S> for Session<T>
where
    S: Sync,
    T: Default + Serialize + DeserializeOwned + Send,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Session<T>, Error> {
        Session::from_extensions(&parts.extensions).await
    }
}

impl<S, T> FromRequestParts<S> for SignedIn<T>
where
    S: Sync,
    T: Default + Serialize + DeserializeOwned + Send,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<SignedIn<T>, Error> {
        let session = Session::<T>::from_extensions(&parts.extensions).await?;
        // While Redis is unavailable, it is not known whether the user is signed in.
        session.request.token()?;
        session.signed_in()?;
        Ok(SignedIn(session))
    }
}

impl<S, T> OptionalFromRequestParts<S> for SignedIn<T>
where
    S: Sync,
    T: Default + Serialize + DeserializeOwned + Send,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<SignedIn<T>>, Error> {
        let session = Session::<T>::from_extensions(&parts.extensions).await?;
        Ok(if session.signed_in().is_ok() { Some(SignedIn(session)) } else { None })
    }
}

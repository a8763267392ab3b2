//! The session that a handler gets.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, LazyLock},
};

use http::Extensions;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::request::{Info, RequestSession};
use crate::{
    Claims, Error, Token,
    changes::{Fields, diff},
};

/// The claims of a request without a session.
static NO_CLAIMS: LazyLock<Claims> = LazyLock::new(Claims::new);

/// The session of a request. As an extractor it is there for each request: without a valid token it is empty, and
/// [`id`](Session::id) is `None`. [`SignedIn`](super::SignedIn) refuses such requests.
///
/// It dereferences to its data, of the application's type `T`; without a type, to a map of JSON values. Changed fields
/// are saved before the response is sent, and only they: two requests that change different fields both win. A session
/// that another request has destroyed is never created again.
///
/// ```
/// use axum::Json;
/// use jrs_client::axum::Session;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// #[serde(default)] // sessions that were stored by older versions of the program may lack fields
/// struct Visitor {
///     visits: u32,
/// }
///
/// async fn count(mut session: Session<Visitor>) -> Json<u32> {
///     session.visits += 1;
///     Json(session.visits)
/// }
/// # let _ = axum::Router::<()>::new().route("/", axum::routing::get(count));
/// ```
///
/// Changes are noticed if they need `&mut`, not those inside of a `Cell` or `Mutex`.
///
/// Drop the session before the handler returns, as handlers do: what a spawned task or a streamed body changes later is
/// not saved, unless it calls [`save`](Session::save).
pub struct Session<T = Map<String, Value>> {
    pub(super) request: Arc<RequestSession>,
    pub(super) info: Option<Arc<Info>>,
    /// [`State::ended`](super::request::State::ended) when the data was read.
    pub(super) ended: u32,
    pub(super) data: T,
    /// The fields before the first change.
    pub(super) before: Option<Result<Fields, Error>>,
    /// Drop has no bounds on `T`.
    pub(super) to_fields: fn(&T) -> Result<Fields, Error>,
}

impl<T: Default + Serialize + DeserializeOwned + Send> Session<T> {
    /// The session of a request that passed through [`SessionLayer`](super::SessionLayer): for tower services without
    /// axum. The first call of a request reads the session.
    pub async fn from_extensions(extensions: &Extensions) -> Result<Session<T>, Error> {
        let request = extensions.get::<Arc<RequestSession>>().ok_or(Error::NoLayer)?;
        let request = Arc::clone(request);
        request.read().await?;
        let (info, ended, data) = {
            let state = request.state();
            (state.info.clone(), state.ended, state.data()?.unwrap_or_default())
        };
        Ok(Session { request, info, ended, data, before: None, to_fields })
    }

    /// The id of the session; `None` if the request has no session.
    pub fn id(&self) -> Option<&str> {
        self.info.as_ref().map(|info| info.id.as_str())
    }

    /// The user that the session belongs to; empty if it is anonymous, or if there is none.
    pub fn owner(&self) -> &str {
        self.info.as_ref().map_or("", |info| &info.owner)
    }

    /// The claims of the token, which the server has verified. Empty if serde_json cannot read them: they are nested deeper
    /// than 127, or have a number that is too large for an `f64`.
    pub fn claims(&self) -> &Claims {
        self.info.as_ref().map_or(&*NO_CLAIMS, |info| info.claims.get())
    }

    /// The token, for clients that send it as `Authorization: Bearer`.
    pub fn token(&self) -> Option<&Token> {
        self.info.as_ref().map(|info| &info.token)
    }
}

impl<T> Session<T> {
    /// Passes the changes to the request.
    pub(super) fn flush(&mut self) {
        let Some(before) = self.before.take() else { return };
        let changes = before.and_then(|before| Ok((diff(&before, &(self.to_fields)(&self.data)?), ())));
        let mut state = self.request.state();
        if state.is_closed || state.ended != self.ended {
            return;
        }
        match changes {
            Err(error) => state.failed = Some(error),
            Ok((changes, ())) if changes.is_empty() => {}
            Ok((changes, ())) if state.info.is_some() => state.changes.extend(changes),
            // A new session gets all fields, so that the type can be read again without defaults.
            Ok(_) => match (self.to_fields)(&self.data) {
                Ok(fields) => state.changes.extend(fields.into_iter().map(|(name, value)| (name, Some(value)))),
                Err(error) => state.failed = Some(error),
            },
        }
    }
}

/// The fields of the application's data.
fn to_fields<T: Serialize>(data: &T) -> Result<Fields, Error> {
    fields_of(data)
}

pub(super) fn fields_of(data: &impl Serialize) -> Result<Fields, Error> {
    match serde_json::to_value(data) {
        Ok(Value::Object(fields)) => Ok(fields),
        // The default of serde_json::Value.
        Ok(Value::Null) => Ok(Fields::new()),
        _ => Err(Error::NotAnObject),
    }
}

impl<T> Deref for Session<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.data
    }
}

impl<T> DerefMut for Session<T> {
    fn deref_mut(&mut self) -> &mut T {
        if self.before.is_none() {
            self.before = Some((self.to_fields)(&self.data));
        }
        &mut self.data
    }
}

impl<T> Drop for Session<T> {
    fn drop(&mut self) {
        // A handler that panicked may have made only a part of its changes.
        if !std::thread::panicking() {
            self.flush();
        }
    }
}

impl<T> fmt::Debug for Session<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = self.info.as_ref().map(|info| (&info.id, &info.owner));
        f.debug_struct("Session")
            .field("id", &info.map(|(id, _)| id))
            .field("owner", &info.map_or("", |(_, owner)| owner))
            .finish_non_exhaustive()
    }
}

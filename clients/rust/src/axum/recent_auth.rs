//! Routes that need a recent login.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::{request::RequestSession, response::response};
use crate::Error;

/// Lets a request pass only if its user authenticated at most `seconds` ago, by the server's clock. Otherwise the status
/// is 401, with the header of RFC 9470; without a session, with `WWW-Authenticate: Bearer`. It sends one command, which
/// does not extend the session. Add it inside of [`SessionLayer`](super::SessionLayer).
///
/// ```
/// use axum::{Router, routing::post};
/// use jrs_client::{Jrs, axum::{SessionLayer, require_recent_auth}};
///
/// # async fn change_password() {}
/// fn app(jrs: Jrs) -> Router {
///     let route = post(change_password).layer(require_recent_auth(300));
///     Router::new().route("/password", route).layer(SessionLayer::new(jrs))
/// }
/// ```
pub fn require_recent_auth(seconds: u64) -> RequireRecentAuth {
    RequireRecentAuth { seconds }
}

/// The layer of [`require_recent_auth`].
#[derive(Clone, Copy, Debug)]
pub struct RequireRecentAuth {
    seconds: u64,
}

impl<S> Layer<S> for RequireRecentAuth {
    type Service = RecentAuthService<S>;

    fn layer(&self, inner: S) -> RecentAuthService<S> {
        RecentAuthService { inner, seconds: self.seconds }
    }
}

/// The service of [`RequireRecentAuth`].
#[derive(Clone)]
pub struct RecentAuthService<S> {
    inner: S,
    seconds: u64,
}

impl<S> fmt::Debug for RecentAuthService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentAuthService").field("seconds", &self.seconds).finish_non_exhaustive()
    }
}

impl<S, In, Out> Service<Request<In>> for RecentAuthService<S>
where
    S: Service<Request<In>, Response = Response<Out>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    In: Send + 'static,
    Out: Default + Send + 'static,
{
    type Response = Response<Out>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Out>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<In>) -> Self::Future {
        // The service that is ready is used, and its clone waits for the next request.
        let clone = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, clone);
        let seconds = self.seconds;
        Box::pin(async move {
            match check(&request, seconds).await {
                Ok(()) => ready.call(request).await,
                Err(error) => Ok(response(error)),
            }
        })
    }
}

fn check<In>(request: &Request<In>, seconds: u64) -> impl Future<Output = Result<(), Error>> + Send + 'static {
    let session = request.extensions().get::<Arc<RequestSession>>().cloned();
    async move {
        let session = session.ok_or(Error::NoLayer)?;
        session.read().await?;
        session.require_recent_auth(seconds).await
    }
}

//! The tower layer: it puts the session into the request, and writes the cookie into the response.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderValue, Request, Response, header};
use serde_json::Value;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    Cookie, Reuse,
    request::{Info, RequestSession},
    response::response,
    settings::Settings,
};
use crate::{Error, Jrs, Realm};

/// How old the description of the realm may be that says how long a new cookie lives.
const REALM_AGE: Duration = Duration::from_secs(60);

/// Adds [`Session`](super::Session) to the requests of axum, or of any tower service of HTTP requests whose response body
/// has a `Default`.
///
/// The session is read when the first extractor of a request asks for it, by one `JRS.GET`, so that requests for images
/// and scripts cost nothing. Later extractors of the same request share it.
///
/// The layer alone sets the cookie: at a new token, and again as the session slides. It clears the cookie when a request
/// destroys its session.
///
/// ```
/// use axum::{Router, routing::get};
/// use jrs_client::{Jrs, axum::{Session, SessionLayer}};
///
/// async fn hello(session: Session) -> String {
///     format!("hello {}", session.owner())
/// }
///
/// fn app(jrs: Jrs) -> Router {
///     Router::new().route("/", get(hello)).layer(SessionLayer::new(jrs))
/// }
/// ```
#[derive(Clone)]
pub struct SessionLayer {
    settings: Arc<Settings>,
}

impl SessionLayer {
    /// Sessions with the default [`Cookie`], of the realm of `jrs`.
    pub fn new(jrs: Jrs) -> SessionLayer {
        let settings = Settings {
            jrs,
            cookie: Some(Cookie::default()),
            bearer: false,
            auto_save: true,
            fail_open: false,
            renewals: Arc::default(),
            on_reuse: None,
            on_error: None,
        };
        SessionLayer { settings: Arc::new(settings) }
    }

    /// Another cookie.
    pub fn cookie(self, cookie: Cookie) -> SessionLayer {
        self.with(|settings| settings.cookie = Some(cookie))
    }

    /// No cookie is read or set. Use it together with [`bearer`](SessionLayer::bearer).
    pub fn without_cookie(self) -> SessionLayer {
        self.with(|settings| settings.cookie = None)
    }

    /// Whether the token may come as `Authorization: Bearer …`, which goes before the cookie: false by default. The
    /// response to such a request sets no cookie: the application sends [`Session::token`](super::Session::token).
    pub fn bearer(self, bearer: bool) -> SessionLayer {
        self.with(|settings| settings.bearer = bearer)
    }

    /// Whether changed fields are saved before the response is sent: true by default. Otherwise call
    /// [`Session::save`](super::Session::save).
    pub fn auto_save(self, auto_save: bool) -> SessionLayer {
        self.with(|settings| settings.auto_save = auto_save)
    }

    /// Whether requests continue with an empty session while Redis is unavailable: false by default, which is status
    /// 503. The cookie stays, and changes of such a session are not saved. [`SignedIn`](super::SignedIn), and the methods
    /// that need a session or write one, fail with status 503.
    pub fn fail_open(self, fail_open: bool) -> SessionLayer {
        self.with(|settings| settings.fail_open = fail_open)
    }

    /// Called when a rotated token is used again. Needs the setting `reuse-detection` of the server.
    pub fn on_reuse(self, on_reuse: impl Fn(&Reuse) + Send + Sync + 'static) -> SessionLayer {
        self.with(|settings| settings.on_reuse = Some(Arc::new(on_reuse)))
    }

    /// Called with each error of this crate that causes a status of 5xx or that [`fail_open`](SessionLayer::fail_open)
    /// ignores: for the log. Errors show no token and no data.
    pub fn on_error(self, on_error: impl Fn(&Error) + Send + Sync + 'static) -> SessionLayer {
        self.with(|settings| settings.on_error = Some(Arc::new(on_error)))
    }

    fn with(self, change: impl FnOnce(&mut Settings)) -> SessionLayer {
        let mut settings = Arc::unwrap_or_clone(self.settings);
        change(&mut settings);
        SessionLayer { settings: Arc::new(settings) }
    }
}

impl fmt::Debug for SessionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer").field("jrs", &self.settings.jrs).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> SessionService<S> {
        SessionService { inner, settings: Arc::clone(&self.settings) }
    }
}

/// The service of [`SessionLayer`].
#[derive(Clone)]
pub struct SessionService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> fmt::Debug for SessionService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService").finish_non_exhaustive()
    }
}

impl<S, In, Out> Service<Request<In>> for SessionService<S>
where
    S: Service<Request<In>, Response = Response<Out>>,
    S::Future: Send + 'static,
    Out: Default + Send + 'static,
{
    type Response = Response<Out>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Out>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<In>) -> Self::Future {
        let received = self.settings.received(request.headers());
        let session = Arc::new(RequestSession::new(Arc::clone(&self.settings), received));
        request.extensions_mut().insert(Arc::clone(&session));
        let inner = self.inner.call(request);
        Box::pin(async move {
            let mut reply = inner.await?;
            if let Err(error) = session.save_changes().await {
                reply = response(error);
            }
            session.write_cookie(reply.headers_mut()).await;
            if reply.status().is_server_error()
                && let Some(error) = reply.extensions().get::<Error>()
            {
                session.settings.report_error(error);
            }
            Ok(reply)
        })
    }
}

impl RequestSession {
    /// Saves what the handler has changed.
    async fn save_changes(&self) -> Result<(), Error> {
        let is_used = self.was_read() && self.state().outage.is_none();
        if is_used && self.settings.auto_save && self.state().has_changes() {
            // In a box, as most requests change nothing: the future of the layer stays small.
            Box::pin(self.save()).await?;
        }
        Ok(())
    }

    /// Sets, renews or clears the cookie. A response to a failed request sets a new token too: the old one is refused.
    async fn write_cookie(&self, headers: &mut HeaderMap) {
        self.clear_cookie(headers);
        let Some(cookie) = self.settings.cookie.as_ref().filter(|cookie| !cookie.is_set_in(headers)) else { return };
        let (info, ttl, issued) = {
            let state = self.state();
            (state.info.clone(), state.ttl, state.issued)
        };
        let (Some(info), true) = (info, self.uses_cookie()) else { return };
        let Info { id, token, .. } = &*info;
        if self.received.as_ref().is_none_or(|received| received.token != *token) {
            let max_age = if cookie.persistent { Box::pin(self.max_age(&info)).await } else { None };
            self.settings.renewals.note(id);
            write(headers, &cookie.set(token.as_str(), max_age));
        } else if let Some(ttl) = ttl.filter(|ttl| cookie.persistent && self.renews(id, issued, *ttl)) {
            // The session was extended, so its cookie is too, unless the browser has a fresh one.
            write(headers, &cookie.set(token.as_str(), Some(ttl)));
        }
    }

    /// Whether the cookie of a session that lives `ttl` seconds is sent again: once in a tenth of that time.
    fn renews(&self, id: &str, issued: u64, ttl: u64) -> bool {
        let interval = Duration::from_secs(ttl) / 10;
        is_older(issued, interval.as_secs()) && self.settings.renewals.is_due(id, interval)
    }

    /// Clears the cookie that came with the request, if this request has ended its session.
    fn clear_cookie(&self, headers: &mut HeaderMap) {
        let came_in_cookie = self.received.as_ref().is_some_and(|received| received.in_cookie);
        let (clears, has_token) = {
            let state = self.state();
            (state.clears_cookie, state.info.is_some())
        };
        if let Some(cookie) = &self.settings.cookie
            && came_in_cookie
            && clears
            && !has_token
            && !cookie.is_set_in(headers)
        {
            write(headers, &cookie.clear());
        }
    }

    /// The seconds that the cookie of a new token lives. `None` if the server cannot be asked: until the next renewal, the
    /// cookie ends with the browser.
    async fn max_age(&self, info: &Info) -> Option<u64> {
        if let Some(ttl) = info.claims.get().get("ttl").and_then(Value::as_f64) {
            return Some(Duration::try_from_secs_f64(ttl).map_or(super::cookie::MAX_AGE, |ttl| ttl.as_secs()));
        }
        let jrs = &self.settings.jrs;
        let realm = match jrs.realm_no_older_than(REALM_AGE).await {
            Ok(realm) => realm,
            Err(_) => jrs.realm_no_older_than(Duration::MAX).await.ok()?,
        };
        Some(seconds_of(&realm, &info.owner))
    }
}

fn seconds_of(realm: &Realm, owner: &str) -> u64 {
    let anonymous = owner.is_empty() && !realm.anonymous_max_age.is_zero();
    let age = if anonymous { realm.anonymous_max_age } else { realm.max_age };
    if age.is_zero() { super::cookie::MAX_AGE } else { age.as_secs() }
}

/// Whether the token was issued longer ago. A clock that differs from the server's renews a cookie too early or too late.
fn is_older(issued: u64, seconds: u64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    now >= issued.saturating_add(seconds)
}

/// Adds a line of `Set-Cookie`. A cache must not give it to other users.
fn write(headers: &mut HeaderMap, line: &str) {
    // Tokens and the checked attributes are visible ASCII.
    if let Ok(mut line) = HeaderValue::from_str(line) {
        // `Debug` of the headers, such as in a log of requests, does not show the token.
        line.set_sensitive(true);
        headers.append(header::SET_COOKIE, line);
        headers.append(header::VARY, HeaderValue::from_static("Cookie"));
    }
}

//! The application with both kinds of sessions, and a browser for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::Path,
    http::{Request, StatusCode, header},
    routing::post,
};
use jrs_client::{
    Jrs,
    axum::{Session as JrsSession, SessionLayer},
};
use serde_json::{Map, Value};
use tokio::sync::Notify;
use tower::ServiceExt;
use tower_sessions::{Session, SessionManagerLayer};
use tower_sessions_redis_store::{
    RedisStore,
    fred::{clients::Pool, interfaces::ClientLike, types::config::Config},
};

use crate::server::Server;

#[derive(Clone, Copy, Debug)]
pub enum Side {
    TowerSessions,
    Jrs,
}

/// Where a request to `/slow` waits, after it has read the session.
#[derive(Default)]
struct Gate {
    arrived: Notify,
    open: Notify,
}

impl Gate {
    async fn pass(&self) {
        self.arrived.notify_one();
        self.open.notified().await;
    }
}

pub struct World {
    app: Router,
    gate: Arc<Gate>,
    _server: Server,
}

impl World {
    pub async fn start(side: Side) -> World {
        let server = Server::start().await;
        let gate = Arc::<Gate>::default();
        let app = match side {
            Side::TowerSessions => with_tower_sessions(&server, gate.clone()).await,
            Side::Jrs => with_jrs(&server, gate.clone()).await,
        };
        World { app, gate, _server: server }
    }

    /// Sends a request to `slow`, and one to `meanwhile` with the same cookies while the first one waits. Returns the
    /// status of the first one.
    pub async fn during(&self, browser: &Browser<'_>, slow: &str, meanwhile: &str) -> StatusCode {
        let other = browser.copy();
        let second = async {
            self.gate.arrived.notified().await;
            other.post(meanwhile).await;
            self.gate.open.notify_one();
        };
        tokio::join!(browser.send(slow), second).0.0
    }
}

/// Logs in and out as the documentation of tower-sessions says: `cycle_id` and `flush`.
async fn with_tower_sessions(server: &Server, gate: Arc<Gate>) -> Router {
    async fn insert(session: &Session, name: &str, value: impl Into<Value>) {
        session.insert(name, value.into()).await.unwrap();
    }

    let pool = Pool::new(Config::from_url(&server.url()).unwrap(), None, None, None, 1).unwrap();
    pool.init().await.unwrap();
    let set = |Path(name): Path<String>, session: Session| async move { insert(&session, &name, true).await };
    let slow = |session: Session| async move {
        let _: Option<Value> = session.get("user").await.unwrap();
        gate.pass().await;
        insert(&session, "slow", true).await;
    };
    let login = |session: Session| async move {
        session.cycle_id().await.unwrap();
        insert(&session, "user", "ann").await;
    };
    let logout = |session: Session| async move { session.flush().await.unwrap() };
    let show = |session: Session| async move {
        let mut fields = Map::new();
        for name in ["user", "cart", "fast", "slow"] {
            fields.extend(session.get::<Value>(name).await.unwrap().map(|value| (name.to_owned(), value)));
        }
        Json(Value::Object(fields))
    };
    Router::new()
        .route("/set/{name}", post(set))
        .route("/slow", post(slow))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/show", post(show))
        .layer(SessionManagerLayer::new(RedisStore::new(pool)))
}

async fn with_jrs(server: &Server, gate: Arc<Gate>) -> Router {
    type Fields = JrsSession<Map<String, Value>>;

    let redis = redis::Client::open(server.url()).unwrap();
    let jrs = Jrs::new(redis.get_connection_manager().await.unwrap());
    let set = |Path(name): Path<String>, mut session: Fields| async move { drop(session.insert(name, true.into())) };
    let slow = |mut session: Fields| async move {
        gate.pass().await;
        session.insert("slow".into(), true.into());
    };
    let login = |mut session: Fields| async move {
        session.log_in("ann").await.unwrap();
        session.insert("user".into(), "ann".into());
    };
    let logout = |mut session: Fields| async move {
        session.destroy().await.unwrap();
    };
    let show = |session: Fields| async move { Json(Value::Object((*session).clone())) };
    Router::new()
        .route("/set/{name}", post(set))
        .route("/slow", post(slow))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/show", post(show))
        .layer(SessionLayer::new(jrs))
}

/// Sends requests to the application, and keeps the cookies.
pub struct Browser<'a> {
    world: &'a World,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl<'a> Browser<'a> {
    pub fn new(world: &'a World) -> Browser<'a> {
        Browser { world, cookies: Mutex::default() }
    }

    /// Another browser with the same cookies.
    pub fn copy(&self) -> Browser<'a> {
        Browser { world: self.world, cookies: Mutex::new(self.cookies.lock().unwrap().clone()) }
    }

    /// The body of the response, which must be a success.
    pub async fn post(&self, path: &str) -> Value {
        let (status, body) = self.send(path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        body
    }

    async fn send(&self, path: &str) -> (StatusCode, Value) {
        let pairs: Vec<_> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::post(path).header(header::COOKIE, pairs.join("; ")).body(Body::empty()).unwrap();
        let response = self.world.app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        for line in response.headers().get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (pair, attributes) = line.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            if value.is_empty() || attributes.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.into(), value.into());
            }
        }
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }
}

//! The pages: the same with both kinds of sessions.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use jrs_client::{
    Jrs,
    axum::{Session as JrsSession, SessionLayer},
};
use serde::{Deserialize, Serialize};
use tower_sessions::{Session, SessionManagerLayer, SessionStore};

/// What a login stores. All sides store the same.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    pub name: String,
    pub role: String,
    pub cart: Vec<u32>,
    pub locale: String,
    pub device: String,
    pub ip: String,
    pub seen: u64,
}

fn ann() -> User {
    User {
        name: "Ann Example".into(),
        role: "editor".into(),
        cart: vec![17, 42, 58],
        locale: "en-GB".into(),
        device: "Firefox 140 on Linux".into(),
        ip: "192.0.2.17".into(),
        seen: 0,
    }
}

/// The reply of the page `/account`.
#[derive(Serialize)]
struct Account {
    name: String,
    role: String,
    items: usize,
}

#[derive(Serialize)]
struct Changed {
    ok: bool,
}

#[derive(Serialize)]
struct Seen {
    seen: u64,
}

type Reply<T> = Result<Json<T>, StatusCode>;

static CHANGES: AtomicU64 = AtomicU64::new(0);

/// The number of a change. The first is 1.
fn next_change() -> u64 {
    CHANGES.fetch_add(1, Relaxed) + 1
}

/// With tower-sessions.
pub fn with_tower_sessions(store: impl SessionStore + Clone) -> Router {
    fn failed<E>(_: E) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    async fn login(session: Session) -> Reply<Changed> {
        let User { name, role, cart, locale, device, ip, seen } = ann();
        session.insert("name", name).await.map_err(failed)?;
        session.insert("role", role).await.map_err(failed)?;
        session.insert("cart", cart).await.map_err(failed)?;
        session.insert("locale", locale).await.map_err(failed)?;
        session.insert("device", device).await.map_err(failed)?;
        session.insert("ip", ip).await.map_err(failed)?;
        session.insert("seen", seen).await.map_err(failed)?;
        Ok(Json(Changed { ok: true }))
    }

    async fn account(session: Session) -> Reply<Account> {
        let name: Option<String> = session.get("name").await.map_err(failed)?;
        let name = name.ok_or(StatusCode::UNAUTHORIZED)?;
        let role: Option<String> = session.get("role").await.map_err(failed)?;
        let cart: Option<Vec<u32>> = session.get("cart").await.map_err(failed)?;
        Ok(Json(Account { name, role: role.unwrap_or_default(), items: cart.unwrap_or_default().len() }))
    }

    async fn change(session: Session) -> Reply<Changed> {
        let name: Option<String> = session.get("name").await.map_err(failed)?;
        name.ok_or(StatusCode::UNAUTHORIZED)?;
        session.insert("seen", next_change()).await.map_err(failed)?;
        Ok(Json(Changed { ok: true }))
    }

    async fn seen(session: Session) -> Reply<Seen> {
        let seen: Option<u64> = session.get("seen").await.map_err(failed)?;
        Ok(Json(Seen { seen: seen.unwrap_or_default() }))
    }

    Router::new()
        .route("/login", post(login))
        .route("/account", get(account))
        .route("/seen", post(change).get(seen))
        .layer(SessionManagerLayer::new(store))
}

/// With jrs-client.
pub fn with_jrs(jrs: Jrs) -> Router {
    async fn login(mut session: JrsSession<User>) -> Result<Json<Changed>, jrs_client::Error> {
        *session = ann();
        session.log_in("ann").await?;
        Ok(Json(Changed { ok: true }))
    }

    async fn account(session: JrsSession<User>) -> Reply<Account> {
        if session.name.is_empty() {
            return Err(StatusCode::UNAUTHORIZED);
        }
        Ok(Json(Account { name: session.name.clone(), role: session.role.clone(), items: session.cart.len() }))
    }

    async fn change(mut session: JrsSession<User>) -> Reply<Changed> {
        if session.name.is_empty() {
            return Err(StatusCode::UNAUTHORIZED);
        }
        session.seen = next_change();
        Ok(Json(Changed { ok: true }))
    }

    async fn seen(session: JrsSession<User>) -> Json<Seen> {
        Json(Seen { seen: session.seen })
    }

    Router::new()
        .route("/login", post(login))
        .route("/account", get(account))
        .route("/seen", post(change).get(seen))
        .layer(SessionLayer::new(jrs))
}

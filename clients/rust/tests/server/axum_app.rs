//! An application of axum for the tests.

use std::net::SocketAddr;

use axum::{
    Json, Router,
    extract::Path,
    routing::{get, post},
};
use jrs_client::{
    CreateOptions, Error, Jrs, ListOptions, RotateOptions,
    axum::{Cookie, Device, Session, SessionLayer, SignedIn, require_recent_auth},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::support::browser::Browser;

type Fields = Map<String, Value>;

/// Data with a type, which lacks what other handlers store.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Visitor {
    visits: u32,
    seen: Vec<u32>,
}

/// The layer of most tests, with a cookie that needs no TLS.
pub(crate) fn layer(jrs: Jrs) -> SessionLayer {
    SessionLayer::new(jrs).cookie(Cookie::builder().secure(false).build().unwrap())
}

/// Serves the application, and opens a browser.
pub(crate) async fn open(layer: SessionLayer) -> Browser {
    Browser::new(serve(app().layer(layer)).await)
}

pub(crate) async fn serve(app: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

pub(crate) fn app() -> Router {
    Router::new()
        .route("/", get(show))
        .route(
            "/twice",
            get(async |first: Session, second: Session<Visitor>| format!("{:?}{:?}", first.id(), second.id())),
        )
        .route("/static", get(async || "no session"))
        .route("/set", post(set))
        .route(
            "/delete/{name}",
            post(async |Path(name): Path<String>, mut session: Session| drop(session.remove(&name))),
        )
        .route("/visit", post(visit))
        .route("/unchanged", post(async |mut session: Session<Visitor>| session.visits += 0))
        .route("/login/{owner}", post(log_in))
        .route(
            "/login-visitor/{owner}",
            post(async |Path(owner): Path<String>, mut s: Session<Visitor>| s.log_in(&owner).await.map(drop)),
        )
        .route("/create/{size}", post(create_large))
        .route(
            "/create-visitor/{owner}",
            post(async |Path(owner): Path<String>, mut s: Session<Visitor>| {
                s.create(&owner, &CreateOptions::new()).await.map(drop)
            }),
        )
        .route("/rotate", post(async |mut session: Session| session.rotate(&RotateOptions::new()).await.map(drop)))
        .route("/grow", post(grow))
        .route("/merge", post(merge))
        .route("/update", post(update))
        .route("/reload", post(reload))
        .route("/save", post(save))
        .route(
            "/touch",
            post(async |mut session: Session| session.touch().await.map(|left| Json(left.map(|t| t.as_secs())))),
        )
        .route("/regenerate", post(regenerate))
        .route("/logout-and-set", post(logout_and_set))
        .route("/logout", post(async |mut session: Session| session.destroy().await.map(Json)))
        .route("/devices", get(devices).delete(async |SignedIn(mut s): SignedIn| s.destroy_all().await.map(Json)))
        .route(
            "/devices/others",
            post(async |SignedIn(mut s): SignedIn| s.destroy_all_except_current().await.map(Json)),
        )
        .route(
            "/devices/{id}",
            post(async |SignedIn(mut s): SignedIn, Path(id): Path<String>| s.destroy_session(&id).await.map(Json)),
        )
        .route("/secret", get(async |SignedIn(s): SignedIn| s.owner().to_owned()).layer(require_recent_auth(300)))
        .route("/recent/{seconds}", get(recent))
        .route("/optional", get(async |s: Option<SignedIn>| s.map_or("nobody".to_owned(), |s| s.owner().to_owned())))
        .route("/token", get(async |s: Session| s.token().map(|token| token.as_str().to_owned()).unwrap_or_default()))
}

async fn show(session: Session) -> Json<Value> {
    Json(json!({"id": session.id(), "owner": session.owner(), "data": *session, "role": session.claims().get("role")}))
}

async fn set(mut session: Session, Json(fields): Json<Fields>) {
    session.extend(fields);
}

async fn visit(mut session: Session<Visitor>) -> Json<u32> {
    session.visits += 1;
    let visits = session.visits;
    session.seen.push(visits);
    Json(visits)
}

async fn log_in(mut session: Session, Path(owner): Path<String>) -> Result<(), Error> {
    session.log_in_with(&owner, &json!({"role": "user"})).await?;
    session.insert("name".to_owned(), owner.to_uppercase().into());
    Ok(())
}

async fn create_large(mut session: Session, Path(size): Path<usize>) -> Result<(), Error> {
    let options = CreateOptions::new().claims(&json!({"x": "x".repeat(size)}));
    session.create("ann", &options).await.map(drop)
}

async fn grow(mut session: Session) -> Result<(), Error> {
    session.rotate(&RotateOptions::new().claims(&json!({"x": "x".repeat(5000)}))).await.map(drop)
}

async fn merge(mut session: Session<Visitor>, Json(patch): Json<Fields>) -> Result<Json<u32>, Error> {
    session.seen.push(7);
    session.merge(&patch).await?;
    Ok(Json(session.visits))
}

async fn update(mut session: Session, Json(fields): Json<Fields>) -> Result<(), Error> {
    *session = fields;
    session.update().await
}

async fn reload(mut session: Session) -> Result<Json<Fields>, Error> {
    session.insert("lost".to_owned(), true.into());
    session.reload().await?;
    Ok(Json(session.clone()))
}

async fn save(mut session: Session) -> Result<(), Error> {
    session.insert("saved".to_owned(), true.into());
    session.save().await
}

async fn regenerate(mut session: Session) -> Result<Json<bool>, Error> {
    session.regenerate().await?;
    let is_empty = session.is_empty() && session.id().is_none();
    session.insert("fresh".to_owned(), true.into());
    Ok(Json(is_empty))
}

async fn logout_and_set(mut session: Session) -> Result<(), Error> {
    session.destroy().await?;
    assert!(session.is_empty());
    session.insert("late".to_owned(), true.into());
    Ok(())
}

async fn devices(SignedIn(mut session): SignedIn) -> Result<Json<Vec<Device>>, Error> {
    session.sessions(&ListOptions::new().fields(["/name", "/device"])).await.map(Json)
}

async fn recent(session: Session, Path(seconds): Path<u64>) -> Result<&'static str, Error> {
    session.require_recent_auth(seconds).await?;
    Ok("recent")
}

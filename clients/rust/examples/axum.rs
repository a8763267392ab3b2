//! Login, my devices, log out everywhere, with axum.

use axum::{
    Form, Json, Router,
    extract::Path,
    response::Redirect,
    routing::{delete, get, post},
};
use jrs_client::{
    Error, Jrs, ListOptions, RotateOptions,
    axum::{Cookie, Device, Session, SessionLayer, SignedIn, require_recent_auth},
};
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Visitor {
    device: String,
    cart: Vec<String>,
}

#[derive(Deserialize)]
struct Login {
    user: String,
    device: String,
}

#[derive(Deserialize)]
struct Item {
    item: String,
}

async fn login(mut session: Session<Visitor>, Form(login): Form<Login>) -> Result<Redirect, Error> {
    // Check the password here.
    session.log_in(&login.user).await?;
    session.device = login.device;
    Ok(Redirect::to("/cart"))
}

async fn cart(session: Session<Visitor>) -> Json<Vec<String>> {
    Json(session.cart.clone())
}

async fn add(mut session: Session<Visitor>, Form(Item { item }): Form<Item>) {
    session.cart.push(item);
}

async fn devices(SignedIn(mut session): SignedIn<Visitor>) -> Result<Json<Vec<Device>>, Error> {
    session.sessions(&ListOptions::new().fields(["/device"])).await.map(Json)
}

async fn log_out_device(SignedIn(mut session): SignedIn<Visitor>, Path(id): Path<String>) -> Result<Json<bool>, Error> {
    session.destroy_session(&id).await.map(Json)
}

async fn log_out_everywhere(SignedIn(mut session): SignedIn<Visitor>) -> Result<Json<u64>, Error> {
    session.destroy_all().await.map(Json)
}

async fn change_password(SignedIn(mut session): SignedIn<Visitor>) -> Result<Json<u64>, Error> {
    session.destroy_all_except_current().await.map(Json)
}

async fn confirm(SignedIn(mut session): SignedIn<Visitor>) -> Result<(), Error> {
    // Check the password again here.
    session.rotate(&RotateOptions::new().reauth()).await.map(drop)
}

async fn logout(mut session: Session<Visitor>) -> Result<(), Error> {
    session.destroy().await.map(drop)
}

pub fn app(jrs: Jrs, cookie: Cookie) -> Router {
    Router::new()
        .route("/login", post(login))
        .route("/cart", get(cart).post(add))
        .route("/devices", get(devices).delete(log_out_everywhere))
        .route("/devices/{id}", delete(log_out_device))
        .route("/password", post(change_password).layer(require_recent_auth(300)))
        .route("/confirm", post(confirm))
        .route("/logout", post(logout))
        .layer(SessionLayer::new(jrs).cookie(cookie).on_error(|error| eprintln!("session: {error}")))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let redis = redis::Client::open("redis://127.0.0.1:6379")?;
    let jrs = Jrs::new(redis.get_connection_manager().await?);
    let cookie = Cookie::builder().secure(false).build()?; // with TLS: Cookie::default()
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    Ok(axum::serve(listener, app(jrs, cookie)).await?)
}

//! Login, my devices, log out everywhere, with actix-web.

use std::time::{Duration, SystemTime};

use actix_session::{Session, SessionMiddleware};
use actix_web::{
    App, HttpServer, Result,
    cookie::Key,
    error::{ErrorInternalServerError, ErrorUnauthorized},
    web::{Data, Form, Json, Path, ServiceConfig, delete, get, post},
};
use jrs_client::{
    Jrs, ListOptions,
    actix::{JrsSession, JrsSessionStore},
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Login {
    user: String,
    device: String,
}

#[derive(Deserialize)]
struct Item {
    item: String,
}

async fn login(session: Session, login: Form<Login>) -> Result<&'static str> {
    // Check the password here.
    session.log_in(&login.user)?;
    session.insert("device", &login.device)?;
    Ok("welcome")
}

async fn cart(session: Session) -> Result<Json<Vec<String>>> {
    Ok(Json(session.get("cart")?.unwrap_or_default()))
}

async fn add(session: Session, form: Form<Item>) -> Result<&'static str> {
    let mut cart: Vec<String> = session.get("cart")?.unwrap_or_default();
    cart.push(form.into_inner().item);
    session.insert("cart", cart)?;
    Ok("added")
}

/// actix-session has no list of sessions, so these handlers ask `Jrs`.
async fn devices(session: Session, jrs: Data<Jrs>) -> Result<Json<Vec<Value>>> {
    let options = ListOptions::new().fields(["/device"]);
    let listed = jrs.list_with::<Value>(&signed_in(&session)?, &options).await.map_err(ErrorInternalServerError)?;
    let current = session.id();
    let device = |listed: &jrs_client::ListedSession| json!({"id": listed.id, "device": listed.fields.first(), "current": current.as_ref() == Some(&listed.id)});
    Ok(Json(listed.iter().map(device).collect()))
}

async fn log_out_device(session: Session, jrs: Data<Jrs>, id: Path<String>) -> Result<Json<bool>> {
    // The id comes from the client: it must be of this user.
    let mine = id.starts_with(&format!("{{{}}}:", signed_in(&session)?));
    Ok(Json(mine && jrs.revoke(&id).await.map_err(ErrorInternalServerError)?))
}

async fn log_out_everywhere(session: Session, jrs: Data<Jrs>) -> Result<Json<u64>> {
    let count = jrs.destroy_all(&signed_in(&session)?).await.map_err(ErrorInternalServerError)?;
    session.purge();
    Ok(Json(count))
}

async fn change_password(session: Session) -> Result<&'static str> {
    signed_in(&session)?;
    let is_recent = |time| SystemTime::now() <= time + Duration::from_secs(300);
    if !session.authenticated_at().is_some_and(is_recent) {
        return Err(ErrorUnauthorized("enter the password again"));
    }
    Ok("changed")
}

async fn confirm(session: Session) -> Result<&'static str> {
    // Check the password again here.
    session.log_in(&signed_in(&session)?)?;
    Ok("confirmed")
}

async fn logout(session: Session) -> &'static str {
    session.purge();
    "bye"
}

fn signed_in(session: &Session) -> Result<String> {
    let owner = session.owner();
    if owner.is_empty() { Err(ErrorUnauthorized("log in first")) } else { Ok(owner) }
}

pub fn routes(app: &mut ServiceConfig) {
    app.route("/login", post().to(login))
        .route("/cart", get().to(cart))
        .route("/cart", post().to(add))
        .route("/devices", get().to(devices))
        .route("/devices", delete().to(log_out_everywhere))
        .route("/devices/{id}", delete().to(log_out_device))
        .route("/password", post().to(change_password))
        .route("/confirm", post().to(confirm))
        .route("/logout", post().to(logout));
}

pub fn sessions(jrs: &Jrs, key: &Key) -> SessionMiddleware<JrsSessionStore> {
    let store = JrsSessionStore::new(jrs.clone());
    let session = SessionMiddleware::builder(store, key.clone());
    session.cookie_secure(false).build() // with TLS, leave cookie_secure(false) out
}

#[actix_web::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let redis = redis::Client::open("redis://127.0.0.1:6379")?;
    let jrs = Jrs::new(redis.get_connection_manager().await?);
    let key = Key::generate(); // load it from a file: all processes need the same key
    let app = move || App::new().app_data(Data::new(jrs.clone())).configure(routes).wrap(sessions(&jrs, &key));
    Ok(HttpServer::new(app).bind(("127.0.0.1", 8080))?.run().await?)
}

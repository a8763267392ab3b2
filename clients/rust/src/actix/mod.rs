//! A store for `actix-session` 0.11.
//!
//! ```no_run
//! use actix_session::{Session, SessionMiddleware};
//! use actix_web::{App, HttpServer, Responder, cookie::Key, web};
//! use jrs_client::{Jrs, actix::{JrsSession, JrsSessionStore}};
//!
//! async fn login(session: Session) -> actix_web::Result<impl Responder> {
//!     // after the password was checked
//!     session.log_in("user:42")?;
//!     Ok("hello")
//! }
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let redis = redis::Client::open("redis://127.0.0.1:6379")?;
//!     let store = JrsSessionStore::new(Jrs::new(redis.get_connection_manager().await?));
//!     let key = Key::generate(); // all processes of an application need the same key
//!     let app = move || {
//!         App::new()
//!             .wrap(SessionMiddleware::new(store.clone(), key.clone()))
//!             .route("/login", web::post().to(login))
//!     };
//!     Ok(HttpServer::new(app).bind(("127.0.0.1", 8080))?.run().await?)
//! }
//! ```

mod session;
mod state;
mod store;

pub use session::JrsSession;
pub use state::OWNER;
pub use store::JrsSessionStore;

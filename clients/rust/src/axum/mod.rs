//! Sessions for axum 0.8, and for any tower service of HTTP requests: cookies, extractors, "my devices".
//!
//! [`SessionLayer`] goes around the routes. Handlers take [`Session`], or [`SignedIn`] if the request must have a user.

mod claims;
mod cookie;
mod devices;
mod layer;
mod login;
mod operations;
mod recent_auth;
mod renewals;
mod request;
mod response;
mod session;
mod settings;
mod signed_in;

pub use cookie::{Cookie, CookieBuilder, CookieError, SameSite};
pub use devices::Device;
pub use layer::{SessionLayer, SessionService};
pub use recent_auth::{RecentAuthService, RequireRecentAuth, require_recent_auth};
pub use session::Session;
pub use settings::Reuse;
pub use signed_in::SignedIn;

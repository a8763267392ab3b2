//! Sessions in Redis or Valkey with the JRS module: the server signs and verifies the token, stores the data and lets it
//! expire. One command reads a session, and the application holds no secret.
//!
//! | feature | |
//! |---|---|
//! | `tokio` (default) | [`Jrs`]: the commands over the asynchronous connections of redis-rs |
//! | `sync` | [`blocking::Jrs`]: the same commands without a runtime |
//! | `cluster` | connections to a Redis Cluster |
//! | `axum` | [`axum::Session`], [`axum::SessionLayer`]: sessions with a cookie, for axum and other tower services |
//! | `actix` | [`actix::JrsSessionStore`]: a store for `actix-session` |
//!
//! ```
//! # #[cfg(feature = "tokio")]
//! # async fn example() -> Result<(), jrs_client::Error> {
//! use jrs_client::Jrs;
//! use serde_json::{Value, json};
//!
//! let redis = redis::Client::open("redis://127.0.0.1:6379")?;
//! let jrs = Jrs::new(redis.get_connection_manager().await?);
//!
//! let token = jrs.create("user:42", &json!({"cart": []})).await?;
//! jrs.merge(&token, &json!({"cart": ["book"]})).await?;
//! if let Some(session) = jrs.get::<Value>(&token).await? {
//!     println!("{} has {}", session.owner, session.data["cart"]);
//! }
//! jrs.destroy_all("user:42").await?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub)]
#![deny(clippy::missing_docs_in_private_items, clippy::print_stderr, clippy::print_stdout)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(any(feature = "tokio", feature = "sync")))]
compile_error!("jrs-client needs the feature `tokio` (the default) or `sync`");

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "sync")]
pub mod blocking;
#[cfg(any(feature = "tokio", feature = "sync"))]
mod call;
#[cfg(any(feature = "axum", feature = "actix"))]
mod changes;
#[cfg(feature = "tokio")]
mod connection;
mod error;
#[cfg(feature = "tokio")]
mod jrs;
#[cfg(any(feature = "tokio", feature = "sync"))]
mod methods;
mod options;
mod reply;
mod route;
mod session;
mod token;
mod words;

#[cfg(feature = "tokio")]
pub use connection::Connection;
pub use error::Error;
#[cfg(feature = "tokio")]
pub use jrs::Jrs;
pub use options::{CreateOptions, ListOptions, MintOptions, RotateOptions, UpdateOptions};
pub use session::{Inspection, Key, ListedSession, Realm, Session};
pub use token::{Claims, Token};

/// The examples of README.md compile.
#[cfg(all(doctest, feature = "axum"))]
#[doc = include_str!("../README.md")]
struct Readme;

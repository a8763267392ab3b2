//! Realms: each with its own keys, keyspace and policy.

mod isolation;
mod listing;
mod refused;
mod settings;
mod three_realms;

//! What the commands reply and refuse, how the server describes them, and which events they cause.

mod client_caching;
mod error_messages;
mod events;
mod inspect;
mod metadata;
mod model;
mod options_refused;
mod random_input;
mod refused;
mod success;
mod transactions;
mod wire_format;

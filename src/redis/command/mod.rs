//! Commands: registration, description, arguments, replies, blocked clients.

pub(super) mod blocked_client;
pub(super) mod call;
pub(super) mod docs;
pub(super) mod held_client;
pub(super) mod register;
mod reply;
pub(super) mod slices;

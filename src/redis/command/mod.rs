//! Commands: how they are registered and described, called, answered, and made to wait.

pub(super) mod blocked_client;
pub(super) mod call;
pub(super) mod docs;
pub(super) mod held_client;
pub(super) mod register;
mod reply;
pub(super) mod slices;

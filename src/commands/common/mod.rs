//! Shared by several commands: arguments and options, token verification, owner scopes, new tokens.

pub(super) mod authentication;
pub(super) mod data_redaction;
pub(super) mod issuing;
pub(super) mod live_session;
pub(super) mod options;
pub(super) mod owner_scope;
pub(super) mod rotated;
pub(super) mod rotation_chain;
pub(super) mod signature_command;
pub(super) mod token_args;
pub(super) mod verification;

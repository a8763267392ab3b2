//! The server apart from commands and keys: loading, configuration, INFO, events, permissions, cluster.

pub(super) mod acl;
mod call_command;
mod cluster;
pub(super) mod config;
pub(super) mod event;
pub(super) mod features;
pub(super) mod info;
pub(super) mod latency;
pub(super) mod load;
pub(super) mod module_trait;
pub(super) mod server_state;

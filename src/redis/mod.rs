//! The module API of the server: the only `unsafe` of this project, behind types that are safe to use.
//!
//! Everything here runs on the server's thread, except what wakes a client. Every entry point that the server calls is
//! [guarded](guard): a panic never crosses into it.
#![expect(unsafe_code, reason = "this folder is where the module API is called")]

mod acl;
// Unit tests run without a server, and so with one allocator only.
#[cfg(not(test))]
mod allocator;
mod api;
mod blocked_client;
mod call;
mod cluster;
mod command;
mod config;
mod docs;
mod event;
mod features;
mod guard;
mod held_client;
mod info;
mod key;
mod key_scan;
mod keyspace_events;
mod load;
mod log;
mod query;
mod reply;
mod slices;
mod text;

pub use acl::Access;
pub use blocked_client::{Continuation, Intent};
pub use call::{Call, Ctx};
pub use command::{Command, Register, Spec, register, register_all};
pub use config::{Store, register_settings};
pub use docs::{ArgType, Argument};
pub use event::{Event, EventListener, listen};
pub use features::declare_features;
pub use info::{Info, InfoSource, register_info};
pub use key::{StringKey, check_commands};
pub use key_scan::{KeyScan, scan_in_slices};
pub use keyspace_events::{KeyspaceListener, follow_keyspace, has_memory};
pub use log::{Level, log};
pub use slices::{Progress, SlicedJob};
pub use text::{ArgRef, Args, RedisString};

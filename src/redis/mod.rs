//! The module API of the server: the only `unsafe` of this project, behind types that are safe to use.
//!
//! Everything here runs on a thread that holds the server's global lock, and every entry point that the server calls
//! is [guarded](guard): a panic never crosses into it.
#![expect(unsafe_code, reason = "this folder is where the module API is called")]

mod acl;
// Unit tests run without a server, and so with one allocator only.
#[cfg(not(test))]
mod allocator;
mod api;
mod call;
mod cluster;
mod command;
mod config;
mod docs;
mod event;
mod features;
mod guard;
mod info;
mod key;
mod load;
mod log;
mod offload;
mod query;
mod reply;
mod slot_scan;
mod sorted_set;
mod steps;
mod text;

pub use acl::{Access, Caller};
pub use call::{Call, Ctx};
pub use command::{Command, Register, Spec, register, register_all};
pub use config::{Store, register_settings};
pub use docs::{Argument, Kind, Routing};
pub use event::{RoleListener, count_swaps, note_when_loaded, on_role_change, on_shutdown};
pub use features::declare_features;
pub use info::{Info, InfoSource, register_info};
pub use key::{Entry, Written, check_commands};
pub use load::Module;
pub use log::{Level, log};
pub use offload::{Intent, Resume};
pub use slot_scan::SlotScan;
pub use sorted_set::{Adding, Member};
pub use steps::{Job, Progress};
pub use text::{Arg, Args, Text};

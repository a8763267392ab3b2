//! Safe types around the server's module API. All `unsafe` code of this project is here.
//!
//! Everything here runs on the server's main thread, except what unblocks a client. Every function that the server
//! calls is [guarded](ffi::guard): a panic never reaches the server.
#![expect(unsafe_code, reason = "this folder is where the module API is called")]

mod command;
mod ffi;
mod keyspace;
mod server;

pub use command::{
    blocked_client::{Continuation, Intent},
    call::Call,
    docs::{ArgType, Argument},
    register::{Command, Registration, Spec, add_acl_category, register_all},
    slices::{Progress, SlicedJob},
};
pub use ffi::{
    context::Ctx,
    log::{Level, log},
    refused::{ErrorReply, LoadError, Refused, ValueError},
    string::{ArgRef, Args, RedisString},
};
pub use keyspace::{
    key::{StringKey, check_commands},
    key_scan::{KeyScan, scan_in_slices},
    keyspace_events::{KeyspaceListener, follow_keyspace, has_memory},
};
pub(crate) use server::load::entry_points;
pub use server::{
    acl::Access,
    config::{Parameter, ParameterStore, ParameterType, ParameterValue, register_parameters},
    event::{Event, listen},
    features::declare_features,
    info::{Info, InfoSource, register_info},
    latency::add_latency_sample,
    load::{on_load, on_unload},
    module_trait::Module,
    server_state::server_time,
};

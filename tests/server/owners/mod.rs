//! Commands on all sessions of an owner, and the limit `max-sessions`.

mod count;
mod destroyall_except;
mod destroyall_incremental;
mod list_and_destroy;
mod list_fields;
mod list_incremental;
mod list_pages;
mod max_sessions;
mod max_sessions_eviction;
mod max_sessions_idle;

//! The functions of the module API, and what every call of them needs: contexts, strings, the log, the panic guard.

// Unit tests run without a server, and so with one allocator only.
#[cfg(not(test))]
mod allocator;
pub(super) mod api;
pub(super) mod context;
pub(super) mod guard;
pub(super) mod log;
pub(super) mod refused;
pub(super) mod string;

//! The module API's function pointers, and what every call needs: contexts, strings, the log, the panic guard.

// Unit tests run without a server and use one allocator.
#[cfg(not(test))]
mod allocator;
pub(super) mod api;
pub(super) mod context;
pub(super) mod guard;
pub(super) mod log;
pub(super) mod refused;
pub(super) mod string;

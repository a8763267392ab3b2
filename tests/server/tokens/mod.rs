//! Which tokens are accepted and which are refused, and what other libraries make of them.

mod algorithms;
mod algorithms_refused;
mod bad_tokens;
mod foreign_issuer;
mod interop;
mod signatures_refused;
mod token_types;

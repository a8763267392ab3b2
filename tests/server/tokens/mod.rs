//! Tokens that are accepted, tokens that are refused, and interoperation with other libraries.

mod algorithms;
mod algorithms_refused;
mod bad_tokens;
mod foreign_issuer;
mod interop;
mod signatures_refused;
mod token_cache;
mod token_types;

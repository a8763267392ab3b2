//! Realms: each with its own keys, keyspace and policy.

mod realms_file;
mod refused;

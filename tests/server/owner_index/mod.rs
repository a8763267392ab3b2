//! The owner index agrees with the keyspace after every kind of change.

mod async_load;
mod cluster;
mod databases;
mod expiry;
mod load;
mod module_load;
mod random;
mod replicas;
mod server_commands;
mod sessions;

//! Cluster nodes: routing by slot, owners in a slot, and slots that move.

mod clients;
mod different_keys;
mod large_slot;
mod limits_while_migrating;
mod membership;
mod owners;
mod replicas;
mod resharding;
mod routing;
mod slot_migration;
mod under_load;

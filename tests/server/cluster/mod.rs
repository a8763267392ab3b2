//! Cluster nodes: routing by slot, owners in a slot, and slots that move.

mod clients;
mod large_slot;
mod limits_while_migrating;
mod membership;
mod owners;
mod resharding;
mod routing;
mod slot_migration;

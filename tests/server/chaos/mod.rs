//! Servers that fail, restart and change while clients use sessions. A checker compares them with what the clients know.
//!
//! [`load`] runs the clients, [`model`] says from their operations which sessions must exist, and [`check`] asks the servers.
//! Clients in other languages print the lines of [`history`].

pub(crate) mod check;
mod client;
pub(crate) mod commands;
pub(crate) mod history;
pub(crate) mod load;
pub(crate) mod model;
mod model_tests;
mod planted_faults;
mod promotion;
mod replication_order;
mod replication_order_tests;
mod restarts;
pub(crate) mod states;
mod truncated_aof;

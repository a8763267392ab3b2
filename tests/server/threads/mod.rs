//! Slow signatures on worker threads while their clients are blocked.

mod blocked_clients;
mod deferred_drop;
mod destroyall;
mod latency;
mod latency_monitor;
mod offload_role_changes;
mod offload_state_changes;
mod pool;
mod priority;
mod queues;
mod race;
mod replies;

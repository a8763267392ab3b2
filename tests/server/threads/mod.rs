//! Slow signatures on worker threads while their clients are blocked.

mod deferred_drop;
mod destroyall;
mod latency;
mod offload_state_changes;
mod priority;
mod queues;
mod slow_signatures;

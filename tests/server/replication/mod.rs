//! Replicas: what they receive, and what they answer.

mod async_load;
mod effects;

//! Replicas: what they receive, and what they answer.

mod async_load;
mod effects;
mod frozen;
mod min_replicas;
mod partial;
mod promotion;
mod writable;

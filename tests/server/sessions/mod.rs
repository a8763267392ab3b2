//! A session's data, its start and its end, and JRS.ROTATE.

mod claims_refused;
mod data_refused;
mod deadlines;
mod lifetimes;
mod merge_patch;
mod rotate;
mod rotate_lifetime;
mod start;
mod step_up;

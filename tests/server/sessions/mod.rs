//! A session's data, its start and its end, and JRS.ROTATE.

mod anonymous_max_age;
mod claims_refused;
mod compact;
mod data_refused;
mod deadlines;
mod lifetimes;
mod merge_patch;
mod not_before;
mod rotate;
mod rotate_lifetime;
mod start;
mod step_up;

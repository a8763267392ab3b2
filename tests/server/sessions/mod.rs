//! A session's data, its start and its end, and JRS.ROTATE.

mod bad_data;
mod deadlines;
mod lifetimes;
mod merge_patch;
mod rotate;
mod rotate_lifetime;
mod start;

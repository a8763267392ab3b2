//! Settings: where they are set, what they change, and which values are refused.

mod config_get;
mod config_rewrite;
mod effects;
mod files;
mod max_sessions;
mod refused;
mod setting_cases;

//! Settings: where they are set, what they change, and which values are refused.

mod config_get;
mod config_rewrite;
mod effects;
mod files;
mod refused;
mod setting_cases;

//! The settings as parameters of the server's configuration.

use crate::{
    redis::{Ctx, Store},
    settings::Value,
    state,
};

/// The settings, for the server's configuration.
#[derive(Debug)]
pub struct Configuration;

impl Store for Configuration {
    fn get(position: usize) -> Option<Value> {
        state::setting(position)
    }

    fn set(position: usize, value: Value) -> Result<(), String> {
        state::set(position, value)
    }

    /// Called once for each setting that a CONFIG SET changes, after all of them were set: the first call does the work.
    fn apply(_: Ctx<'_>) -> Result<(), String> {
        state::apply()
    }
}

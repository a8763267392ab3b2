//! The settings as parameters of the server's configuration.

use crate::{
    redis::{Ctx, Parameter, ParameterType, ParameterValue, Store},
    settings::{SETTINGS, SettingType, Value},
    state,
};

/// The settings, with the values that hold where the server's configuration does not mention them.
pub(super) fn parameters(defaults: Vec<Value>) -> impl Iterator<Item = Parameter> {
    SETTINGS.iter().zip(defaults).map(|(setting, default)| Parameter {
        name: setting.name,
        kind: match setting.setting_type {
            SettingType::Number { min, max, memory, .. } => ParameterType::Number { min, max, is_memory: memory },
            SettingType::Text { .. } => ParameterType::Text,
            SettingType::Flag => ParameterType::Flag,
            SettingType::Choice(names) => ParameterType::Choice(names),
        },
        default: default.into(),
    })
}

/// What the server reads and sets.
#[derive(Debug)]
pub(super) struct Configuration;

impl Store for Configuration {
    fn get(position: usize) -> Option<ParameterValue> {
        state::setting(position).map(ParameterValue::from)
    }

    fn set(position: usize, value: ParameterValue) -> Result<(), String> {
        state::set(position, value.into())
    }

    /// Called once for each setting that a CONFIG SET changes, after all of them were set: the first call does the work.
    fn apply(_: Ctx<'_>) -> Result<(), String> {
        state::apply()
    }
}

impl From<Value> for ParameterValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Number(number) => Self::Number(number),
            Value::Text(text) => Self::Text(text),
            Value::Flag(flag) => Self::Flag(flag),
            Value::Choice(position) => Self::Choice(position),
        }
    }
}

impl From<ParameterValue> for Value {
    fn from(value: ParameterValue) -> Self {
        match value {
            ParameterValue::Number(number) => Self::Number(number),
            ParameterValue::Text(text) => Self::Text(text),
            ParameterValue::Flag(flag) => Self::Flag(flag),
            ParameterValue::Choice(position) => Self::Choice(position),
        }
    }
}

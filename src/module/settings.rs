//! Registers the settings as parameters of the server's configuration.

use crate::{
    redis::{Ctx, Parameter, ParameterStore, ParameterType, ParameterValue, ValueError},
    settings::{SETTINGS, Scope, SettingType, Value},
    state,
};

/// The parameter of each setting. `defaults` are the values of parameters that the server's configuration omits.
pub(super) fn parameters(defaults: Vec<Value>) -> impl Iterator<Item = Parameter> {
    SETTINGS.iter().zip(defaults).map(|(setting, default)| Parameter {
        name: setting.name,
        kind: match setting.setting_type {
            SettingType::Number { min, max, memory, .. } => ParameterType::Number { min, max, is_memory: memory },
            SettingType::Text { .. } => ParameterType::Text,
            SettingType::Flag { .. } => ParameterType::Flag,
            SettingType::Choice(names) => ParameterType::Choice(names),
        },
        default: default.into(),
        is_immutable: setting.scope == Scope::ServerAtLoad,
    })
}

/// The settings behind CONFIG GET and CONFIG SET.
#[derive(Debug)]
pub(super) struct Configuration;

impl ParameterStore for Configuration {
    fn get(position: usize) -> Option<ParameterValue> {
        state::setting(position).map(ParameterValue::from)
    }

    fn set(position: usize, value: ParameterValue) -> Result<(), String> {
        state::set(position, value.into())
    }

    /// CONFIG SET calls this once for each changed setting, after it has set all of them. The first call applies all.
    fn apply(_: Ctx<'_>) -> Result<(), String> {
        state::apply()
    }

    fn error_text(error: ValueError) -> String {
        match error {
            ValueError::NotUtf8 => "must be UTF-8",
            ValueError::Panicked => "internal error: see the server's log",
        }
        .to_owned()
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

//! What a setting can hold, and how it is read and checked.

use std::ffi::CStr;

/// The type, default and range of a setting.
#[derive(Debug)]
pub enum Kind {
    /// A whole number.
    Number {
        /// Its default.
        default: i64,
        /// The smallest value.
        min: i64,
        /// The largest value.
        max: i64,
        /// Whether it counts bytes and may be written `16mb`.
        memory: bool,
    },
    /// A text.
    Text {
        /// Its default.
        default: &'static str,
    },
    /// `yes` or `no`.
    Flag {
        /// Its default.
        default: bool,
    },
    /// One of several names.
    Choice {
        /// The position of its default.
        default: usize,
        /// The names.
        names: &'static [&'static CStr],
    },
}

/// A value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// `yes` or `no`.
    Flag(bool),
    /// The position of a name.
    Choice(usize),
}

pub(super) const KB: i64 = 1024;
pub(super) const MB: i64 = 1024 * KB;
pub(super) const GB: i64 = 1024 * MB;

/// Stands for a default that depends on the machine: half of its cores, at least one.
pub(super) const HALF_THE_CORES: i64 = -1;

impl Kind {
    /// The value where nothing is said.
    pub fn default(&self) -> Value {
        match self {
            Self::Number { default: HALF_THE_CORES, .. } => {
                let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
                Value::Number(i64::try_from(cores / 2).unwrap_or(1).clamp(1, 64))
            }
            Self::Number { default, .. } => Value::Number(*default),
            Self::Text { default } => Value::Text((*default).to_owned()),
            Self::Flag { default } => Value::Flag(*default),
            Self::Choice { default, .. } => Value::Choice(*default),
        }
    }

    /// The names that a choice is made of; none for other types.
    pub const fn names(&self) -> &'static [&'static CStr] {
        if let Self::Choice { names, .. } = self { names } else { &[] }
    }

    /// Takes a value of the right type.
    pub fn take(&self, value: Value) -> Result<Value, String> {
        match (self, &value) {
            (Self::Number { .. }, Value::Number(_)) | (Self::Flag { .. }, Value::Flag(_)) => Ok(value),
            _ => Err("has the wrong type".to_owned()),
        }
    }

    /// Reads a value as redis.conf would.
    pub fn parse_text(&self, text: &str) -> Result<Value, String> {
        match self {
            Self::Number { memory: false, .. } => {
                text.parse().map(Value::Number).map_err(|_| "it has to be a whole number".to_owned())
            }
            Self::Number { memory: true, .. } => parse_memory(text).map(Value::Number),
            Self::Text { .. } => Ok(Value::Text(text.to_owned())),
            Self::Flag { .. } if text.eq_ignore_ascii_case("yes") => Ok(Value::Flag(true)),
            Self::Flag { .. } if text.eq_ignore_ascii_case("no") => Ok(Value::Flag(false)),
            Self::Flag { .. } => Err("it has to be yes or no".to_owned()),
            Self::Choice { names, .. } => {
                let same = |name: &&CStr| name.to_bytes().eq_ignore_ascii_case(text.as_bytes());
                let position = names.iter().position(same).ok_or_else(|| {
                    let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
                    format!("it has to be one of {}", names.join(", "))
                })?;
                Ok(Value::Choice(position))
            }
        }
    }

    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
        if let (Self::Number { min, max, .. }, Value::Number(number)) = (self, value)
            && !(min..=max).contains(&number)
        {
            return Err(format!("it has to be between {min} and {max}"));
        }
        Ok(())
    }
}

/// A number of bytes as the server's configuration writes it: `1024`, `1k` (1000), `1kb` (1024), `1m`, `1mb`, `1g`, `1gb`.
fn parse_memory(text: &str) -> Result<i64, String> {
    const UNITS: [(&str, i64); 8] =
        [("", 1), ("b", 1), ("k", 1000), ("kb", KB), ("m", 1_000_000), ("mb", MB), ("g", 1_000_000_000), ("gb", GB)];
    let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let factor = UNITS.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name)).map(|(_, factor)| *factor);
    factor
        .and_then(|factor| digits.parse::<i64>().ok()?.checked_mul(factor))
        .ok_or_else(|| "it has to be a number of bytes, such as 1024, 8kb or 16mb".to_owned())
}

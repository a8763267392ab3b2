//! The types of settings: how values are read and checked.

use std::ffi::CStr;

/// The type, default and range of a setting.
#[derive(Debug)]
pub enum SettingType {
    /// An integer.
    Number {
        /// The value where none is given.
        default: i64,
        /// The smallest value.
        min: i64,
        /// The largest value.
        max: i64,
        /// Whether it is a number of bytes, which may be written `16mb`.
        memory: bool,
    },
    /// A text.
    Text {
        /// The value where none is given.
        default: &'static str,
        /// Says what is wrong with a text.
        check: fn(&str) -> Result<(), String>,
    },
    /// `yes` or `no`.
    Flag {
        /// The value where none is given. `yes` is true.
        default: bool,
    },
    /// One of several names; the default is the first one.
    Choice(&'static [&'static CStr]),
}

/// A value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An integer.
    Number(i64),
    /// A text.
    Text(String),
    /// `yes` is true.
    Flag(bool),
    /// The position of a name.
    Choice(usize),
}

pub(super) const KB: i64 = 1024;
pub(super) const MB: i64 = 1024 * KB;
pub(super) const GB: i64 = 1024 * MB;

/// Stands for a default of half of the machine's cores, at least one.
pub(super) const HALF_THE_CORES: i64 = -1;

impl SettingType {
    /// The default value.
    pub fn default(&self) -> Value {
        match self {
            Self::Number { default: HALF_THE_CORES, .. } => {
                let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
                Value::Number(i64::try_from(cores / 2).unwrap_or(1).clamp(1, 64))
            }
            Self::Number { default, .. } => Value::Number(*default),
            Self::Text { default, .. } => Value::Text((*default).to_owned()),
            Self::Flag { default } => Value::Flag(*default),
            Self::Choice(_) => Value::Choice(0),
        }
    }

    /// The names of a choice; empty for other types.
    pub const fn names(&self) -> &'static [&'static CStr] {
        if let Self::Choice(names) = self { names } else { &[] }
    }

    /// Reads a value in the syntax of redis.conf, and checks it.
    pub fn parse_text(&self, text: &str) -> Result<Value, String> {
        let value = match self {
            Self::Number { memory: false, .. } => {
                Value::Number(text.parse().map_err(|_| "must be an integer".to_owned())?)
            }
            Self::Number { memory: true, .. } => Value::Number(parse_memory(text)?),
            Self::Text { .. } => Value::Text(text.to_owned()),
            Self::Flag { .. } if text.eq_ignore_ascii_case("yes") => Value::Flag(true),
            Self::Flag { .. } if text.eq_ignore_ascii_case("no") => Value::Flag(false),
            Self::Flag { .. } => return Err("must be yes or no".to_owned()),
            Self::Choice(names) => {
                let same = |name: &&CStr| name.to_bytes().eq_ignore_ascii_case(text.as_bytes());
                Value::Choice(names.iter().position(same).ok_or_else(|| {
                    let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
                    format!("must be one of {}", names.join(", "))
                })?)
            }
        };
        self.check(&value).map(|()| value)
    }

    /// Checks the range of a number and the form of a text. An error says what is wrong.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        match (self, value) {
            (Self::Number { min, max, .. }, Value::Number(number)) if !(min..=max).contains(&number) => {
                Err(format!("must be between {min} and {max}"))
            }
            (Self::Text { check, .. }, Value::Text(text)) => check(text),
            _ => Ok(()),
        }
    }
}

/// Reads a number of bytes in the syntax of redis.conf: `1024`, `1k` (1000), `1kb` (1024), `1m`, `1mb`, `1g`, `1gb`.
fn parse_memory(text: &str) -> Result<i64, String> {
    const UNITS: [(&str, i64); 8] =
        [("", 1), ("b", 1), ("k", 1000), ("kb", KB), ("m", 1_000_000), ("mb", MB), ("g", 1_000_000_000), ("gb", GB)];
    let digits = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let factor = UNITS.iter().find(|(name, _)| unit.eq_ignore_ascii_case(name)).map(|(_, factor)| *factor);
    factor
        .and_then(|factor| digits.parse::<i64>().ok()?.checked_mul(factor))
        .ok_or_else(|| "must be a number of bytes, such as 1024, 8kb or 16mb".to_owned())
}

//! The settings: names, types, ranges, defaults, values.
#![forbid(unsafe_code)]

mod realms_file;
mod setting_type;
mod table;

pub use realms_file::{RealmSpec, parse as parse_realms_file};
pub use setting_type::{SettingType, Value};
pub use table::{LONGEST_GRACE, MAX_ACCESS_TOKEN_AGE, SETTINGS, Scope, Setting, Settings, check_name};

use std::ffi::CStr;

/// The name of the realm that the `jrs.*` settings describe.
pub const DEFAULT_REALM: &str = "default";

/// What happens when an owner gets more sessions than `max-sessions`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxSessionsPolicy {
    /// The owner's oldest session is evicted.
    EvictOldest,
    /// The owner's session with the least time left is evicted.
    EvictIdle,
    /// The new session is refused.
    Reject,
}

impl MaxSessionsPolicy {
    /// All policies.
    pub const ALL: [Self; 3] = [Self::EvictOldest, Self::EvictIdle, Self::Reject];
    /// Their names, in the same order.
    const NAMES: [&CStr; 3] = [c"evict-oldest", c"evict-idle", c"reject"];
}

impl Settings {
    /// The value of the setting at a position of [`SETTINGS`].
    pub fn get(&self, position: usize) -> Option<Value> {
        SETTINGS.get(position).map(|setting| (setting.get)(self))
    }

    /// Sets the setting at a position of [`SETTINGS`]. An error says what is wrong with the value.
    pub fn set(&mut self, position: usize, value: Value) -> Result<(), String> {
        let setting = SETTINGS.get(position).ok_or(MISMATCH)?;
        setting.setting_type.check(&value)?;
        (setting.set)(self, value).ok_or(MISMATCH.to_owned())
    }
}

/// The values that the server's configuration can override: the defaults, overridden by the `NAME value` pairs after
/// `--loadmodule libjrs.so`. An error names the setting and the problem.
pub fn defaults(arguments: &[&str]) -> Result<Vec<Value>, String> {
    let mut given = vec![None; SETTINGS.len()];
    for pair in arguments.chunks(2) {
        let name = pair.first().copied().unwrap_or_default();
        let short = name.strip_prefix("jrs.").unwrap_or(name);
        let (position, setting) = find(short).ok_or_else(|| format!("there is no setting '{name}'"))?;
        let text = pair.get(1).ok_or_else(|| format!("the setting '{name}' needs a value"))?;
        let given = given.get_mut(position).ok_or(MISMATCH)?;
        if given.is_some() {
            return Err(format!("the setting '{name}' is given twice"));
        }
        let value =
            setting.setting_type.parse_text(text).map_err(|problem| format!("the setting '{name}' {problem}"))?;
        *given = Some(value);
    }
    let defaults = SETTINGS.iter().map(|setting| setting.setting_type.default());
    Ok(given.into_iter().zip(defaults).map(|(given, default)| given.unwrap_or(default)).collect())
}

/// The setting of that name, with its position in [`SETTINGS`].
pub fn find(name: &str) -> Option<(usize, &'static Setting)> {
    SETTINGS.iter().enumerate().find(|(_, setting)| setting.name.to_bytes().eq_ignore_ascii_case(name.as_bytes()))
}

/// Cannot happen: the server sets values of the registered type only.
const MISMATCH: &str = "has the wrong type";

#[cfg(test)]
mod tests {
    use super::{Settings, Value, defaults, find};

    fn value(arguments: &[&str], name: &str) -> Result<Value, String> {
        let (position, _) = find(name).expect(name);
        defaults(arguments).map(|values| values[position].clone())
    }

    #[test]
    fn defaults_are_within_their_own_ranges() {
        let mut settings = Settings::UNSET;
        for (position, value) in defaults(&[]).expect("defaults").into_iter().enumerate() {
            settings.set(position, value.clone()).expect("a good default");
            assert_eq!(settings.get(position), Some(value));
        }
        assert_eq!((settings.keyspace.as_str(), settings.max_age), ("sess:", 86_400));
    }

    #[test]
    fn arguments_are_read_as_redis_conf_would() {
        assert_eq!(value(&["max-age", "60"], "max-age"), Ok(Value::Number(60)));
        assert!(value(&["JRS.MAX-AGE", "60"], "max-age").is_err());
        assert_eq!(value(&["jrs.Max-Age", "60"], "max-age"), Ok(Value::Number(60)));
        for (text, bytes) in [("300", 300), ("1k", 1000), ("1KB", 1024), ("1m", 1_000_000), ("1MB", 1 << 20)] {
            assert_eq!(value(&["max-token-size", text], "max-token-size"), Ok(Value::Number(bytes)), "{text}");
        }
        assert_eq!(value(&["allow-weak-secret", "YES"], "allow-weak-secret"), Ok(Value::Flag(true)));
        for kind in ["jwt", "session+jwt", "application/vnd.shop.session+jwt"] {
            assert_eq!(value(&["token-type", kind], "token-type"), Ok(Value::Text(kind.to_owned())));
        }
        assert_eq!(value(&["algorithm", "hs512"], "algorithm"), Ok(Value::Choice(2)));
    }

    #[test]
    fn bad_arguments_are_refused_by_name() {
        for bad in [&["max-ago", "60"][..], &["max-age"], &["max-age", "60", "max-age", "60"]] {
            let problem = defaults(bad).expect_err(bad[0]);
            assert!(problem.contains(bad[0]), "{problem}");
        }
        let other_types = [
            "application/AT+JWT",
            "at+jwt",
            "logout+jwt",
            "jwe",
            "a/b/c",
            "/b",
            "a/",
            "caf\u{e9}",
            "a b",
            "a\"b",
            "a\\b",
        ];
        for (name, values) in [
            ("max-age", &["0", "-1", "60s", "99999999999999999999"][..]),
            ("leeway", &["301"]),
            ("max-token-size", &["8xb", "-8kb", "9999999999gb"]),
            ("allow-weak-secret", &["true"]),
            ("algorithm", &["none"]),
            ("keyspace", &["", "a{b", "eyes:", "ewe:", "a\0b"]),
            ("token-type", &["", &"x".repeat(65)]),
            ("token-type", &other_types),
            ("issuer", &["a\nb"]),
        ] {
            for value in values {
                let problem = defaults(&[name, value]).expect_err(value);
                assert!(problem.contains(name), "{problem}");
            }
        }
    }
}

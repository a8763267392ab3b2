//! The settings: names, ranges, defaults, and the values in force.

mod kind;
mod table;

pub use kind::{Kind, Value};
pub use table::{SETTINGS, Scope};

use crate::token::Algorithm;

/// The values of all settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The file with the keys; "" means that the server makes its own.
    pub keys_file: String,
    /// The file with more realms; "" means that there are none.
    pub realms_file: String,
    /// The file with the keys of another issuer; "" means that there is none.
    pub foreign_keys_file: String,
    /// `iss` of the other issuer's tokens.
    pub foreign_issuer: String,
    /// The algorithm of keys that do not say theirs.
    pub algorithm: Algorithm,
    /// What session keys begin with.
    pub keyspace: String,
    /// How long a session lasts when nobody uses it, in seconds.
    pub max_age: i64,
    /// How long a session lasts at all, in seconds; 0 means for ever.
    pub max_lifetime: i64,
    /// How much later the end of a session has to become for a read to move it, in seconds.
    pub touch_interval: i64,
    /// Grace for `exp` and `nbf`, in seconds.
    pub leeway: i64,
    /// `iss` of tokens; "" means none.
    pub issuer: String,
    /// `aud` of tokens; "" means none.
    pub audience: String,
    /// `typ` of tokens, which is accepted beside `JWT`.
    pub token_type: String,
    /// The largest session data, in bytes.
    pub max_data_size: i64,
    /// The longest token, in bytes.
    pub max_token_size: i64,
    /// How many sessions an owner may have at a time; 0 means any number.
    pub max_sessions: i64,
    /// What becomes of a session that would be one too many.
    pub max_sessions_policy: Policy,
    /// How much memory the cache of verified tokens may take, in bytes; 0 turns it off.
    pub token_cache_size: i64,
    /// How many threads compute slow signatures.
    pub crypto_threads: i64,
    /// How many slow signatures may wait for a thread.
    pub crypto_queue: i64,
    /// Lets in secrets that are shorter than their algorithm's hash.
    pub allow_weak_secret: bool,
    /// Lets MODULE UNLOAD take the module out of a running server.
    pub allow_unload: bool,
}

/// What becomes of a session that would be one more than its owner may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The owner's oldest session ends in its place.
    EvictOldest,
    /// It is refused.
    Reject,
}

impl Settings {
    /// No values at all: what holds until the server has set each of them.
    pub const BLANK: Self = Self {
        keys_file: String::new(),
        realms_file: String::new(),
        foreign_keys_file: String::new(),
        foreign_issuer: String::new(),
        algorithm: Algorithm::Hs256,
        keyspace: String::new(),
        max_age: 0,
        max_lifetime: 0,
        touch_interval: 0,
        leeway: 0,
        issuer: String::new(),
        audience: String::new(),
        token_type: String::new(),
        max_data_size: 0,
        max_token_size: 0,
        max_sessions: 0,
        max_sessions_policy: Policy::EvictOldest,
        token_cache_size: 0,
        crypto_threads: 0,
        crypto_queue: 0,
        allow_weak_secret: false,
        allow_unload: false,
    };

    /// The value of the setting at a position of [`SETTINGS`].
    pub fn get(&self, position: usize) -> Option<Value> {
        SETTINGS.get(position).map(|setting| (setting.get)(self))
    }

    /// Sets the setting at a position of [`SETTINGS`]. An error says what is wrong with the value.
    pub fn set(&mut self, position: usize, value: Value) -> Result<(), String> {
        let setting = SETTINGS.get(position).ok_or_else(mismatch)?;
        setting.kind.check(&value)?;
        (setting.set)(self, value)
    }
}

/// The values that hold where the server's configuration says nothing: the defaults, and over them the `NAME value`
/// pairs that follow `--loadmodule libjrs.so`. An error names the setting and the problem.
pub fn defaults(arguments: &[&str]) -> Result<Vec<Value>, String> {
    let mut values: Vec<Value> = SETTINGS.iter().map(|setting| setting.kind.default()).collect();
    let mut given = vec![false; values.len()];
    for pair in arguments.chunks(2) {
        let name = pair.first().copied().unwrap_or_default();
        let short = name.strip_prefix("jrs.").unwrap_or(name);
        let position = position(short).ok_or_else(|| format!("there is no setting called '{name}'"))?;
        let text = pair.get(1).ok_or_else(|| format!("the setting '{name}' has no value"))?;
        let (Some(setting), Some(value), Some(given)) =
            (SETTINGS.get(position), values.get_mut(position), given.get_mut(position))
        else {
            return Err(mismatch());
        };
        if std::mem::replace(given, true) {
            return Err(format!("the setting '{name}' is given twice"));
        }
        *value = setting.kind.parse_text(text).map_err(|problem| format!("the setting '{name}': {problem}"))?;
        // The same checks as for CONFIG SET, on a copy that is thrown away.
        let mut scratch = Settings::BLANK;
        scratch.set(position, value.clone()).map_err(|problem| format!("the setting '{name}': {problem}"))?;
    }
    Ok(values)
}

/// The position of the setting of that name in [`SETTINGS`].
pub fn position(name: &str) -> Option<usize> {
    SETTINGS.iter().position(|setting| setting.name.to_bytes().eq_ignore_ascii_case(name.as_bytes()))
}

/// The server keeps to the types that settings were registered with, so nobody should ever read this.
fn mismatch() -> String {
    "the value is of the wrong type".to_owned()
}

#[cfg(test)]
mod tests {
    use super::{SETTINGS, Settings, Value, defaults};

    fn value(arguments: &[&str], name: &str) -> Result<Value, String> {
        let position = SETTINGS.iter().position(|setting| setting.name.to_bytes() == name.as_bytes()).expect(name);
        defaults(arguments).map(|values| values[position].clone())
    }

    #[test]
    fn defaults_are_within_their_own_ranges() {
        let mut settings = Settings::BLANK;
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
        for bad in [
            &["max-ago", "60"][..],
            &["max-age"],
            &["max-age", "0"],
            &["max-age", "-1"],
            &["max-age", "60s"],
            &["max-age", "99999999999999999999"],
            &["max-age", "60", "max-age", "60"],
            &["leeway", "301"],
            &["max-token-size", "8xb"],
            &["max-token-size", "-8kb"],
            &["max-token-size", "9999999999gb"],
            &["allow-weak-secret", "true"],
            &["algorithm", "none"],
            &["keyspace", ""],
            &["keyspace", "a{b"],
            &["keyspace", "eyes:"],
            &["keyspace", "ewe:"],
            &["keyspace", "a\0b"],
            &["token-type", ""],
            &["token-type", "a b"],
            &["token-type", "a\"b"],
            &["token-type", "a\\b"],
            &["token-type", "a/b/c"],
            &["token-type", "/b"],
            &["token-type", "a/"],
            &["token-type", "caf\u{e9}"],
            &["token-type", "application/AT+JWT"],
            &["token-type", "at+jwt"],
            &["token-type", "logout+jwt"],
            &["token-type", "jwe"],
            &["token-type", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"],
            &["issuer", "a\nb"],
        ] {
            let problem = defaults(bad).expect_err(bad[0]);
            assert!(problem.contains(bad[0]), "{problem}");
        }
    }
}

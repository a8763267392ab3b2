//! The table of all settings: a new one is a row here.

use std::ffi::CStr;

use super::{
    MaxSessionsPolicy,
    setting_type::{GB, HALF_THE_CORES, KB, MB, SettingType, Value},
};
use crate::session::UnixMillis;
use crate::token::{ACCESS_TOKEN, ALGORITHM_NAMES, ALGORITHMS, Algorithm, same_type};

/// Which realms can set a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Server-wide: a realm cannot set it.
    Server,
    /// Server-wide, and cannot change while the module is loaded.
    ServerAtLoad,
    /// Each realm can set it. The default is the value of the default realm.
    Inherited,
    /// Each realm must set its own value, different from the others.
    RequiredPerRealm,
    /// Each realm can set it. The default is the setting's default, not the value of the default realm.
    NotInherited,
}

/// A setting.
#[derive(Debug)]
pub struct Setting {
    /// The name without `jrs.`.
    pub name: &'static CStr,
    /// The type, with default and range.
    pub setting_type: SettingType,
    /// Which realms can set it.
    pub scope: Scope,
    /// Whether `JRS.REALMS` returns its value.
    pub is_shown: bool,
    pub(super) get: fn(&Settings) -> Value,
    pub(super) set: fn(&mut Settings, Value) -> Option<()>,
}

/// A type of a field of [`Settings`].
trait Field: Sized {
    /// The value until the server sets it.
    const UNSET: Self;
    fn to_value(&self) -> Value;
    fn from_value(value: Value) -> Option<Self>;
}

/// A row is: type, unset value, conversion to a [`Value`], conversion from a [`Value`].
macro_rules! fields {
    ($($type:ty, $unset:expr, $field:ident => $value:expr, $variant:pat => $read:expr;)*) => {$(
        impl Field for $type {
            const UNSET: Self = $unset;
            fn to_value(&self) -> Value {
                let $field = self;
                $value
            }
            fn from_value(value: Value) -> Option<Self> {
                if let $variant = value { $read } else { None }
            }
        }
    )*};
}

fields! {
    i64, 0, number => Value::Number(*number), Value::Number(number) => Some(number);
    String, String::new(), text => Value::Text(text.clone()), Value::Text(text) => Some(text);
    bool, false, flag => Value::Flag(*flag), Value::Flag(flag) => Some(flag);
    Algorithm, Self::HS256, one => choice(&ALGORITHMS, one), Value::Choice(at) => ALGORITHMS.get(at).copied();
    MaxSessionsPolicy, Self::EvictOldest, one => choice(&Self::ALL, one), Value::Choice(at) => Self::ALL.get(at).copied();
}

/// One of a list of values, by its position.
fn choice<T: PartialEq>(all: &[T], one: &T) -> Value {
    Value::Choice(all.iter().position(|other| other == one).unwrap_or(0))
}

/// Makes [`Settings`] and [`SETTINGS`] from one list. A row is: field, its Rust type, name, setting type with default
/// and range, scope, whether JRS.REALMS shows it.
macro_rules! settings {
    ($($(#[$doc:meta])* $field:ident: $type:ty = $name:literal, $setting_type:expr, $scope:ident, $is_shown:literal;)*) => {
        /// The values of all settings.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Settings {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl Settings {
            /// The values until the server has set each of them.
            pub const UNSET: Self = Self { $($field: <$type>::UNSET,)* };
        }

        /// All settings, in the order of CONFIG REWRITE and of the documentation.
        pub const SETTINGS: &[Setting] = &[$(
            Setting {
                name: $name,
                setting_type: $setting_type,
                scope: Scope::$scope,
                is_shown: $is_shown,
                get: |settings| settings.$field.to_value(),
                set: |settings, value| Field::from_value(value).map(|value| settings.$field = value),
            },
        )*];
    };
}

const YEAR: i64 = 365 * 86_400;
/// The longest grace of a rotated token, in milliseconds.
pub const LONGEST_GRACE: i64 = 60_000;

/// The longest lifetime of an access token, in seconds.
pub const MAX_ACCESS_TOKEN_AGE: i64 = 3600;

settings! {
    /// The key file; "" for a generated key.
    keys_file: String = c"keys-file", text("", any), RequiredPerRealm, false;
    /// The realms file; "" for none.
    realms_file: String = c"realms-file", text("", any), Server, false;
    /// The key file of the foreign issuer; "" for none.
    foreign_keys_file: String = c"foreign-keys-file", text("", any), NotInherited, false;
    /// `iss` of the foreign issuer's tokens.
    foreign_issuer: String = c"foreign-issuer", text("", check_name), NotInherited, false;
    /// How often the files of keys and realms are compared with what was read, in seconds; 0 disables it.
    keys_reload_interval: i64 = c"keys-reload-interval", number(0, 0, 86_400), Server, false;
    /// The file with the keys that encrypt session data; "" stores data plain.
    data_keys_file: String = c"data-keys-file", text("", any), NotInherited, false;
    /// The algorithm of keys that name none.
    algorithm: Algorithm = c"algorithm", SettingType::Choice(ALGORITHM_NAMES), Inherited, true;
    /// The prefix of session keys.
    keyspace: String = c"keyspace", text("sess:", check_keyspace), RequiredPerRealm, true;
    /// The sliding time to live of a session, in seconds.
    max_age: i64 = c"max-age", number(86_400, 1, 100 * YEAR), Inherited, true;
    /// As `max_age`, for sessions without an owner; 0 for the value of `max_age`.
    anonymous_max_age: i64 = c"anonymous-max-age", number(0, 0, 100 * YEAR), Inherited, true;
    /// The longest lifetime of a session, in seconds; 0 for no limit.
    max_lifetime: i64 = c"max-lifetime", number(2_592_000, 0, 100 * YEAR), Inherited, true;
    /// Sessions that started before this time are refused, in seconds since the epoch; 0 for none. At most the end of
    /// the year 9999, so that milliseconds are refused.
    not_before: i64 = c"not-before", number(0, 0, UnixMillis::YEAR_9999.as_i64() / 1000), Inherited, true;
    /// A read extends a session only if the expiry moves by more than this, in seconds.
    touch_interval: i64 = c"touch-interval", number(60, 0, YEAR), Inherited, true;
    /// How long a rotated token acts on its successor, in milliseconds.
    rotate_grace: i64 = c"rotate-grace", number(0, 0, LONGEST_GRACE), Inherited, true;
    /// Whether a rotated token that is used after its grace ends the session.
    reuse_detection: bool = c"reuse-detection", flag(false), Inherited, true;
    /// The tolerance for `exp` and `nbf`, in seconds.
    leeway: i64 = c"leeway", number(0, 0, 300), Inherited, true;
    /// `iss` of tokens; "" for none.
    issuer: String = c"issuer", text("", check_name), Inherited, true;
    /// `aud` of tokens; "" for none.
    audience: String = c"audience", text("", check_name), Inherited, true;
    /// `typ` of tokens, accepted in addition to `JWT`.
    token_type: String = c"token-type", text("JWT", check_token_type), Inherited, true;
    /// The lifetime of an access token, in seconds.
    access_token_age: i64 = c"access-token-age", number(300, 1, MAX_ACCESS_TOKEN_AGE), Inherited, true;
    /// The largest session data, in bytes.
    max_data_size: i64 = c"max-data-size", bytes(MB, 2, 512 * MB), Inherited, true;
    /// The longest token, in bytes.
    max_token_size: i64 = c"max-token-size", bytes(8 * KB, 256, MB), Server, false;
    /// The largest number of sessions of an owner; 0 for no limit.
    max_sessions: i64 = c"max-sessions", number(0, 0, 1_000_000), Inherited, true;
    /// What happens when an owner exceeds `max-sessions`.
    max_sessions_policy: MaxSessionsPolicy = c"max-sessions-policy", SettingType::Choice(&MaxSessionsPolicy::NAMES), Inherited, true;
    /// The memory of the cache of verified tokens, in bytes; 0 disables it.
    token_cache_size: i64 = c"token-cache-size", bytes(16 * MB, 0, 64 * GB), Server, false;
    /// The number of threads that compute slow signatures.
    crypto_threads: i64 = c"crypto-threads", number(HALF_THE_CORES, 1, 64), Server, false;
    /// The number of slow signatures that may wait for a thread.
    crypto_queue: i64 = c"crypto-queue", number(1024, 1, 1_000_000), Server, false;
    /// Accepts secrets that are shorter than their algorithm's hash.
    allow_weak_secret: bool = c"allow-weak-secret", flag(false), Inherited, false;
    /// Allows MODULE UNLOAD.
    allow_unload: bool = c"allow-unload", flag(false), Server, false;
    /// Whether JRS.GET is refused where the server refuses writes. Otherwise it then answers and does not extend.
    get_requires_write: bool = c"get-requires-write", flag(true), ServerAtLoad, false;
}

const fn number(default: i64, min: i64, max: i64) -> SettingType {
    SettingType::Number { default, min, max, memory: false }
}

const fn bytes(default: i64, min: i64, max: i64) -> SettingType {
    SettingType::Number { default, min, max, memory: true }
}

const fn flag(default: bool) -> SettingType {
    SettingType::Flag { default }
}

const fn text(default: &'static str, check: fn(&str) -> Result<(), String>) -> SettingType {
    SettingType::Text { default, check }
}

#[expect(clippy::unnecessary_wraps, reason = "one of the checks of a text")]
const fn any(_: &str) -> Result<(), String> {
    Ok(())
}

fn check_keyspace(keyspace: &str) -> Result<(), String> {
    if keyspace.is_empty() || keyspace.len() > 64 {
        return Err("must be 1 to 64 bytes long".to_owned());
    }
    if keyspace.chars().any(|char| char.is_control() || char == '{' || char == '}') {
        return Err("must not contain braces or control characters".to_owned());
    }
    if keyspace.starts_with("ey") || keyspace.starts_with("ew") {
        return Err("must not begin with 'ey' or 'ew', as tokens do".to_owned());
    }
    Ok(())
}

/// Checks the text of `iss` or `aud`.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.len() > 1024 || name.chars().any(char::is_control) {
        return Err("must be at most 1024 bytes without control characters".to_owned());
    }
    Ok(())
}

/// Checks the `typ` of session tokens: a media type, of which `application/` may be left out (RFC 7515 section 4.1.9).
fn check_token_type(name: &str) -> Result<(), String> {
    /// Types of tokens that must never be accepted as session tokens.
    const OTHERS: [&str; 3] = [ACCESS_TOKEN, "logout+jwt", "JWE"];
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let (kind, rest) = name.split_once('/').unwrap_or(("application", name));
    if !is_name(kind) || !is_name(rest) || name.len() > 64 {
        return Err("must be a media type of at most 64 bytes, such as JWT or session+jwt".to_owned());
    }
    if OTHERS.iter().any(|other| same_type(name, other)) {
        return Err("must not be the type of another kind of token (at+jwt, logout+jwt, JWE)".to_owned());
    }
    Ok(())
}

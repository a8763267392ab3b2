//! The table of all settings: a new one is a row here and a field of [`Settings`].

use std::ffi::CStr;

use super::{
    Policy, Settings,
    kind::{GB, HALF_THE_CORES, KB, Kind, MB, Value},
    mismatch,
};
use crate::token::{Algorithm, same_type};

/// The names of the policies.
const POLICIES: [(Policy, &CStr); 2] = [(Policy::EvictOldest, c"evict-oldest"), (Policy::Reject, c"reject")];

/// What has a value of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The whole server: no realm can have its own.
    Server,
    /// A realm; one that says nothing has that of the default realm.
    Realm,
    /// A realm, and no two can share it: each has to say its own.
    EachRealm,
    /// A realm; one that says nothing has the default value, not that of the default realm.
    OneRealm,
}

/// A setting, as the server's configuration sees it.
#[derive(Debug)]
pub struct Setting {
    /// Its name, without `jrs.`.
    pub name: &'static CStr,
    /// Its type, default and range.
    pub kind: Kind,
    /// What has a value of it.
    pub scope: Scope,
    /// Whether it is any business of applications, which `JRS.REALMS` tells each realm's values of it.
    pub is_shown: bool,
    pub(super) get: fn(&Settings) -> Value,
    pub(super) set: fn(&mut Settings, Value) -> Result<(), String>,
}

const YEAR: i64 = 365 * 86_400;

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse a wrong position")]
/// The names of all algorithms, in the order of [`Algorithm::ALL`].
const ALGORITHMS: [&CStr; Algorithm::ALL.len()] = {
    let mut names = [c""; Algorithm::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = Algorithm::ALL[at].c_name();
        at += 1;
    }
    names
};

/// All settings. Their order is that of CONFIG REWRITE and of the documentation.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: c"keys-file",
        kind: Kind::Text { default: "" },
        scope: Scope::EachRealm,
        is_shown: false,
        get: |settings| Value::Text(settings.keys_file.clone()),
        set: |settings, value| text(value).map(|text| settings.keys_file = text),
    },
    Setting {
        name: c"realms-file",
        kind: Kind::Text { default: "" },
        scope: Scope::Server,
        is_shown: false,
        get: |settings| Value::Text(settings.realms_file.clone()),
        set: |settings, value| text(value).map(|text| settings.realms_file = text),
    },
    Setting {
        name: c"foreign-keys-file",
        kind: Kind::Text { default: "" },
        scope: Scope::OneRealm,
        is_shown: false,
        get: |settings| Value::Text(settings.foreign_keys_file.clone()),
        set: |settings, value| text(value).map(|text| settings.foreign_keys_file = text),
    },
    Setting {
        name: c"foreign-issuer",
        kind: Kind::Text { default: "" },
        scope: Scope::OneRealm,
        is_shown: false,
        get: |settings| Value::Text(settings.foreign_issuer.clone()),
        set: |settings, value| {
            settings.foreign_issuer = check_name(text(value)?)?;
            Ok(())
        },
    },
    Setting {
        name: c"algorithm",
        kind: Kind::Choice { default: 0, names: &ALGORITHMS },
        scope: Scope::Realm,
        is_shown: true,
        get: |settings| {
            let position = Algorithm::ALL.iter().position(|algorithm| *algorithm == settings.algorithm);
            Value::Choice(position.unwrap_or(0))
        },
        set: |settings, value| {
            let Value::Choice(position) = value else { return Err(mismatch()) };
            settings.algorithm = *Algorithm::ALL.get(position).ok_or_else(mismatch)?;
            Ok(())
        },
    },
    Setting {
        name: c"keyspace",
        kind: Kind::Text { default: "sess:" },
        scope: Scope::EachRealm,
        is_shown: true,
        get: |settings| Value::Text(settings.keyspace.clone()),
        set: |settings, value| {
            settings.keyspace = check_keyspace(text(value)?)?;
            Ok(())
        },
    },
    Setting {
        name: c"max-age",
        kind: Kind::Number { default: 86_400, min: 1, max: 100 * YEAR, memory: false },
        scope: Scope::Realm,
        is_shown: true,
        get: |settings| Value::Number(settings.max_age),
        set: |settings, value| number(value).map(|number| settings.max_age = number),
    },
    Setting {
        name: c"max-lifetime",
        kind: Kind::Number { default: 2_592_000, min: 0, max: 100 * YEAR, memory: false },
        scope: Scope::Realm,
        is_shown: true,
        get: |settings| Value::Number(settings.max_lifetime),
        set: |settings, value| number(value).map(|number| settings.max_lifetime = number),
    },
    Setting {
        name: c"touch-interval",
        kind: Kind::Number { default: 60, min: 0, max: YEAR, memory: false },
        scope: Scope::Realm,
        is_shown: true,
        get: |settings| Value::Number(settings.touch_interval),
        set: |settings, value| number(value).map(|number| settings.touch_interval = number),
    },
    Setting {
        name: c"leeway",
        kind: Kind::Number { default: 0, min: 0, max: 300, memory: false },
        scope: Scope::Realm,
        is_shown: true,
        get: |settings| Value::Number(settings.leeway),
        set: |settings, value| number(value).map(|number| settings.leeway = number),
    },
    Setting {
        name: c"issuer",
        kind: Kind::Text { default: "" },
        scope: Scope::Realm,
        is_shown: true,
        get: |settings| Value::Text(settings.issuer.clone()),
        set: |settings, value| {
            settings.issuer = check_name(text(value)?)?;
            Ok(())
        },
    },
    Setting {
        name: c"audience",
        kind: Kind::Text { default: "" },
        scope: Scope::Realm,
        is_shown: true,
        get: |settings| Value::Text(settings.audience.clone()),
        set: |settings, value| {
            settings.audience = check_name(text(value)?)?;
            Ok(())
        },
    },
    Setting {
        name: c"token-type",
        kind: Kind::Text { default: "JWT" },
        scope: Scope::Realm,
        is_shown: true,
        get: |settings| Value::Text(settings.token_type.clone()),
        set: |settings, value| {
            settings.token_type = check_token_type(text(value)?)?;
            Ok(())
        },
    },
    Setting {
        name: c"max-data-size",
        kind: Kind::Number { default: MB, min: 2, max: 512 * MB, memory: true },
        scope: Scope::Realm,
        is_shown: true,
        get: |settings| Value::Number(settings.max_data_size),
        set: |settings, value| number(value).map(|number| settings.max_data_size = number),
    },
    Setting {
        name: c"max-token-size",
        kind: Kind::Number { default: 8 * KB, min: 256, max: MB, memory: true },
        scope: Scope::Server,
        is_shown: false,
        get: |settings| Value::Number(settings.max_token_size),
        set: |settings, value| number(value).map(|number| settings.max_token_size = number),
    },
    Setting {
        name: c"max-sessions",
        kind: Kind::Number { default: 0, min: 0, max: 1_000_000, memory: false },
        scope: Scope::Realm,
        is_shown: true,
        get: |settings| Value::Number(settings.max_sessions),
        set: |settings, value| number(value).map(|number| settings.max_sessions = number),
    },
    Setting {
        name: c"max-sessions-policy",
        kind: Kind::Choice { default: 0, names: &[POLICIES[0].1, POLICIES[1].1] },
        scope: Scope::Realm,
        is_shown: true,
        get: |settings| {
            let position = POLICIES.iter().position(|(policy, _)| *policy == settings.max_sessions_policy);
            Value::Choice(position.unwrap_or(0))
        },
        set: |settings, value| {
            let Value::Choice(position) = value else { return Err(mismatch()) };
            settings.max_sessions_policy = POLICIES.get(position).ok_or_else(mismatch)?.0;
            Ok(())
        },
    },
    Setting {
        name: c"token-cache-size",
        kind: Kind::Number { default: 16 * MB, min: 0, max: 64 * GB, memory: true },
        scope: Scope::Server,
        is_shown: false,
        get: |settings| Value::Number(settings.token_cache_size),
        set: |settings, value| number(value).map(|number| settings.token_cache_size = number),
    },
    Setting {
        name: c"crypto-threads",
        kind: Kind::Number { default: HALF_THE_CORES, min: 1, max: 64, memory: false },
        scope: Scope::Server,
        is_shown: false,
        get: |settings| Value::Number(settings.crypto_threads),
        set: |settings, value| number(value).map(|number| settings.crypto_threads = number),
    },
    Setting {
        name: c"crypto-queue",
        kind: Kind::Number { default: 1024, min: 1, max: 1_000_000, memory: false },
        scope: Scope::Server,
        is_shown: false,
        get: |settings| Value::Number(settings.crypto_queue),
        set: |settings, value| number(value).map(|number| settings.crypto_queue = number),
    },
    Setting {
        name: c"allow-weak-secret",
        kind: Kind::Flag { default: false },
        scope: Scope::Realm,
        is_shown: false,
        get: |settings| Value::Flag(settings.allow_weak_secret),
        set: |settings, value| {
            let Value::Flag(flag) = value else { return Err(mismatch()) };
            settings.allow_weak_secret = flag;
            Ok(())
        },
    },
    Setting {
        name: c"allow-unload",
        kind: Kind::Flag { default: false },
        scope: Scope::Server,
        is_shown: false,
        get: |settings| Value::Flag(settings.allow_unload),
        set: |settings, value| {
            let Value::Flag(flag) = value else { return Err(mismatch()) };
            settings.allow_unload = flag;
            Ok(())
        },
    },
];

fn check_keyspace(keyspace: String) -> Result<String, String> {
    if keyspace.is_empty() || keyspace.len() > 64 {
        return Err("it has to be 1 to 64 bytes long".to_owned());
    }
    if keyspace.chars().any(|char| char.is_control() || char == '{' || char == '}') {
        return Err("it must not hold braces or control characters".to_owned());
    }
    if keyspace.starts_with("ey") || keyspace.starts_with("ew") {
        return Err("it must not begin with 'ey' or 'ew', which tokens do".to_owned());
    }
    Ok(keyspace)
}

fn check_name(name: String) -> Result<String, String> {
    if name.len() > 1024 || name.chars().any(char::is_control) {
        return Err("it has to be at most 1024 bytes without control characters".to_owned());
    }
    Ok(name)
}

/// Checks the `typ` of session tokens: a media type, of which `application/` may be left out (RFC 7515 section 4.1.9).
fn check_token_type(name: String) -> Result<String, String> {
    /// Types of tokens that must never be taken for a session's.
    const OTHERS: [&str; 3] = ["at+jwt", "logout+jwt", "JWE"];
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let is_type = match name.split_once('/') {
        Some((kind, rest)) => is_name(kind) && is_name(rest),
        None => is_name(&name),
    };
    if !is_type || name.len() > 64 {
        return Err("it must be a media type of at most 64 bytes, such as JWT or session+jwt".to_owned());
    }
    if OTHERS.iter().any(|other| same_type(&name, other)) {
        return Err("it must not be the type of another kind of token (at+jwt, logout+jwt, JWE)".to_owned());
    }
    Ok(name)
}

fn text(value: Value) -> Result<String, String> {
    if let Value::Text(text) = value { Ok(text) } else { Err(mismatch()) }
}

fn number(value: Value) -> Result<i64, String> {
    if let Value::Number(number) = value { Ok(number) } else { Err(mismatch()) }
}

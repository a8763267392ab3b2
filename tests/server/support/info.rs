//! The fields of `INFO jrs`.

use std::collections::BTreeMap;

use redis::{Connection, RedisResult, Value};

use crate::support::sessions::send;

/// Counters by name, and by how much they have grown.
pub(crate) type Growth = BTreeMap<String, i64>;

/// The fields of a section of INFO, without the module's prefix.
pub(crate) fn fields(conn: &mut Connection, section: &str) -> BTreeMap<String, String> {
    let info: String = send(conn, &["INFO", section]).unwrap();
    let field = |line: &str| {
        let (name, value) = line.strip_prefix("jrs_")?.split_once(':')?;
        Some((name.to_owned(), value.to_owned()))
    };
    info.lines().filter_map(field).collect()
}

/// The parts of a field such as `realm_stats_default`: names and numbers.
pub(crate) fn parts(conn: &mut Connection, field: &str) -> Growth {
    let fields = fields(conn, "jrs");
    let value = fields.get(field).unwrap_or_else(|| panic!("no field {field}: {fields:?}"));
    let part = |part: &str| {
        let (name, number) = part.split_once('=').expect("name=number");
        (name.to_owned(), number.parse().unwrap())
    };
    value.split(',').map(part).collect()
}

/// The counters of a realm.
pub(crate) fn realm_stats(conn: &mut Connection, realm: &str) -> Growth {
    parts(conn, &format!("realm_stats_{realm}"))
}

/// The counters that differ, and by how much.
pub(crate) fn difference(before: &Growth, after: &Growth) -> Growth {
    let grown = after.iter().map(|(name, number)| (name.clone(), number - before.get(name).unwrap_or(&0)));
    grown.filter(|(_, growth)| *growth != 0).collect()
}

/// Counters that depend on time, and gauges.
const NOT_COUNTED: [&str; 8] = [
    "token_cache_",
    "signing_key_age_",
    "sessions_active",
    "owners_active",
    "index_bytes",
    "crypto_",
    "keys_last_reload_time",
    // A read in the millisecond of the last one saves nothing.
    "sessions_touches_saved",
];

/// The counters that have changed, and by how much. Without gauges and counters that depend on time.
pub(crate) fn growth(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Growth {
    let numbers = |fields: &BTreeMap<String, String>| -> Growth {
        let counters = fields.iter().filter(|(name, _)| !NOT_COUNTED.iter().any(|other| name.starts_with(other)));
        counters.filter_map(|(name, value)| Some((name.clone(), value.parse().ok()?))).collect()
    };
    difference(&numbers(before), &numbers(after))
}

/// The counters that a command changes, and its reply.
pub(crate) fn counted(conn: &mut Connection, words: &[&str]) -> (Growth, RedisResult<Value>) {
    let before = fields(conn, "jrs");
    let reply = send(conn, words);
    (growth(&before, &fields(conn, "jrs")), reply)
}

/// These counters, grown by these numbers.
pub(crate) fn grown_by(pairs: &[(&str, i64)]) -> Growth {
    pairs.iter().map(|(name, by)| ((*name).to_owned(), *by)).collect()
}

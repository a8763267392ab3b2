//! Compares the owner index, and all replies that come from it, with the keys.

use std::collections::BTreeMap;

use redis::Connection;
use uuid::{Uuid, Variant};

use crate::support::{
    owner_sessions::{assert_index_agrees, count, ids, info},
    sessions::{exec, send},
};

/// Session keys of ada, oldest first.
pub(crate) const ADA: [&str; 3] = [
    "sess:{ada}:01900000-0000-7000-8000-000000000001",
    "sess:{ada}:01900000-0000-7000-8000-000000000002",
    "sess:{ada}:01900000-0001-7000-8000-000000000000",
];
/// Session keys of bob, oldest first.
pub(crate) const BOB: [&str; 2] =
    ["sess:{bob}:01900000-0000-7000-8000-000000000001", "sess:{bob}:01900000-0000-7000-8000-000000000002"];

/// Compares JRS.LIST and JRS.COUNT of each owner in each database, the owner index, and INFO's totals with the keys.
/// Returns how many keys have the name of a session, in all databases.
pub(crate) fn assert_index_follows(conn: &mut Connection) -> usize {
    let selected = database(conn);
    let keyspace: String = send(conn, &["INFO", "keyspace"]).unwrap();
    let database = |line: &str| Some(line.strip_prefix("db")?.split_once(':')?.0.to_owned());
    let (mut sessions, mut owners) = (0, 0);
    for database in keyspace.lines().filter_map(database) {
        exec(conn, &["SELECT", &database]);
        let by_prefix = session_keys(conn);
        owners += by_prefix.len();
        sessions += by_prefix.values().map(Vec::len).sum::<usize>();
        let owner = |prefix: &str| prefix.strip_prefix("sess:{")?.strip_suffix("}:").map(str::to_owned);
        let listed = by_prefix.iter().filter_map(|(prefix, keys)| Some((owner(prefix)?, strings(conn, keys))));
        let mut listed: BTreeMap<String, Vec<String>> = listed.collect();
        // These may have no sessions: then the list must be empty.
        for owner in ["ada", "bob"] {
            listed.entry(owner.to_owned()).or_default();
        }
        for (owner, keys) in listed {
            let expected: Vec<&str> = keys.iter().map(|key| &key["sess:".len()..]).collect();
            assert_eq!(ids(conn, &owner), expected, "the list of {owner} in database {database}");
            assert_eq!(count(conn, &owner), keys.len(), "the count of {owner} in database {database}");
        }
    }
    exec(conn, &["SELECT", &selected]);
    assert_eq!(totals(conn), [sessions, owners], "the totals of sessions and owners");
    assert_index_agrees(conn);
    sessions
}

/// The numbers of sessions and owners in INFO.
pub(crate) fn totals(conn: &mut Connection) -> [usize; 2] {
    let total = |name| usize::try_from(info(conn, "jrs_sessions", name)).unwrap();
    ["jrs_sessions_active", "jrs_owners_active"].map(total)
}

fn database(conn: &mut Connection) -> String {
    let client: String = send(conn, &["CLIENT", "INFO"]).unwrap();
    client.split(' ').find_map(|word| word.strip_prefix("db=")).unwrap().to_owned()
}

/// The keys with the name of a session in the selected database, sorted, grouped by the text before the UUID.
fn session_keys(conn: &mut Connection) -> BTreeMap<String, Vec<String>> {
    let mut keys: Vec<String> = send(conn, &["KEYS", "*"]).unwrap();
    keys.sort_unstable();
    let mut by_prefix = BTreeMap::<_, Vec<_>>::new();
    for key in keys {
        if let Some(prefix) = prefix(&key) {
            by_prefix.entry(prefix.to_owned()).or_default().push(key);
        }
    }
    by_prefix
}

fn prefix(key: &str) -> Option<&str> {
    let (prefix, text) = key.split_at_checked(key.len().checked_sub(36)?)?;
    let uuid = Uuid::parse_str(text).ok()?;
    let is_ours = uuid.get_version_num() == 7 && uuid.get_variant() == Variant::RFC4122 && uuid.to_string() == text;
    Some(prefix).filter(|prefix| is_ours && prefix.ends_with("}:"))
}

/// Those of the keys whose value is a string.
fn strings(conn: &mut Connection, keys: &[String]) -> Vec<String> {
    let mut pipe = redis::pipe();
    for key in keys {
        pipe.cmd("TYPE").arg(key);
    }
    let types: Vec<String> = pipe.query(conn).unwrap();
    keys.iter().zip(types).filter(|(_, kind)| kind == "string").map(|(key, _)| key.clone()).collect()
}

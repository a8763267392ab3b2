//! An owner's sessions: as JRS.LIST returns them, and as they are in the keyspace.

use std::collections::HashMap;

use redis::{Connection, FromRedisValue, Value};
use uuid::Uuid;

use crate::support::sessions::{index, send};

/// A session as `JRS.LIST` returns it.
#[derive(Debug)]
pub(crate) struct ListedSession {
    pub(crate) id: String,
    /// When it was created, in milliseconds since the epoch.
    pub(crate) created: i64,
    /// Seconds left; none for a session that does not expire.
    pub(crate) ttl: Option<i64>,
    /// Present if the command asks for it with WITHDATA.
    pub(crate) data: Option<String>,
}

/// `JRS.LIST` with these arguments.
pub(crate) fn list(conn: &mut Connection, arguments: &[&str]) -> Vec<ListedSession> {
    let reply: Vec<HashMap<String, Value>> =
        send(conn, &[&["JRS.LIST"], arguments].concat()).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
    let session = |fields: HashMap<String, Value>| {
        fn field<T: FromRedisValue>(fields: &HashMap<String, Value>, name: &str) -> T {
            T::from_redis_value_ref(fields.get(name).unwrap_or(&Value::Nil)).expect("a field of the right type")
        }
        assert_eq!(fields.len(), 3 + usize::from(fields.contains_key("data")), "{fields:?}");
        let (id, created) = (field(&fields, "id"), field(&fields, "created"));
        ListedSession { id, created, ttl: field(&fields, "ttl"), data: field(&fields, "data") }
    };
    reply.into_iter().map(session).collect()
}

/// The ids of an owner's sessions from `JRS.LIST`, oldest first.
pub(crate) fn ids(conn: &mut Connection, owner: &str) -> Vec<String> {
    list(conn, &[owner]).into_iter().map(|session| session.id).collect()
}

/// The ids of an owner's sessions in a keyspace, from the names of the keys. Tombstones of rotations are not sessions.
pub(crate) fn ids_in_keyspace(conn: &mut Connection, keyspace: &str, owner: &str) -> Vec<String> {
    let keys: Vec<String> = send(conn, &["KEYS", "*"]).expect("the keys can be listed");
    let id = |key: String| key.strip_prefix(keyspace).map(str::to_owned);
    let prefix = format!("{{{owner}}}:");
    let mut ids: Vec<String> =
        keys.into_iter().filter_map(id).filter(|id| id.starts_with(&prefix) && !id.ends_with(":rotated")).collect();
    ids.sort_unstable();
    ids
}

/// Checks that the keys, the list and the count of an owner in the default realm agree. Returns the ids.
pub(crate) fn assert_agree(conn: &mut Connection, owner: &str) -> Vec<String> {
    let ids = ids_in_keyspace(conn, "sess:", owner);
    // The ids of a server increase strictly: version 7 UUIDs sort by time.
    assert_eq!(self::ids(conn, owner), ids, "the list of {owner}");
    assert_eq!(count(conn, owner), ids.len(), "the count of {owner}");
    ids
}

/// The reply to `JRS.COUNT`.
pub(crate) fn count(conn: &mut Connection, owner: &str) -> usize {
    send(conn, &["JRS.COUNT", owner]).unwrap_or_else(|error| panic!("JRS.COUNT of {owner}: {error}"))
}

/// Checks that the owner index agrees with the keyspace, in all databases.
pub(crate) fn assert_index_agrees(conn: &mut Connection) {
    assert_eq!(send(conn, &["JRS.DEBUG", "INDEX"]), Ok(1), "the owner index differs from the keyspace");
}

/// When the session with this id was created.
pub(crate) fn created(id: &str) -> i64 {
    let uuid = Uuid::parse_str(id.rsplit(':').next().expect("an id ends in a UUID")).expect("a UUID");
    let (seconds, nanos) = uuid.get_timestamp().expect("a version 7 UUID").to_unix();
    i64::try_from(seconds).expect("a sane time") * 1000 + i64::from(nanos / 1_000_000)
}

/// Stores `count` sessions of an owner as JRS.CREATE does, created one millisecond apart, the last one just before now.
/// Returns their ids, oldest first.
pub(crate) fn fill(conn: &mut Connection, owner: &str, count: usize) -> Vec<String> {
    let script = "
        local prefix, data, now, from, to = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
        local made = {}
        for number = from, to do
            local created = now + number
            local high, low = math.floor(created / 65536), created % 65536
            local uuid = string.format('%08x-%04x-7%03x-8000-%012x', high, low, 0, number)
            redis.call('SET', prefix .. ':' .. uuid, data, 'PX', 86400000)
            made[#made + 1] = uuid
        end
        return made";
    let begin = crate::support::sessions::millis() - i64::try_from(count).expect("a sane count") - 1;
    let (prefix, begin, mut made) = (index(owner), begin.to_string(), Vec::new());
    for from in (1..=count).step_by(5000) {
        let (to, from) = (count.min(from + 4999).to_string(), from.to_string());
        let uuids: Vec<String> =
            send(conn, &["EVAL", script, "0", &prefix, "{}", &begin, &from, &to]).expect("the script is sound");
        made.extend(uuids.into_iter().map(|uuid| format!("{{{owner}}}:{uuid}")));
    }
    made
}

/// A number of a section of INFO.
pub(crate) fn info(conn: &mut Connection, section: &str, name: &str) -> i64 {
    let info: String = send(conn, &["INFO", section]).expect("INFO works");
    let line = info.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
    line.unwrap_or_else(|| panic!("{name} is not in {info}")).parse().expect("a number")
}

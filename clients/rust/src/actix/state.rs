//! The state of actix-session (keys with JSON text) and the data of a session.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{Claims, Error, changes::Changes, reply::from_json, session::RawSession};

/// The key whose value is the owner of the session: a string. [`JrsSession::log_in`](super::JrsSession::log_in) sets it.
/// It is not part of the stored data. A handler must not insert keys that a client has chosen: this one is a login.
pub const OWNER: &str = "jrs:owner";

/// Says that the user has just authenticated. It is not stored.
pub(super) const LOGIN: &str = "jrs:login";

/// What was loaded, so that only changed fields are written. It is not stored.
pub(super) const SESSION: &str = "jrs:session";

/// What the names of all these keys begin with.
const RESERVED: &str = "jrs:";

/// The state of actix-session.
pub(super) type State = HashMap<String, String>;

/// The stored data. The values stay as they are, byte for byte.
pub(super) type Data = BTreeMap<String, Box<RawValue>>;

/// A session when it was loaded.
#[derive(Serialize, Deserialize)]
pub(super) struct Loaded {
    pub(super) id: String,
    pub(super) owner: String,
    /// When the user authenticated, in seconds since 1970.
    pub(super) authenticated: Option<u64>,
    pub(super) data: Data,
}

/// A state with what the keys of this crate say.
pub(super) struct Parsed {
    pub(super) owner: String,
    pub(super) login: bool,
    pub(super) loaded: Option<Loaded>,
    pub(super) data: Data,
}

/// The state of a session that was read.
pub(super) fn to_state(session: RawSession) -> Result<State, Error> {
    let RawSession { id, owner, data, claims, .. } = session;
    let claims: Claims = from_json(&claims)?;
    let time = |name| claims.get(name).and_then(Value::as_u64);
    let authenticated = time("auth_time").or(time("iat")).filter(|_| !owner.is_empty());
    let mut data: Data = from_json(&data)?;
    // Other programs may have stored such names, which must not act here. They stay as they are.
    data.retain(|name, _| !name.starts_with(RESERVED));
    let mut state: State = data.iter().map(|(name, value)| (name.clone(), value.get().to_owned())).collect();
    state.insert(OWNER.to_owned(), to_json(&owner)?);
    state.insert(SESSION.to_owned(), to_json(&Loaded { id, owner, authenticated, data })?);
    Ok(state)
}

fn to_json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|_| Error::NotAnObject)
}

pub(super) fn parse(mut state: State) -> Result<Parsed, Error> {
    let owner = state.remove(OWNER).map_or(Ok(String::new()), |owner| from_json(owner.as_bytes()))?;
    let login = state.remove(LOGIN).is_some();
    let loaded = state.remove(SESSION).map(|loaded| from_json(loaded.as_bytes())).transpose()?;
    let value = |(name, text)| Ok((name, RawValue::from_string(text).map_err(|_| Error::NotAnObject)?));
    let data = state.into_iter().map(value).collect::<Result<_, Error>>()?;
    Ok(Parsed { owner, login, loaded, data })
}

/// The fields that were changed since the session was loaded.
pub(super) fn changes(before: &Data, now: &Data) -> Result<Changes, Error> {
    let changed = now.iter().filter(|(name, value)| is_new(before, name, value));
    let changed = changed.map(|(name, value)| Ok((name.clone(), Some(from_json::<Value>(value.get().as_bytes())?))));
    let deleted = before.keys().filter(|name| !now.contains_key(*name)).map(|name| Ok((name.clone(), None)));
    changed.chain(deleted).collect()
}

/// The fields that were set since the session was loaded: what a session of another user takes over.
pub(super) fn only_set(before: &Data, mut now: Data) -> Data {
    now.retain(|name, value| is_new(before, name, value));
    now
}

fn is_new(before: &Data, name: &str, value: &RawValue) -> bool {
    before.get(name).is_none_or(|old| old.get() != value.get())
}

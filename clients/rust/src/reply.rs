//! Replies of the server, in RESP2 (flat arrays) and RESP3 (maps).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::Value as Reply;
use serde::{Serialize, de::DeserializeOwned};

#[cfg(any(feature = "axum", feature = "actix"))]
use crate::session::RawSession;
use crate::{
    Error, Token,
    session::{Inspection, Key, ListedSession, Realm, Session},
};

/// The text of data or claims.
pub(crate) fn to_object(value: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_string(value).map_err(|_| Error::NotAnObject)?;
    if text.starts_with('{') { Ok(text) } else { Err(Error::NotAnObject) }
}

/// Reads stored data. The error does not repeat it, as that of serde does.
pub(crate) fn from_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(text).map_err(|error| Error::WrongData { line: error.line(), column: error.column() })
}

/// Reads data that is already split into fields.
#[cfg(feature = "axum")]
pub(crate) fn from_fields<T: DeserializeOwned>(fields: crate::changes::Fields) -> Result<T, Error> {
    let data = serde_json::Value::Object(fields);
    serde_json::from_value(data).map_err(|_| Error::WrongData { line: 0, column: 0 })
}

/// The map of `JRS.GET` and `JRS.PEEK`; nil if there is no session.
pub(crate) fn session<T: DeserializeOwned>(reply: Reply) -> Result<Option<Session<T>>, Error> {
    optional(reply, |reply| {
        let mut fields = Fields::of(reply)?;
        Ok(Session {
            id: fields.text("id")?,
            owner: fields.text("owner")?,
            claims: from_json(&fields.bytes("claims")?)?,
            data: from_json(&fields.bytes("data")?)?,
            ttl: fields.seconds("ttl")?,
            etag: fields.text("etag")?,
        })
    })
}

/// The array of `JRS.GET` and `JRS.PEEK` with `COMPACT`; nil if there is no session.
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) fn raw_session(reply: Reply) -> Result<Option<RawSession>, Error> {
    optional(reply, |reply| {
        let mut items = array(reply)?.into_iter();
        let mut next = || items.next().ok_or(Error::BadReply);
        Ok(RawSession {
            id: text(next()?)?,
            owner: text(next()?)?,
            data: bytes(next()?)?,
            claims: bytes(next()?)?,
            ttl: seconds(next()?)?,
        })
    })
}

/// A token.
pub(crate) fn token(reply: Reply) -> Result<Token, Error> {
    text(reply).map(Token::from)
}

/// A token; nil if there is no session.
pub(crate) fn optional_token(reply: Reply) -> Result<Option<Token>, Error> {
    optional(reply, token)
}

/// A bulk string of UTF-8.
pub(crate) fn text(reply: Reply) -> Result<String, Error> {
    String::from_utf8(bytes(reply)?).map_err(|_| Error::BadReply)
}

/// A bulk string; nil if there is no session or no value.
pub(crate) fn optional_text(reply: Reply) -> Result<Option<String>, Error> {
    optional(reply, text)
}

/// An integer that is not negative.
pub(crate) fn count(reply: Reply) -> Result<u64, Error> {
    match reply {
        Reply::Int(number) => u64::try_from(number).map_err(|_| Error::BadReply),
        _ => Err(Error::BadReply),
    }
}

/// 0 or 1.
pub(crate) fn flag(reply: Reply) -> Result<bool, Error> {
    count(reply).map(|number| number != 0)
}

/// Seconds; nil if there is no session or no expiry.
pub(crate) fn seconds(reply: Reply) -> Result<Option<Duration>, Error> {
    optional(reply, |reply| count(reply).map(Duration::from_secs))
}

/// `OK`, from one node or from all.
pub(crate) fn done(reply: Reply) -> Result<(), Error> {
    match reply {
        Reply::ServerError(error) => Err(redis::RedisError::from(error).into()),
        // The replies of all nodes of a cluster.
        Reply::Map(nodes) => nodes.into_iter().try_for_each(|(_, reply)| done(reply)),
        Reply::Array(replies) => replies.into_iter().try_for_each(done),
        _ => Ok(()),
    }
}

/// The array of `JRS.LIST`.
pub(crate) fn list<T: DeserializeOwned>(reply: Reply) -> Result<Vec<ListedSession<T>>, Error> {
    array(reply)?.into_iter().map(listed_session).collect()
}

fn listed_session<T: DeserializeOwned>(reply: Reply) -> Result<ListedSession<T>, Error> {
    let mut fields = Fields::of(reply)?;
    let values = match fields.take("fields") {
        Reply::Nil => Vec::new(),
        values => array(values)?,
    };
    Ok(ListedSession {
        id: fields.text("id")?,
        created: time(Duration::from_millis(count(fields.take("created"))?))?,
        ttl: fields.seconds("ttl")?,
        data: optional(fields.take("data"), |data| from_json(&bytes(data)?))?,
        fields: values
            .into_iter()
            .map(|value| optional(value, |value| from_json(&bytes(value)?)))
            .collect::<Result<_, _>>()?,
    })
}

/// The map of `JRS.INSPECT`.
pub(crate) fn inspection(reply: Reply) -> Result<Inspection, Error> {
    let mut fields = Fields::of(reply)?;
    Ok(Inspection {
        active: flag(fields.take("active"))?,
        reason: optional_text(fields.take("reason"))?,
        realm: optional_text(fields.take("realm"))?,
        alg: optional_text(fields.take("alg"))?,
        kid: optional_text(fields.take("kid"))?,
        header: optional(fields.take("header"), |header| from_json(&bytes(header)?))?,
        claims: optional(fields.take("claims"), |claims| from_json(&bytes(claims)?))?,
        key: optional_text(fields.take("key"))?,
        ttl: fields.seconds("ttl")?,
        auth_time: optional(fields.take("auth_time"), |seconds| time(Duration::from_secs(count(seconds)?)))?,
    })
}

/// The array of `JRS.REALMS`.
pub(crate) fn realms(reply: Reply) -> Result<Vec<Realm>, Error> {
    array(reply)?.into_iter().map(realm).collect()
}

fn realm(reply: Reply) -> Result<Realm, Error> {
    let mut fields = Fields::of(reply)?;
    let keys = array(fields.take("keys"))?.into_iter().map(key).collect::<Result<_, _>>()?;
    Ok(Realm {
        name: fields.text("name")?,
        algorithm: fields.text("algorithm")?,
        keyspace: fields.text("keyspace")?,
        max_age: fields.duration("max-age")?,
        anonymous_max_age: fields.duration("anonymous-max-age")?,
        max_lifetime: fields.duration("max-lifetime")?,
        issuer: fields.text("issuer")?,
        audience: fields.text("audience")?,
        keys,
    })
}

fn key(reply: Reply) -> Result<Key, Error> {
    let mut fields = Fields::of(reply)?;
    Ok(Key { kid: optional_text(fields.take("kid"))?, alg: fields.text("alg")?, signs: flag(fields.take("signs"))? })
}

fn time(since_1970: Duration) -> Result<SystemTime, Error> {
    UNIX_EPOCH.checked_add(since_1970).ok_or(Error::BadReply)
}

fn optional<T>(reply: Reply, read: impl FnOnce(Reply) -> Result<T, Error>) -> Result<Option<T>, Error> {
    match reply {
        Reply::Nil => Ok(None),
        reply => read(reply).map(Some),
    }
}

fn array(reply: Reply) -> Result<Vec<Reply>, Error> {
    match reply {
        Reply::Array(items) => Ok(items),
        _ => Err(Error::BadReply),
    }
}

fn bytes(reply: Reply) -> Result<Vec<u8>, Error> {
    match reply {
        Reply::BulkString(bytes) => Ok(bytes),
        Reply::SimpleString(text) | Reply::VerbatimString { text, .. } => Ok(text.into_bytes()),
        Reply::Okay => Ok(b"OK".to_vec()),
        _ => Err(Error::BadReply),
    }
}

/// The fields of a map. Fields of later versions are ignored.
enum Fields {
    /// RESP3.
    Map(Vec<(Reply, Reply)>),
    /// RESP2: names and values in turn.
    Array(Vec<Reply>),
}

impl Fields {
    fn of(reply: Reply) -> Result<Fields, Error> {
        match reply {
            Reply::Map(fields) => Ok(Fields::Map(fields)),
            Reply::Array(items) => Ok(Fields::Array(items)),
            _ => Err(Error::BadReply),
        }
    }

    /// The value of a field; nil if there is none.
    fn take(&mut self, name: &str) -> Reply {
        let is_it = |key: &Reply| match key {
            Reply::BulkString(bytes) => bytes == name.as_bytes(),
            Reply::SimpleString(text) => text == name,
            _ => false,
        };
        let found = match self {
            Fields::Map(fields) => fields.iter_mut().find(|(key, _)| is_it(key)).map(|(_, value)| value),
            Fields::Array(items) => items.chunks_exact_mut(2).find_map(|pair| match pair {
                [key, value] if is_it(key) => Some(value),
                _ => None,
            }),
        };
        found.map(std::mem::take).unwrap_or_default()
    }

    fn bytes(&mut self, name: &str) -> Result<Vec<u8>, Error> {
        bytes(self.take(name))
    }

    fn text(&mut self, name: &str) -> Result<String, Error> {
        text(self.take(name))
    }

    fn seconds(&mut self, name: &str) -> Result<Option<Duration>, Error> {
        seconds(self.take(name))
    }

    fn duration(&mut self, name: &str) -> Result<Duration, Error> {
        count(self.take(name)).map(Duration::from_secs)
    }
}

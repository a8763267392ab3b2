//! The commands: their arguments and the types of their replies, for [`Jrs`](crate::Jrs) and for the blocking client.

use std::{
    borrow::Cow,
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use redis::{Cmd, RedisWrite, ToRedisArgs, Value as Reply};
use serde::{Serialize, de::DeserializeOwned};

#[cfg(any(feature = "axum", feature = "actix"))]
use crate::session::RawSession;
use crate::{
    CreateOptions, Error, Inspection, ListOptions, ListedSession, MintOptions, Realm, RotateOptions, Session, Token,
    UpdateOptions,
    reply::{self, to_object},
    route::Route,
    words::Words,
};

/// In a cluster the owner decides on which node a session is. Anonymous sessions get a random owner with this prefix
/// there, as those of the package for Node.js do.
const ANONYMOUS: &str = "anonymous:";

/// What the first argument of a command is. In a cluster it decides on the node.
enum Target<'a> {
    /// The key of the session with this id, then its token.
    Session(Cow<'a, str>, &'a Token),
    /// The key of the session with this id.
    Key(String),
    /// An owner.
    Owner(String),
    /// The command can be sent to any node.
    AnyNode,
    /// The command must be sent to all nodes.
    AllNodes,
}

impl Target<'_> {
    /// The bytes of the arguments, without the keyspace.
    fn size(&self) -> usize {
        match self {
            Target::Session(id, token) => id.len() + token.as_str().len(),
            Target::Key(text) | Target::Owner(text) => text.len(),
            Target::AnyNode | Target::AllNodes => 0,
        }
    }
}

/// A command and how to read its reply.
pub(crate) struct Call<'a, R> {
    name: &'static str,
    target: Target<'a>,
    words: Words,
    read: fn(Reply) -> Result<R, Error>,
}

impl<'a, R> Call<'a, R> {
    /// Whether the command needs the keyspace of the realm.
    pub(crate) fn has_key(&self) -> bool {
        matches!(self.target, Target::Session(..) | Target::Key(_))
    }

    /// Where a client of a cluster sends the command.
    pub(crate) fn route(&self) -> Route {
        match self.target {
            Target::AnyNode => Route::AnyNode,
            Target::AllNodes => Route::AllNodes,
            _ => Route::FirstArgument,
        }
    }

    /// The command for a realm with this keyspace.
    pub(crate) fn command(&self, keyspace: &str) -> Cmd {
        let first = self.target.size() + keyspace.len();
        let mut command = Cmd::with_capacity(3 + self.words.0.len(), self.name.len() + first + self.words.size());
        command.write_arg(self.name.as_bytes());
        match &self.target {
            Target::Session(id, token) => {
                command.write_arg_fmt(format_args!("{keyspace}{id}"));
                command.write_arg(token.as_str().as_bytes());
            }
            Target::Key(id) => command.write_arg_fmt(format_args!("{keyspace}{id}")),
            Target::Owner(owner) => command.write_arg(owner.as_bytes()),
            Target::AnyNode | Target::AllNodes => {}
        }
        self.words.write_redis_args(&mut command);
        command
    }

    /// Reads the reply, which is not an error of the server.
    pub(crate) fn read(&self, reply: Reply) -> Result<R, Error> {
        (self.read)(reply)
    }

    fn new(name: &'static str, target: Target<'a>, words: Words, read: fn(Reply) -> Result<R, Error>) -> Call<'a, R> {
        Call { name, target, words, read }
    }

    fn in_realm(mut self, realm: &str) -> Call<'a, R> {
        self.words.pair("REALM", realm.to_owned());
        self
    }
}

fn of_session(token: &Token) -> Result<Target<'_>, Error> {
    Ok(Target::Session(token.session_id().ok_or_else(Error::no_id)?.into(), token))
}

/// The owner that the server is told.
pub(crate) fn to_server(owner: &str, cluster: bool) -> Result<String, Error> {
    if !cluster {
        return Ok(owner.to_owned());
    }
    if owner.starts_with(ANONYMOUS) {
        return Err(Error::BadOwner);
    }
    if !owner.is_empty() {
        return Ok(owner.to_owned());
    }
    // A RandomState is random. The text spreads sessions over the nodes and need not be a secret.
    let random = || RandomState::new().hash_one(ANONYMOUS);
    Ok(format!("{ANONYMOUS}{:016x}{:016x}", random(), random()))
}

/// The owner that the application sees.
pub(crate) fn from_server(owner: String, cluster: bool) -> String {
    if cluster && owner.starts_with(ANONYMOUS) { String::new() } else { owner }
}

/// `JRS.CREATE`. `owner` is what [`to_server`] returns.
pub(crate) fn create(
    owner: String,
    data: &(impl Serialize + ?Sized),
    options: &CreateOptions,
    realm: &str,
) -> Result<Call<'static, Token>, Error> {
    let mut words = Words(vec![to_object(&data)?.into()]);
    words.0.extend(options.words()?.0);
    Ok(Call::new("JRS.CREATE", Target::Owner(owner), words, reply::token).in_realm(realm))
}

/// A read of the data as a type.
pub(crate) fn read<'a, T: DeserializeOwned>(
    name: &'static str,
    token: &'a Token,
    max_auth_age: Option<u64>,
) -> Result<Call<'a, Option<Session<T>>>, Error> {
    Ok(Call::new(name, of_session(token)?, auth_age(max_auth_age), reply::session::<T>))
}

/// A read of the session with this id, with its claims and data as text.
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) fn read_raw<'a>(name: &'static str, token: &'a Token, id: &'a str) -> Call<'a, Option<RawSession>> {
    let words = Words(vec!["COMPACT".into()]);
    Call::new(name, Target::Session(id.into(), token), words, reply::raw_session)
}

fn auth_age(seconds: Option<u64>) -> Words {
    let mut words = Words::default();
    if let Some(seconds) = seconds {
        words.pair("MAXAUTHAGE", seconds.to_string());
    }
    words
}

/// A change of the data: `REPLACE`, `MERGE` or `PATCH`.
pub(crate) fn update<'a>(
    token: &'a Token,
    data: &(impl Serialize + ?Sized),
    mode: &'static str,
    options: &UpdateOptions,
) -> Result<Call<'a, Option<String>>, Error> {
    let text = match mode {
        // A patch is an array.
        "PATCH" => serde_json::to_string(data).map_err(|_| Error::NotAnObject)?,
        _ => to_object(&data)?,
    };
    let mut words = Words(vec![text.into()]);
    words.0.extend(options.words(mode).0);
    Ok(Call::new("JRS.UPDATE", of_session(token)?, words, reply::optional_text))
}

/// `JRS.TOUCH`, with `PX` if a ttl is given.
pub(crate) fn touch(token: &Token, ttl: Option<Duration>) -> Result<Call<'_, Option<Duration>>, Error> {
    let mut words = Words::default();
    if let Some(ttl) = ttl {
        words.ttl(ttl);
    }
    Ok(Call::new("JRS.TOUCH", of_session(token)?, words, reply::seconds))
}

/// `JRS.DESTROY`.
pub(crate) fn destroy(token: &Token) -> Result<Call<'_, bool>, Error> {
    Ok(Call::new("JRS.DESTROY", of_session(token)?, Words::default(), reply::flag))
}

/// `JRS.ROTATE`.
pub(crate) fn rotate<'a>(token: &'a Token, options: &RotateOptions) -> Result<Call<'a, Option<Token>>, Error> {
    Ok(Call::new("JRS.ROTATE", of_session(token)?, options.words()?, reply::optional_token))
}

/// `JRS.MINT`.
pub(crate) fn mint<'a>(token: &'a Token, options: &MintOptions) -> Result<Call<'a, Option<Token>>, Error> {
    Ok(Call::new("JRS.MINT", of_session(token)?, options.words()?, reply::optional_token))
}

/// `JRS.INSPECT`.
pub(crate) fn inspect(token: &Token) -> Result<Call<'_, Inspection>, Error> {
    Ok(Call::new("JRS.INSPECT", of_session(token)?, Words::default(), reply::inspection))
}

/// `JRS.LIST`.
pub(crate) fn list<T: DeserializeOwned>(
    owner: &str,
    options: &ListOptions,
    realm: &str,
) -> Call<'static, Vec<ListedSession<T>>> {
    Call::new("JRS.LIST", Target::Owner(owner.to_owned()), options.words(), reply::list::<T>).in_realm(realm)
}

/// `JRS.COUNT`.
pub(crate) fn count(owner: &str, realm: &str) -> Call<'static, u64> {
    Call::new("JRS.COUNT", Target::Owner(owner.to_owned()), Words::default(), reply::count).in_realm(realm)
}

/// `JRS.REVOKE`, by the id of a session.
pub(crate) fn revoke(id: &str) -> Call<'static, bool> {
    Call::new("JRS.REVOKE", Target::Key(id.to_owned()), Words::default(), reply::flag)
}

/// `JRS.DESTROYALL`, which keeps the session of the token `except`.
pub(crate) fn destroy_all(owner: &str, except: Option<&Token>, realm: &str) -> Call<'static, u64> {
    let mut words = Words::default();
    if let Some(token) = except {
        words.pair("EXCEPT", token.as_str().to_owned());
    }
    Call::new("JRS.DESTROYALL", Target::Owner(owner.to_owned()), words, reply::count).in_realm(realm)
}

/// `JRS.JWKS`.
pub(crate) fn jwks(realm: &str) -> Call<'static, String> {
    Call::new("JRS.JWKS", Target::AnyNode, Words::default(), reply::text).in_realm(realm)
}

/// `JRS.REALMS`.
pub(crate) fn realms() -> Call<'static, Vec<Realm>> {
    Call::new("JRS.REALMS", Target::AnyNode, Words::default(), reply::realms)
}

/// `JRS.RELOAD`, on every node.
pub(crate) fn reload() -> Call<'static, ()> {
    Call::new("JRS.RELOAD", Target::AllNodes, Words::default(), reply::done)
}

/// `JRS.ROTATEKEY`.
pub(crate) fn rotate_key(realm: &str) -> Call<'static, String> {
    Call::new("JRS.ROTATEKEY", Target::AnyNode, Words::default(), reply::text).in_realm(realm)
}

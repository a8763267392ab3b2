//! Errors: one for each first word that the server replies with.

use std::fmt;

use redis::{ErrorKind, RedisError};

/// Why a command failed. The variants of the server are its first words: only they are a contract, the sentences may
/// change. `Display` and `Debug` show no token and no session data.
///
/// ```
/// # async fn example(jrs: jrs_client::Jrs, token: jrs_client::Token) -> Result<(), jrs_client::Error> {
/// use jrs_client::Error;
///
/// match jrs.get::<serde_json::Value>(&token).await {
///     Ok(Some(session)) => println!("hello {}", session.owner),
///     Ok(None) | Err(Error::BadToken(_) | Error::ExpiredToken(_) | Error::Reused(_)) => println!("please log in"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Error {
    /// `BADTOKEN`: the token is not a session token of this server.
    BadToken(RedisError),
    /// `EXPIREDTOKEN`: the token's deadline has passed. Log in again.
    ExpiredToken(RedisError),
    /// `STALEAUTH`: the user authenticated longer ago than `max_age` seconds. Authenticate the user again.
    StaleAuth {
        /// The largest age in seconds that was asked for.
        max_age: Option<u64>,
        /// The reply of the server.
        source: RedisError,
    },
    /// `REUSED`: a rotated token was used again, and the session was destroyed. Treat it as a bad token.
    Reused(RedisError),
    /// `WRONGKEY`: the token is of another realm.
    WrongKey(RedisError),
    /// `BADDATA`: data, claims or a patch are not accepted.
    BadData(RedisError),
    /// `TOOBIG`: the data or the token is too large.
    TooBig(RedisError),
    /// `TOOMANY`: the owner has as many sessions as the realm allows.
    TooMany(RedisError),
    /// `CONFLICT`: the data does not have the given etag. Read it again.
    Conflict(RedisError),
    /// `NOKEYS`: the server has no key to sign or verify with.
    NoKeys(RedisError),
    /// `NOPERM`: the user of the connection lacks a permission.
    NoPermission(RedisError),
    /// `WRONGTYPE`: the session's key holds another type.
    WrongType(RedisError),
    /// `CROSSSLOT`: the new owner is in another slot of the cluster.
    CrossSlot(RedisError),
    /// `TRYAGAIN`: send the command again later.
    TryAgain(RedisError),
    /// `BUSY`: send the command again later.
    Busy(RedisError),
    /// Any other error of the server or of the connection. See [`RedisError::code`].
    Redis(RedisError),
    /// The server does not know the command: the module is not loaded.
    NoModule,
    /// The server does not have the realm of the client.
    NoRealm,
    /// The server replied with something else than its documentation says.
    BadReply,
    /// The given data or claims cannot be written as a JSON object.
    NotAnObject,
    /// The stored data does not fit the type of the application, or is nested deeper than 127, the limit of serde_json.
    WrongData {
        /// Where in the data, in lines; 0 if it is not known.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// The request has no session to act on.
    NoSession,
    /// The session expired or was destroyed. Nothing was written.
    SessionEnded,
    /// The session is anonymous: there is no owner to list, to log out or to sign an access token for.
    NoOwner,
    /// The owner begins with a text that this crate reserves in a cluster.
    BadOwner,
    /// The token does not fit into a cookie of 4,096 bytes, and the session was destroyed. Use fewer claims, more data.
    CookieTooLarge {
        /// The bytes of the cookie's name and value.
        size: usize,
    },
    /// The request did not pass through the layer of this crate.
    NoLayer,
}

/// Replies of a server that cannot execute commands at the moment. It usually recovers.
const UNAVAILABLE: [&str; 8] =
    ["CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "OOM", "READONLY", "UNBLOCKED"];

impl Error {
    /// The first word of the server's reply, such as `BADTOKEN`.
    pub fn code(&self) -> Option<&str> {
        match self {
            Error::NoModule => Some("ERR"),
            _ => self.redis().and_then(RedisError::code),
        }
    }

    /// Whether the server is not reachable or cannot execute commands at the moment. Other errors need a change of the
    /// program or of the server's configuration.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Error::TryAgain(_) | Error::Busy(_) => true,
            Error::Redis(error) => match error.code() {
                Some(code) => UNAVAILABLE.contains(&code),
                None => matches!(error.kind(), ErrorKind::Io | ErrorKind::ClusterConnectionNotFound),
            },
            _ => false,
        }
    }

    /// Whether the token does not lead to a session: the user must log in.
    pub fn is_token_refused(&self) -> bool {
        matches!(self, Error::BadToken(_) | Error::ExpiredToken(_) | Error::Reused(_) | Error::WrongKey(_))
    }

    fn redis(&self) -> Option<&RedisError> {
        match self {
            Error::BadToken(error)
            | Error::ExpiredToken(error)
            | Error::StaleAuth { source: error, .. }
            | Error::Reused(error)
            | Error::WrongKey(error)
            | Error::BadData(error)
            | Error::TooBig(error)
            | Error::TooMany(error)
            | Error::Conflict(error)
            | Error::NoKeys(error)
            | Error::NoPermission(error)
            | Error::WrongType(error)
            | Error::CrossSlot(error)
            | Error::TryAgain(error)
            | Error::Busy(error)
            | Error::Redis(error) => Some(error),
            _ => None,
        }
    }

    /// Adds the largest age that was asked for.
    pub(crate) fn with_max_age(self, seconds: u64) -> Error {
        match self {
            Error::StaleAuth { source, .. } => Error::StaleAuth { max_age: Some(seconds), source },
            error => error,
        }
    }

    /// For a token without an id, which the server would refuse too.
    pub(crate) fn no_id() -> Error {
        Error::BadToken((ErrorKind::Client, "the token has no claim 'jti'").into())
    }
}

impl From<RedisError> for Error {
    fn from(error: RedisError) -> Error {
        // The server repeats the arguments of a command that it does not know: the token and the data.
        if error.detail().is_some_and(|detail| detail.contains("with args beginning with")) {
            return Error::NoModule;
        }
        // In a cluster, redis-rs sends a command again before it reports TRYAGAIN.
        let variant = match error.code() {
            Some("BADTOKEN") => Error::BadToken,
            Some("EXPIREDTOKEN") => Error::ExpiredToken,
            Some("STALEAUTH") => return Error::StaleAuth { max_age: None, source: error },
            Some("REUSED") => Error::Reused,
            Some("WRONGKEY") => Error::WrongKey,
            Some("BADDATA") => Error::BadData,
            Some("TOOBIG") => Error::TooBig,
            Some("TOOMANY") => Error::TooMany,
            Some("CONFLICT") => Error::Conflict,
            Some("NOKEYS") => Error::NoKeys,
            Some("NOPERM") => Error::NoPermission,
            Some("WRONGTYPE") => Error::WrongType,
            Some("CROSSSLOT") => Error::CrossSlot,
            Some("TRYAGAIN") => Error::TryAgain,
            Some("BUSY") => Error::Busy,
            _ => Error::Redis,
        };
        variant(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = self.redis() {
            return match (error.code(), error.detail()) {
                // As the server has written it.
                (Some(code), Some(detail)) => write!(f, "{code} {detail}"),
                _ => error.fmt(f),
            };
        }
        match self {
            Error::NoModule => f.write_str("the server does not know the command: load the module libjrs.so"),
            Error::NoRealm => f.write_str("the server has no such realm: add it to the file of jrs.realms-file"),
            Error::NotAnObject => f.write_str("serde cannot write the data or claims as a JSON object"),
            // serde's message would repeat the data.
            Error::WrongData { line, column } => {
                write!(f, "the stored data does not fit the type (line {line}, column {column})")
            }
            Error::NoSession => f.write_str("the request has no session"),
            Error::SessionEnded => f.write_str("the session expired or was destroyed; nothing was written"),
            Error::NoOwner => f.write_str("the session has no owner"),
            Error::BadOwner => f.write_str("in a cluster, an owner must not begin with 'anonymous:'"),
            Error::CookieTooLarge { size } => write!(
                f,
                "the cookie has {size} bytes, and browsers keep only 4096: use fewer claims and more data. The session was destroyed"
            ),
            Error::NoLayer => f.write_str("the request did not pass through SessionLayer: add it to the router"),
            _ => f.write_str("the server's reply has an unknown form"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.redis().map(|error| error as _)
    }
}

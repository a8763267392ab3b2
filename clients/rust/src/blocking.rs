//! The same client without a runtime.

use std::{
    fmt,
    time::{Duration, Instant},
};

use redis::{Cmd, RedisResult, Value as Reply};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    CreateOptions, Error, Inspection, ListOptions, ListedSession, MintOptions, Realm, RotateOptions, Session, Token,
    UpdateOptions,
    call::{self, Call},
    methods::methods,
    route::checked,
};

/// The shortest time between two requests for the realms because of `WRONGKEY`, which tokens of other realms cause too.
const MIN_REFRESH: Duration = Duration::from_secs(1);

/// A connection of redis-rs: [`redis::Connection`], a cluster's, or a mutable reference to one, such as of a pool.
pub trait Connection: sealed::Sealed {
    #[doc(hidden)]
    fn is_cluster(&self) -> bool;

    #[doc(hidden)]
    fn send(&mut self, command: &Cmd, route: sealed::Destination) -> RedisResult<Reply>;
}

mod sealed {
    /// Where a client of a cluster sends the command.
    #[derive(Clone, Copy)]
    #[cfg_attr(not(feature = "cluster"), expect(dead_code, reason = "one server has no routes"))]
    pub struct Destination(pub(super) crate::route::Route);

    /// Applications cannot implement the trait.
    pub trait Sealed {}
    impl Sealed for redis::Connection {}
    #[cfg(feature = "cluster")]
    impl Sealed for redis::cluster::ClusterConnection {}
    impl<C: Sealed> Sealed for &mut C {}
}

impl Connection for redis::Connection {
    fn is_cluster(&self) -> bool {
        false
    }

    fn send(&mut self, command: &Cmd, _: sealed::Destination) -> RedisResult<Reply> {
        redis::ConnectionLike::req_command(self, command)
    }
}

#[cfg(feature = "cluster")]
impl Connection for redis::cluster::ClusterConnection {
    fn is_cluster(&self) -> bool {
        true
    }

    fn send(&mut self, command: &Cmd, destination: sealed::Destination) -> RedisResult<Reply> {
        match crate::route::routing(destination.0) {
            None => redis::ConnectionLike::req_command(self, command),
            Some(routing) => self.route_command(command, routing),
        }
    }
}

impl<C: Connection> Connection for &mut C {
    fn is_cluster(&self) -> bool {
        C::is_cluster(self)
    }

    fn send(&mut self, command: &Cmd, destination: sealed::Destination) -> RedisResult<Reply> {
        C::send(self, command, destination)
    }
}

/// A client of the sessions of one realm. Its methods are those of [`Jrs`](crate::Jrs), which has their documentation.
///
/// ```
/// # fn example() -> Result<(), jrs_client::Error> {
/// let client = redis::Client::open("redis://127.0.0.1:6379")?;
/// let mut jrs = jrs_client::blocking::Jrs::new(client.get_connection()?);
///
/// let token = jrs.create("user:42", &serde_json::json!({"cart": []}))?;
/// assert_eq!(jrs.count("user:42")?, 1);
/// jrs.destroy(&token)?;
/// # Ok(())
/// # }
/// ```
pub struct Jrs<C> {
    connection: C,
    realm: String,
    keyspace: Option<(String, Instant)>,
}

impl<C: Connection> Jrs<C> {
    /// A client of the realm `default`.
    pub fn new(connection: C) -> Jrs<C> {
        Jrs { connection, realm: "default".to_owned(), keyspace: None }
    }

    /// The same connection with another realm.
    pub fn with_realm(self, name: &str) -> Jrs<C> {
        Jrs { connection: self.connection, realm: name.to_owned(), keyspace: None }
    }

    methods!([] [mut] []);

    fn is_cluster(&self) -> bool {
        self.connection.is_cluster()
    }

    fn realm_name(&self) -> &str {
        &self.realm
    }

    fn session<T>(&mut self, call: &Call<'_, Option<Session<T>>>) -> Result<Option<Session<T>>, Error> {
        let session = self.send(call)?;
        let cluster = self.is_cluster();
        Ok(session.map(|session| Session { owner: call::from_server(session.owner, cluster), ..session }))
    }

    fn send<R>(&mut self, call: &Call<'_, R>) -> Result<R, Error> {
        if !call.has_key() {
            return call.read(self.request(call, "")?);
        }
        let keyspace = self.keyspace_no_older_than(Duration::MAX)?;
        let reply = match self.request(call, &keyspace) {
            Err(Error::WrongKey(error)) => {
                // The keyspace may have changed. If not, the token is of another realm.
                let newer = self.keyspace_no_older_than(MIN_REFRESH)?;
                if newer == keyspace {
                    return Err(Error::WrongKey(error));
                }
                self.request(call, &newer)
            }
            reply => reply,
        };
        call.read(reply?)
    }

    fn request<R>(&mut self, call: &Call<'_, R>, keyspace: &str) -> Result<Reply, Error> {
        checked(self.connection.send(&call.command(keyspace), sealed::Destination(call.route())))
    }

    fn keyspace_no_older_than(&mut self, age: Duration) -> Result<String, Error> {
        if let Some((keyspace, since)) = &self.keyspace
            && since.elapsed() <= age
        {
            return Ok(keyspace.clone());
        }
        let realms = self.realms()?;
        let realm = realms.into_iter().find(|realm| realm.name == self.realm).ok_or(Error::NoRealm)?;
        self.keyspace = Some((realm.keyspace.clone(), Instant::now()));
        Ok(realm.keyspace)
    }
}

impl<C> fmt::Debug for Jrs<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jrs").field("realm", &self.realm).finish_non_exhaustive()
    }
}

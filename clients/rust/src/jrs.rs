//! The asynchronous client.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use redis::Value as Reply;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Connection, CreateOptions, Error, Inspection, ListOptions, ListedSession, MintOptions, Realm, RotateOptions,
    Session, Token, UpdateOptions,
    call::{self, Call},
    methods::methods,
};
#[cfg(any(feature = "axum", feature = "actix"))]
use crate::{session::RawSession, token::Origin};

/// The shortest time between two requests for the realms because of `WRONGKEY`, which tokens of other realms cause too.
const MIN_REFRESH: Duration = Duration::from_secs(1);

/// A client of the sessions of one realm. Clones share the connection.
///
/// Each method is one command; the first also asks for the realm's keyspace (`JRS.REALMS`). In a cluster, each command
/// goes to the node of its session or owner.
///
/// ```
/// use jrs_client::{Error, Jrs};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Cart {
///     cart: Vec<String>,
/// }
///
/// # async fn example() -> Result<(), Error> {
/// let client = redis::Client::open("redis://127.0.0.1:6379")?;
/// let jrs = Jrs::new(client.get_connection_manager().await?);
///
/// let token = jrs.create("user:42", &Cart { cart: vec![] }).await?;
/// let session = jrs.get::<Cart>(&token).await?.expect("it was just created");
/// assert_eq!(session.owner, "user:42");
/// jrs.destroy(&token).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Jrs {
    connection: Connection,
    realm: Arc<CachedRealm>,
}

/// The realm of the client, which is asked for once.
struct CachedRealm {
    name: String,
    known: RwLock<Option<(Arc<Realm>, Instant)>>,
    /// Held while the server is asked, so that parallel requests ask once.
    asking: tokio::sync::Mutex<()>,
}

impl Jrs {
    /// A client of the realm `default`.
    pub fn new(connection: impl Into<Connection>) -> Jrs {
        Jrs { connection: connection.into(), realm: CachedRealm::new("default") }
    }

    /// The same connection with another realm. Tokens of other realms are [`Error::WrongKey`].
    pub fn with_realm(self, name: &str) -> Jrs {
        Jrs { connection: self.connection, realm: CachedRealm::new(name) }
    }

    methods!([async] [] [.await]);

    /// Whether owners decide on nodes, and every session needs one.
    pub(crate) fn is_cluster(&self) -> bool {
        self.connection.is_cluster()
    }

    fn realm_name(&self) -> &str {
        &self.realm.name
    }

    async fn session<T>(&self, call: &Call<'_, Option<Session<T>>>) -> Result<Option<Session<T>>, Error> {
        let cluster = self.connection.is_cluster();
        let session = self.send(call).await?;
        Ok(session.map(|session| Session { owner: call::from_server(session.owner, cluster), ..session }))
    }

    async fn send<R>(&self, call: &Call<'_, R>) -> Result<R, Error> {
        if !call.has_key() {
            return call.read(self.connection.send(&call.command(""), call.route()).await?);
        }
        let realm = self.realm_no_older_than(Duration::MAX).await?;
        let reply = match self.request(call, &realm).await {
            Err(Error::WrongKey(error)) => {
                // The keyspace may have changed. If not, the token is of another realm.
                let newer = self.realm_no_older_than(MIN_REFRESH).await?;
                if newer.keyspace == realm.keyspace {
                    return Err(Error::WrongKey(error));
                }
                self.request(call, &newer).await
            }
            reply => reply,
        };
        call.read(reply?)
    }

    async fn request<R>(&self, call: &Call<'_, R>, realm: &Realm) -> Result<Reply, Error> {
        self.connection.send(&call.command(&realm.keyspace), call.route()).await
    }

    /// The realm of this client, as the server described it at most `age` ago.
    pub(crate) async fn realm_no_older_than(&self, age: Duration) -> Result<Arc<Realm>, Error> {
        if let Some(realm) = self.realm.known(age) {
            return Ok(realm);
        }
        let _asking = self.realm.asking.lock().await;
        if let Some(realm) = self.realm.known(age) {
            return Ok(realm);
        }
        let call = call::realms();
        let realms = call.read(self.connection.send(&call.command(""), call.route()).await?)?;
        let realm = realms.into_iter().find(|realm| realm.name == self.realm.name).ok_or(Error::NoRealm)?;
        let realm = Arc::new(realm);
        let known = (Arc::clone(&realm), Instant::now());
        *self.realm.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(realm)
    }
}

/// What the web parts of this crate need.
#[cfg(any(feature = "axum", feature = "actix"))]
impl Jrs {
    /// Reads a session by `JRS.GET` or `JRS.PEEK`, with its claims and data as text. Also returns what the token says.
    pub(crate) async fn read_raw(
        &self,
        name: &'static str,
        token: &Token,
    ) -> Result<Option<(RawSession, Origin)>, Error> {
        let origin = token.origin().ok_or_else(Error::no_id)?;
        let session = self.send(&call::read_raw(name, token, &origin.id)).await?;
        let Some(mut session) = session else { return Ok(None) };
        session.owner = call::from_server(session.owner, self.is_cluster());
        Ok(Some((session, origin)))
    }
}

impl fmt::Debug for Jrs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jrs").field("realm", &self.realm.name).finish_non_exhaustive()
    }
}

impl CachedRealm {
    fn new(name: &str) -> Arc<CachedRealm> {
        let (known, asking) = (RwLock::new(None), tokio::sync::Mutex::new(()));
        Arc::new(CachedRealm { name: name.to_owned(), known, asking })
    }

    fn known(&self, age: Duration) -> Option<Arc<Realm>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .as_ref()
            .filter(|(_, since)| age == Duration::MAX || since.elapsed() <= age)
            .map(|(realm, _)| Arc::clone(realm))
    }
}

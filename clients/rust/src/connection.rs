//! The asynchronous connections of redis-rs that a client can have.

#[cfg(feature = "cluster")]
use redis::aio::ConnectionLike;
use redis::{
    Cmd, Value as Reply,
    aio::{ConnectionManager, MultiplexedConnection},
};

#[cfg(feature = "cluster")]
use crate::route::routing;
use crate::{
    Error,
    route::{Route, checked},
};

/// An asynchronous connection of redis-rs. Clones share it.
#[derive(Clone)]
#[non_exhaustive]
pub enum Connection {
    /// One server. It reconnects by itself: the usual choice.
    Manager(ConnectionManager),
    /// One server. It does not reconnect.
    Multiplexed(MultiplexedConnection),
    /// A cluster.
    #[cfg(feature = "cluster")]
    Cluster(redis::cluster_async::ClusterConnection),
}

impl From<ConnectionManager> for Connection {
    fn from(connection: ConnectionManager) -> Connection {
        Connection::Manager(connection)
    }
}

impl From<MultiplexedConnection> for Connection {
    fn from(connection: MultiplexedConnection) -> Connection {
        Connection::Multiplexed(connection)
    }
}

#[cfg(feature = "cluster")]
impl From<redis::cluster_async::ClusterConnection> for Connection {
    fn from(connection: redis::cluster_async::ClusterConnection) -> Connection {
        Connection::Cluster(connection)
    }
}

impl Connection {
    /// Whether owners decide on nodes, and every session needs one.
    pub(crate) fn is_cluster(&self) -> bool {
        match self {
            Connection::Manager(_) | Connection::Multiplexed(_) => false,
            #[cfg(feature = "cluster")]
            Connection::Cluster(_) => true,
        }
    }

    /// Sends a command. Errors of the server are errors here.
    #[cfg_attr(not(feature = "cluster"), expect(unused_variables, reason = "only a cluster has routes"))]
    pub(crate) async fn send(&self, command: &Cmd, route: Route) -> Result<Reply, Error> {
        // A clone is a sender of a channel: the commands of all requests share the connection.
        let reply = match self {
            // `ConnectionLike` would allocate the future.
            Connection::Manager(connection) => connection.clone().send_packed_command(command).await,
            Connection::Multiplexed(connection) => connection.clone().send_packed_command(command).await,
            #[cfg(feature = "cluster")]
            Connection::Cluster(connection) => match routing(route) {
                None => connection.clone().req_packed_command(command).await,
                Some(routing) => connection.clone().route_command(command.clone(), routing).await,
            },
        };
        checked(reply)
    }
}

//! Where commands go, and the errors that come back.

use redis::{RedisError, Value as Reply};

use crate::Error;

/// Where a client of a cluster sends a command.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Route {
    /// To the node of the first argument.
    FirstArgument,
    /// A node that redis-rs chooses.
    AnyNode,
    /// Every node. The command fails if one of them fails.
    AllNodes,
}

/// Errors of the server are values in some replies.
pub(crate) fn checked(reply: Result<Reply, RedisError>) -> Result<Reply, Error> {
    match reply? {
        Reply::ServerError(error) => Err(RedisError::from(error).into()),
        reply => Ok(reply),
    }
}

/// Where redis-rs cannot find the node by itself.
#[cfg(feature = "cluster")]
pub(crate) fn routing(route: Route) -> Option<redis::cluster_routing::RoutingInfo> {
    use redis::cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo, SingleNodeRoutingInfo};
    match route {
        Route::FirstArgument => None,
        Route::AnyNode => Some(RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random)),
        Route::AllNodes => {
            Some(RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllNodes, Some(ResponsePolicy::AllSucceeded))))
        }
    }
}

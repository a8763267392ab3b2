import { type CallbackClient, callbackConnection, isCallbackClient } from "./node-redis-callbacks.js";
import type { Connection } from "./connection.js";
import { type IoredisClient, ioredisConnection, isIoredisClient } from "./ioredis.js";
import { type IoredisCluster, ioredisClusterConnection, isIoredisCluster } from "./ioredis-cluster.js";
import { type NodeRedisClient, isNodeRedisClient, nodeRedisConnection } from "./node-redis.js";
import { type NodeRedisCluster, isNodeRedisCluster, nodeRedisClusterConnection } from "./node-redis-cluster.js";

export type { Connection } from "./connection.js";

/** The clients that this package works with: of `redis` (node-redis) 2 and later, and of `ioredis`. */
export type RedisClient = CallbackClient | NodeRedisClient | NodeRedisCluster | IoredisClient | IoredisCluster;

/**
 * Tells by its methods which library a client is of: the client is the application's, and so is the library.
 *
 * @throws TypeError if it is of none that this package knows.
 */
export function connectionOf(client: object): Connection {
  // Clusters first, and callbacks before promises: a client may have the methods of the next as well.
  if (isIoredisCluster(client)) return ioredisClusterConnection(client);
  if (isIoredisClient(client)) return ioredisConnection(client);
  if (isCallbackClient(client)) return callbackConnection(client);
  refuseLookalikes(client);
  if (isNodeRedisCluster(client)) return nodeRedisClusterConnection(client);
  if (isNodeRedisClient(client)) return nodeRedisConnection(client);
  throw new TypeError("jrs-session: the client is none of redis (node-redis) or ioredis");
}

/** Some of `redis` 5 and later have a `sendCommand`, too, which takes or answers something else. */
function refuseLookalikes(client: object): void {
  if ("getMasterNode" in client) {
    const instead = "pass a client of ioredis that was made with 'sentinels'";
    throw new TypeError(`jrs-session: clients that createSentinel has made are not supported: ${instead}`);
  }
  if ("multi" in client && !("connect" in client)) {
    throw new TypeError("jrs-session: pass the client itself, not what its legacy() answers with");
  }
}

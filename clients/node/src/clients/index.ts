import type { Connection } from "./connection.js";
import { type IoredisClient, ioredisConnection, isIoredisClient } from "./ioredis.js";
import { type IoredisCluster, ioredisClusterConnection, isIoredisCluster } from "./ioredis-cluster.js";
import { isNodeRedisClient, type NodeRedisClient, nodeRedisConnection } from "./node-redis.js";
import { type CallbackClient, callbackConnection, isCallbackClient } from "./node-redis-callbacks.js";
import { isNodeRedisCluster, type NodeRedisCluster, nodeRedisClusterConnection } from "./node-redis-cluster.js";
import { isNodeRedisSentinel, type NodeRedisSentinel, nodeRedisSentinelConnection } from "./node-redis-sentinel.js";

export type { Connection } from "./connection.js";

/**
 * The supported clients: those of `redis` (node-redis) 2 and later, and of `ioredis`.
 *
 * @example
 * ```js
 * const client = new Redis(); // ioredis; for redis: createClient() and await client.connect()
 * app.use(jrsSession({ client }));
 * ```
 */
export type RedisClient =
  | CallbackClient
  | NodeRedisClient
  | NodeRedisCluster
  | NodeRedisSentinel
  | IoredisClient
  | IoredisCluster;

/**
 * Detects the library of a client by its methods: this package does not depend on the libraries, so it cannot use
 * `instanceof`.
 *
 * @throws TypeError if the client is not supported
 */
export function connectionOf(client: object): Connection {
  // The order matters: clusters also have methods of clients, and clients with callbacks also have those with promises.
  if (isIoredisCluster(client)) return ioredisClusterConnection(client);
  if (isIoredisClient(client)) return ioredisConnection(client);
  if (isCallbackClient(client)) return callbackConnection(client);
  refuseLegacyClients(client);
  if (isNodeRedisSentinel(client)) return nodeRedisSentinelConnection(client);
  if (isNodeRedisCluster(client)) return nodeRedisClusterConnection(client);
  if (isNodeRedisClient(client)) return nodeRedisConnection(client);
  throw new TypeError("jrs-session: the client must be a client of redis (node-redis) or ioredis");
}

/** Refuses the result of `legacy()` of `redis` 5 and later: its `sendCommand` takes a callback. */
function refuseLegacyClients(client: object): void {
  if ("multi" in client && !("connect" in client)) {
    throw new TypeError("jrs-session: pass the client itself, not the result of its legacy()");
  }
}

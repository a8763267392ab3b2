/** The Redis clients that applications use, created as in their documentation. */
import { createRequire } from "node:module";
import Ioredis5 from "ioredis-5";
import { Redis as Ioredis6, Cluster as Ioredis6Cluster } from "ioredis-6";
import * as redis4 from "redis-4";
import * as redis5 from "redis-5";
import * as redis6 from "redis-6";

const require = createRequire(import.meta.url);
const redis2 = require("redis-2");
const redis3 = require("redis-3");

const host = "127.0.0.1";

/** Ignores connection errors, which are expected because tests stop servers. Without a listener, clients throw them. */
function quiet(client) {
  client.on("error", () => undefined);
  return client;
}

function callbacks({ createClient }, options = {}) {
  return async (port) => {
    const client = quiet(createClient({ port, host, ...options }));
    return { client, close: () => client.end(false) };
  };
}

function nodeRedis({ createClient }, options = {}, close = "destroy") {
  return async (port) => {
    const client = quiet(createClient({ socket: { port, host }, ...options }));
    await client.connect();
    return { client, close: () => client[close]() };
  };
}

function pool({ createClientPool }) {
  return async (port) => {
    const client = quiet(createClientPool({ socket: { port, host } }));
    await client.connect();
    return { client, close: () => client.destroy() };
  };
}

function ioredis(Redis, options = {}) {
  return async (port) => {
    const client = quiet(new Redis({ port, host, ...options }));
    return { client, close: () => client.disconnect() };
  };
}

function nodeRedisCluster({ createCluster }, options = {}, close = "destroy") {
  return async (ports) => {
    const rootNodes = ports.map((port) => ({ socket: { port, host } }));
    const client = quiet(createCluster({ rootNodes, ...options }));
    await client.connect();
    return { client, close: () => client[close]() };
  };
}

function ioredisCluster(Cluster, options = {}) {
  return async (ports) => {
    const client = quiet(
      new Cluster(
        ports.map((port) => ({ port, host })),
        options,
      ),
    );
    return { client, close: () => client.disconnect() };
  };
}

/** Replaces the sentences of server errors of a node-redis client: programs may rely on the first word only. */
export function withoutSentences(client) {
  const send = client.sendCommand.bind(client);
  client.sendCommand = (...words) =>
    send(...words).catch((error) => {
      throw Object.assign(error, { message: error.message.replace(/^([A-Z]+) .*$/, "$1 (a sentence)") });
    });
  return client;
}

/** By name: connects to the server on a port. Resolves to the client and a function that closes it. */
export const STANDALONE = {
  "redis 2": callbacks(redis2),
  "redis 2 with a prefix": callbacks(redis2, { prefix: "app:" }),
  "redis 3": callbacks(redis3),
  "redis 3 with a prefix": callbacks(redis3, { prefix: "app:", retry_unfulfilled_commands: true }),
  "redis 4": nodeRedis(redis4, {}, "disconnect"),
  "redis 4 in legacy mode": nodeRedis(redis4, { legacyMode: true }, "disconnect"),
  "redis 5": nodeRedis(redis5),
  "redis 5 with RESP3": nodeRedis(redis5, { RESP: 3 }),
  "redis 6": nodeRedis(redis6),
  "redis 6 with RESP2": nodeRedis(redis6, { RESP: 2 }),
  "redis 6, a pool": pool(redis6),
  "ioredis 5": ioredis(Ioredis5),
  "ioredis 5 with pipelines and a prefix": ioredis(Ioredis5, { enableAutoPipelining: true, keyPrefix: "app:" }),
  "ioredis 6": ioredis(Ioredis6),
  "ioredis 6 with maps": ioredis(Ioredis6, { replyMapping: "resp3" }),
};

/** By name: connects to the cluster whose nodes have these ports. Resolves to the same. */
export const CLUSTER = {
  "redis 4": nodeRedisCluster(redis4, {}, "disconnect"),
  "redis 5": nodeRedisCluster(redis5),
  "redis 5 with RESP3": nodeRedisCluster(redis5, { RESP: 3 }),
  "redis 6": nodeRedisCluster(redis6),
  "ioredis 5": ioredisCluster(Ioredis5.Cluster),
  "ioredis 5 with pipelines and a prefix": ioredisCluster(Ioredis5.Cluster, {
    enableAutoPipelining: true,
    keyPrefix: "app:",
  }),
  "ioredis 6": ioredisCluster(Ioredis6Cluster),
};

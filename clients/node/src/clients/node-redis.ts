import type { Connection } from "./connection.js";

/** A client or a client pool of `redis` 4 and later. */
export interface NodeRedisClient {
  sendCommand(command: string[]): Promise<unknown>;
}

/** A client of `redis` 4 with `legacyMode`. Its methods that return promises are in `v4`. */
interface LegacyModeClient {
  readonly v4: NodeRedisClient;
}

/** Whether this has the method of a client of `redis` 4 and later. Clusters have it too: exclude them before. */
export function isNodeRedisClient(client: object): client is NodeRedisClient {
  return "sendCommand" in client;
}

/** The connection of a client or a client pool, with or without `legacyMode`. */
export function nodeRedisConnection(client: NodeRedisClient): Connection {
  const promises = isInLegacyMode(client) ? client.v4 : client;
  return {
    cluster: false,
    send: (command) => promises.sendCommand(command),
  };
}

function isInLegacyMode(client: object): client is LegacyModeClient {
  try {
    return "v4" in client && typeof client.v4 === "object";
  } catch {
    return false; // the getter throws without legacyMode
  }
}

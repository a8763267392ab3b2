import type { Connection } from "./connection.js";

/** A client that `createCluster` of `redis` 4 and later has made. */
export interface NodeRedisCluster {
  readonly masters: readonly unknown[];
  sendCommand(firstKey: string | undefined, isReadonly: boolean, command: string[]): Promise<unknown>;
}

export function isNodeRedisCluster(client: object): client is NodeRedisCluster {
  return "sendCommand" in client && "masters" in client;
}

export function nodeRedisClusterConnection(cluster: NodeRedisCluster): Connection {
  return {
    cluster: true,
    // Never "readonly": a replica may not know yet what its master has just answered.
    send: (command, key) => cluster.sendCommand(key, false, command),
  };
}

import type { Connection } from "./connection.js";

/** A client of `createCluster` of `redis` 4 and later. */
export interface NodeRedisCluster {
  readonly masters: readonly unknown[];
  readonly slots: readonly unknown[];
  sendCommand(firstKey: string | undefined, isReadonly: boolean, command: string[]): Promise<unknown>;
}

/** Whether this is a client of `createCluster`. */
export function isNodeRedisCluster(client: object): client is NodeRedisCluster {
  return "sendCommand" in client && "masters" in client;
}

/** The connection of a client of `createCluster`. */
export function nodeRedisClusterConnection(cluster: NodeRedisCluster): Connection {
  return {
    cluster: true,
    send: async (command, key) => {
      // Without a known node, version 4 would search for one in an endless loop and block the process.
      if (cluster.masters.length === 0) throw new Error("the client has not reached the cluster");
      // isReadonly is false for reads too: a replica may not have a session yet that its master has just created.
      return cluster.sendCommand(key, false, command).catch(explainError(cluster));
    },
  };
}

/** If no node serves the slot of a key, `redis` throws a TypeError instead of a `CLUSTERDOWN` of the server. */
function explainError(cluster: NodeRedisCluster): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof TypeError && cluster.slots.includes(undefined))) throw error;
    throw new Error("no node of the cluster serves the session's slot", { cause: error });
  };
}

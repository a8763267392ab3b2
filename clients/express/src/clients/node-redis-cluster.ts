import type { Connection } from "./connection.js";

/** A client that `createCluster` of `redis` 4 and later has made. */
export interface NodeRedisCluster {
  readonly masters: readonly unknown[];
  readonly slots: readonly unknown[];
  sendCommand(firstKey: string | undefined, isReadonly: boolean, command: string[]): Promise<unknown>;
}

export function isNodeRedisCluster(client: object): client is NodeRedisCluster {
  return "sendCommand" in client && "masters" in client;
}

export function nodeRedisClusterConnection(cluster: NodeRedisCluster): Connection {
  return {
    cluster: true,
    send: async (command, key) => {
      // Where it knows no node, version 4 would look for one without an end, and the process would stand still.
      if (cluster.masters.length === 0) throw new Error("the client has not reached the cluster");
      // Never "readonly": a replica may not know yet what its master has just answered.
      return cluster.sendCommand(key, false, command).catch(explain(cluster));
    },
  };
}

/** At a key whose slot no node serves, `redis` throws a TypeError, where the server itself would say `CLUSTERDOWN`. */
function explain(cluster: NodeRedisCluster): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof TypeError && cluster.slots.includes(undefined))) throw error;
    throw new Error("no node of the cluster serves the session's slot", { cause: error });
  };
}

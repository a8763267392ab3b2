import type { Connection } from "./connection.js";

/** A client of `createSentinel` of `redis` 5 and later. */
export interface NodeRedisSentinel {
  getMasterNode(): unknown;
  sendCommand(isReadonly: boolean | undefined, command: string[]): Promise<unknown>;
}

/** Whether this is a client of `createSentinel`. */
export function isNodeRedisSentinel(client: object): client is NodeRedisSentinel {
  return "sendCommand" in client && "getMasterNode" in client;
}

/** The connection of a client of `createSentinel`: to the primary that the Sentinels name. */
export function nodeRedisSentinelConnection(sentinel: NodeRedisSentinel): Connection {
  return {
    cluster: false,
    // isReadonly is false for reads too: a replica may not have a session yet that its primary has just created.
    send: (command) => sentinel.sendCommand(false, command),
  };
}

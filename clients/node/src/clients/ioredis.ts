import type { Connection } from "./connection.js";

/** A client of `ioredis` for one server. */
export interface IoredisClient {
  call(name: string, ...args: string[]): Promise<unknown>;
}

/** Whether this is a client of `ioredis`, for one server or a cluster. */
export function isIoredisClient(client: object): client is IoredisClient {
  return "call" in client && "createBuiltinCommand" in client;
}

/** The connection of a client for one server. */
export function ioredisConnection(client: IoredisClient): Connection {
  return {
    cluster: false,
    send: ([name, ...args]) => client.call(name, ...args),
  };
}

import { SessionError } from "../errors.js";
import type { Connection } from "./connection.js";

/** A client of `redis` 4 and later: it is not open until the application connects it, nor after it has closed it. */
interface Opened {
  readonly isOpen: boolean;
  once?(event: string, listener: () => void): unknown;
}

/** The clients that were seen open at some time. Weak: middlewares do not keep clients. */
const opened = new WeakSet<object>();

/** The clients that tell when they are connected: one listener each, however many middlewares use the client. */
const watched = new WeakSet<object>();

/**
 * The same connection, except that it says so when the application has never connected its client: no waiting mends
 * that, so it is not Redis that fails. Clients of `redis` 2 and 3 and of `ioredis` connect by themselves.
 */
export function withConnectionCheck(client: object, connection: Connection): Connection {
  if (!hasToBeOpened(client)) return connection;
  watch(client);
  return {
    cluster: connection.cluster,
    send: async (command, key) => {
      if (client.isOpen) opened.add(client);
      try {
        return await connection.send(command, key);
      } catch (error) {
        if (client.isOpen || opened.has(client)) throw error;
        throw new SessionError("NOT_CONNECTED", "the Redis client was never connected: await client.connect() first");
      }
    },
  };
}

function hasToBeOpened(client: object): client is Opened {
  return "isOpen" in client && typeof client.isOpen === "boolean";
}

function watch(client: Opened): void {
  if (client.isOpen) opened.add(client);
  if (watched.has(client) || opened.has(client)) return;
  watched.add(client);
  for (const event of ["connect", "ready"]) client.once?.(event, () => opened.add(client));
}

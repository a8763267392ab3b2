import type { Connection } from "./connection.js";
import { bypassPrefix, type PrefixInternals } from "./node-redis-prefix.js";

/** A client of `redis` 2 or 3, as `@types/redis` declares it. */
export interface CallbackClient {
  send_command(name: string, args: string[], callback: (error: Error | null, reply: unknown) => void): unknown;
}

/**
 * Whether this is a client of `redis` 2 or 3. Other clients with callbacks do not have the internals, so they identify the
 * library.
 */
export function isCallbackClient(client: object): client is CallbackClient & PrefixInternals {
  return "send_command" in client && "internal_send_command" in client;
}

/** The connection of a client of `redis` 2 or 3. */
export function callbackConnection(client: CallbackClient & PrefixInternals): Connection {
  bypassPrefix(client);
  return {
    cluster: false,
    send: ([name, ...args]) =>
      new Promise((resolve, reject) => {
        client.send_command(name, args, (error, reply) => (error ? reject(error) : resolve(reply)));
      }),
  };
}

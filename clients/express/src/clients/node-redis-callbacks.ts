import type { Connection } from "./connection.js";
import { bypassPrefix } from "./node-redis-prefix.js";

/** A client of `redis` 2 or 3, as far as `@types/redis` declares it. */
export interface CallbackClient {
  send_command(name: string, args: string[], callback: (error: Error | null, reply: unknown) => void): unknown;
}

/** The same client, with what nobody declares: by that, it is told from others that have callbacks. */
export interface CallbackClientInside extends CallbackClient {
  options: { prefix?: string | null | undefined };
  internal_send_command(command: { command: string }): unknown;
}

export function isCallbackClient(client: object): client is CallbackClientInside {
  return "send_command" in client && "internal_send_command" in client;
}

export function callbackConnection(client: CallbackClientInside): Connection {
  bypassPrefix(client);
  return {
    cluster: false,
    send: ([name, ...args]) =>
      new Promise((resolve, reject) => {
        client.send_command(name, args, (error, reply) => (error ? reject(error) : resolve(reply)));
      }),
  };
}

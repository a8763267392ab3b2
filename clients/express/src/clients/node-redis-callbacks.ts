import type { Connection } from "./connection.js";

/** A client of `redis` 2 or 3. */
export interface CallbackClient {
  send_command(name: string, args: string[], callback: (error: Error | null, reply: unknown) => void): unknown;
  internal_send_command(command: never): unknown;
}

export function isCallbackClient(client: object): client is CallbackClient {
  return "internal_send_command" in client;
}

export function callbackConnection(client: CallbackClient): Connection {
  return {
    cluster: false,
    send: ([name, ...args]) =>
      new Promise((resolve, reject) => {
        client.send_command(name, args, (error, reply) => (error ? reject(error) : resolve(reply)));
      }),
  };
}

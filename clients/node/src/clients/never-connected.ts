import { SessionError } from "../core/errors.js";

/** A client of `redis` 4 and later. `isOpen` is false until the application connects it, and after it is closed. */
interface ConnectableClient {
  readonly isOpen: boolean;
  once?(event: string, listener: () => void): unknown;
}

/** The clients that have been open at least once. Weak, so that middlewares do not keep clients in memory. */
const opened = new WeakSet<object>();

/** The clients with our listeners: each gets one set of them, even if several middlewares use it. */
const watched = new WeakSet<object>();

/**
 * Returns a function that replaces an error of a client by `NOT_CONNECTED` if the application has never connected the
 * client. This is a mistake in the application, not a failure of Redis. Clients of `redis` 2 and 3 and of `ioredis`
 * connect by themselves.
 */
export function connectionCheck(client: object): (error: unknown) => unknown {
  if (!needsConnect(client)) return (error) => error;
  watch(client);
  return (error) => {
    if (client.isOpen) opened.add(client);
    if (opened.has(client)) return error;
    const message = "the Redis client was never connected: call await client.connect() first";
    return new SessionError("NOT_CONNECTED", message);
  };
}

function needsConnect(client: object): client is ConnectableClient {
  return "isOpen" in client && typeof client.isOpen === "boolean";
}

function watch(client: ConnectableClient): void {
  if (client.isOpen) opened.add(client);
  if (watched.has(client) || opened.has(client)) return;
  watched.add(client);
  for (const event of ["connect", "ready"]) client.once?.(event, () => opened.add(client));
}

import { SessionError } from "../errors.js";

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
 * A function that puts an error of its own in the place of a client's, where the application has never connected the
 * client: no waiting mends that, so it is not Redis that fails. Clients of `redis` 2 and 3 and of `ioredis` connect by
 * themselves.
 */
export function connectionCheck(client: object): (error: unknown) => unknown {
  if (!hasToBeOpened(client)) return (error) => error;
  watch(client);
  return (error) => {
    if (client.isOpen) opened.add(client);
    if (opened.has(client)) return error;
    return new SessionError("NOT_CONNECTED", "the Redis client was never connected: await client.connect() first");
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

import { SessionError } from "../errors.js";
import type { Connection } from "./connection.js";

/** Makes of a client's error what callers see. */
export type Translate = (error: unknown, command: readonly string[], key: string | undefined) => unknown;

/** A command that has no answer yet. */
interface Waiting {
  /** When to give up, by the clock of `performance.now`. */
  readonly due: number;
  readonly reject: (error: SessionError) => void;
}

/**
 * The same connection, except that it does not wait for ever. Clients keep commands while they are not connected, some
 * of them for as long as it takes; a request should not wait with them.
 *
 * @param limit milliseconds; 0: wait as long as the client does
 * @param translate what to reject with in place of the client's error
 */
export function withDeadline(connection: Connection, limit: number, translate: Translate): Connection {
  if (limit === 0) return withTranslation(connection, translate);
  const deadlines = new Deadlines(limit);
  return {
    cluster: connection.cluster,
    send: (command, key) =>
      new Promise((resolve, reject) => {
        const waiting = deadlines.add(reject);
        connection.send(command, key).then(
          (reply) => {
            deadlines.remove(waiting);
            resolve(reply);
          },
          (error: unknown) => {
            deadlines.remove(waiting);
            reject(translate(error, command, key));
          },
        );
      }),
  };
}

function withTranslation(connection: Connection, translate: Translate): Connection {
  return {
    cluster: connection.cluster,
    send: async (command, key) => {
      try {
        return await connection.send(command, key);
      } catch (error) {
        throw translate(error, command, key);
      }
    },
  };
}

/** All that wait, with one timer among them: one for each command would be a good part of what a command costs. */
class Deadlines {
  readonly #limit: number;
  /** In the order of their coming, and so in that of their being due. */
  readonly #waiting = new Set<Waiting>();
  #watching = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(reject: (error: SessionError) => void): Waiting {
    const waiting = { due: performance.now() + this.#limit, reject };
    this.#waiting.add(waiting);
    if (!this.#watching) this.#watch(this.#limit);
    return waiting;
  }

  remove(waiting: Waiting): void {
    this.#waiting.delete(waiting);
  }

  /**
   * Looks again after the delay, once what has arrived meanwhile is read: timers come before input, so that a process
   * that was busy for long would take answers that are there for missing. The timer alone is no reason for it to stay.
   */
  #watch(delay: number): void {
    this.#watching = true;
    setTimeout(() => setImmediate(() => this.#giveUp()), delay).unref();
  }

  #giveUp(): void {
    this.#watching = false;
    const now = performance.now();
    for (const waiting of this.#waiting) {
      if (waiting.due > now) return this.#watch(waiting.due - now);
      this.#waiting.delete(waiting);
      waiting.reject(overdue(this.#limit));
    }
  }
}

function overdue(limit: number): SessionError {
  const message = `Redis has not answered within ${limit} ms; whether the command was carried out is unknown`;
  return new SessionError("TIMEOUT", message);
}

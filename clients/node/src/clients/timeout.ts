import { SessionError } from "../core/errors.js";
import type { Connection } from "./connection.js";

/** Converts the error of a client into the error that the caller gets. */
export type ConvertError = (error: unknown, command: readonly string[], key: string | undefined) => unknown;

/** A command without a reply. */
interface PendingCommand {
  /** When it times out, by `performance.now`. */
  readonly deadline: number;
  readonly reject: (error: SessionError) => void;
  previous: PendingCommand | undefined;
  next: PendingCommand | undefined;
}

/**
 * Adds a timeout to a connection. While a client is not connected it queues commands, some clients forever, and a
 * request must not wait that long.
 *
 * @param timeout milliseconds; 0: no timeout
 * @param convertError called for every error of the client
 */
export function withTimeout(connection: Connection, timeout: number, convertError: ConvertError): Connection {
  if (timeout === 0) return withConvertedErrors(connection, convertError);
  const pending = new PendingCommands(timeout);
  return {
    cluster: connection.cluster,
    send: (command, key) =>
      new Promise((resolve, reject) => {
        const entry = pending.add(reject);
        connection.send(command, key).then(
          (reply) => {
            pending.remove(entry);
            resolve(reply);
          },
          (error: unknown) => {
            pending.remove(entry);
            reject(convertError(error, command, key));
          },
        );
      }),
  };
}

function withConvertedErrors(connection: Connection, convertError: ConvertError): Connection {
  return {
    cluster: connection.cluster,
    send: async (command, key) => {
      try {
        return await connection.send(command, key);
      } catch (error) {
        throw convertError(error, command, key);
      }
    },
  };
}

/**
 * All commands without a reply. They share one timer, because a timer for each would slow every command down.
 *
 * They are a linked list and not a `Set`: a `Set` copies itself to a new table every few commands, and an old table that
 * the garbage collector has not yet freed keeps all later tables and their promises. A removed command refers to no other.
 * With 64 connections to an Express application, the list saves about a tenth of the processor time of a request.
 */
class PendingCommands {
  readonly #timeout: number;
  /** The oldest command, which is also the first to time out. */
  #first: PendingCommand | undefined;
  #last: PendingCommand | undefined;
  #timerIsSet = false;

  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  add(reject: (error: SessionError) => void): PendingCommand {
    const previous = this.#last;
    const command: PendingCommand = { deadline: performance.now() + this.#timeout, reject, previous, next: undefined };
    if (previous) previous.next = command;
    else this.#first = command;
    this.#last = command;
    if (!this.#timerIsSet) this.#setTimer(this.#timeout);
    return command;
  }

  /** Does nothing if the command has timed out. */
  remove(command: PendingCommand): void {
    const { previous, next } = command;
    if (previous) previous.next = next;
    else if (this.#first === command) this.#first = next;
    if (next) next.previous = previous;
    else if (this.#last === command) this.#last = previous;
    command.previous = undefined;
    command.next = undefined;
  }

  /**
   * Checks the deadlines after a delay. The event loop runs timers before it reads input, so setImmediate lets replies
   * that have arrived be read first, even if the process was busy. `unref` lets the process exit before the timer.
   */
  #setTimer(delay: number): void {
    this.#timerIsSet = true;
    setTimeout(() => setImmediate(() => this.#rejectOverdue()), delay).unref();
  }

  #rejectOverdue(): void {
    this.#timerIsSet = false;
    const now = performance.now();
    for (let command = this.#first; command; command = this.#first) {
      if (command.deadline > now) {
        this.#setTimer(command.deadline - now);
        return;
      }
      this.remove(command);
      command.reject(timeoutError(this.#timeout));
    }
  }
}

function timeoutError(timeout: number): SessionError {
  const message = `Redis did not reply within ${timeout} ms; the command may or may not have been executed`;
  return new SessionError("TIMEOUT", message);
}

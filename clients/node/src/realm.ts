import type { Connection } from "./clients/index.js";
import { SessionError } from "./errors.js";
import { member, text } from "./reply.js";

/** After this many milliseconds the keyspace is requested again: it can change while the application runs. */
const REFRESH_INTERVAL = 60_000;

/**
 * The shortest time in milliseconds between two requests. A `WRONGKEY` error does not request the keyspace more often:
 * tokens of other realms cause it too.
 */
const MIN_REFRESH_INTERVAL = 1000;

/** A realm of the server: its name and its keyspace. */
export class Realm {
  readonly name: string;
  readonly #connection: Connection;
  #keyspace: string | undefined;
  /** When the last request was sent, by `performance.now`. */
  #requestedAt = 0;
  #request: Promise<string> | undefined;

  constructor(connection: Connection, name: string) {
    this.#connection = connection;
    this.name = name;
  }

  /** The prefix of the realm's session keys. Only the first calls wait for the server. */
  keyspace(): string | Promise<string> {
    if (this.#keyspace === undefined) return this.#refresh();
    // The known keyspace is used until the server replies, even if this request fails.
    if (performance.now() - this.#requestedAt > REFRESH_INTERVAL) this.#refresh().catch(() => undefined);
    return this.#keyspace;
  }

  /** The keyspace, requested again unless it is less than a second old. For use after a `WRONGKEY` error. */
  async refreshedKeyspace(): Promise<string> {
    const isRecent = performance.now() - this.#requestedAt < MIN_REFRESH_INTERVAL;
    const isCurrent = isRecent && this.#request === undefined;
    return this.#keyspace !== undefined && isCurrent ? this.#keyspace : this.#refresh();
  }

  #refresh(): Promise<string> {
    if (this.#request !== undefined) return this.#request;
    this.#requestedAt = performance.now();
    this.#request = this.#fetch().finally(() => {
      this.#request = undefined;
    });
    return this.#request;
  }

  async #fetch(): Promise<string> {
    const realms = (await this.#connection.send(["JRS.REALMS"])) as unknown[];
    const realm = realms.find((candidate) => text(member(candidate, "name")) === this.name);
    if (!realm) {
      const message = `the server has no realm '${this.name}': add it to the file of the setting jrs.realms-file`;
      throw new SessionError("NO_REALM", message);
    }
    this.#keyspace = text(member(realm, "keyspace"));
    return this.#keyspace;
  }
}

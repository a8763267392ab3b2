import type { Connection } from "../clients/index.js";
import { SessionError } from "./errors.js";
import { member, text } from "./reply.js";

/** After this many milliseconds the settings are requested again: they can change while the application runs. */
const REFRESH_INTERVAL = 60_000;

/**
 * The shortest time in milliseconds between two requests. A `WRONGKEY` error does not request them more often:
 * tokens of other realms cause it too.
 */
const MIN_REFRESH_INTERVAL = 1000;

/** What this package needs to know of a realm. */
export interface RealmSettings {
  /** The prefix of the realm's session keys. */
  keyspace: string;
  /** How many seconds a session lives if it is not used; 0: it has no end. */
  maxAge: number;
  /** The same for anonymous sessions; 0: as `maxAge`. */
  anonymousMaxAge: number;
}

/** A realm of the server: its name and its settings. */
export class Realm {
  readonly name: string;
  readonly #connection: Connection;
  #settings: RealmSettings | undefined;
  /** When the last request was sent, by `performance.now`. */
  #requestedAt = 0;
  #request: Promise<RealmSettings> | undefined;

  constructor(connection: Connection, name: string) {
    this.#connection = connection;
    this.name = name;
  }

  /** The settings. Only the first calls wait for the server. */
  settings(): RealmSettings | Promise<RealmSettings> {
    if (this.#settings === undefined) return this.#refresh();
    // The known settings are used until the server replies, even if this request fails.
    if (performance.now() - this.#requestedAt > REFRESH_INTERVAL) this.#refresh().catch(() => undefined);
    return this.#settings;
  }

  /** The settings as far as they are known. */
  get knownSettings(): RealmSettings | undefined {
    return this.#settings;
  }

  /** The keyspace, requested again unless it is less than a second old. For use after a `WRONGKEY` error. */
  async refreshedKeyspace(): Promise<string> {
    const isRecent = performance.now() - this.#requestedAt < MIN_REFRESH_INTERVAL;
    const isCurrent = isRecent && this.#request === undefined;
    return (this.#settings !== undefined && isCurrent ? this.#settings : await this.#refresh()).keyspace;
  }

  #refresh(): Promise<RealmSettings> {
    if (this.#request !== undefined) return this.#request;
    this.#requestedAt = performance.now();
    this.#request = this.#fetch().finally(() => {
      this.#request = undefined;
    });
    return this.#request;
  }

  async #fetch(): Promise<RealmSettings> {
    const realms = (await this.#connection.send(["JRS.REALMS"])) as unknown[];
    const realm = realms.find((candidate) => text(member(candidate, "name")) === this.name);
    if (!realm) {
      const message = `the server has no realm '${this.name}': add it to the file of the setting jrs.realms-file`;
      throw new SessionError("NO_REALM", message);
    }
    this.#settings = {
      keyspace: text(member(realm, "keyspace")),
      maxAge: Number(member(realm, "max-age")),
      anonymousMaxAge: Number(member(realm, "anonymous-max-age")),
    };
    return this.#settings;
  }
}

import type { Connection } from "./clients/index.js";
import { SessionError } from "./errors.js";
import { member, text } from "./reply.js";

/** Milliseconds after which the server is asked again, since its settings can change while the application runs. */
const FRESH_FOR = 60_000;

/** The same after the server has said that a key is not of the keyspace: tokens of other realms make it say so, too. */
const FRESH_ENOUGH_FOR = 1000;

/** A realm of the server: of its settings, the one that clients need. */
export class Realm {
  readonly name: string;
  readonly #connection: Connection;
  #keyspace: string | undefined;
  #asked = 0;
  #asking: Promise<string> | undefined;

  constructor(connection: Connection, name: string) {
    this.#connection = connection;
    this.name = name;
  }

  /** What the names of the realm's session keys begin with. Only the first callers have to wait for the server. */
  keyspace(): string | Promise<string> {
    if (this.#keyspace === undefined) return this.#ask();
    // The old answer stays in force until there is a new one, even if there never is.
    if (performance.now() - this.#asked > FRESH_FOR) this.#ask().catch(() => undefined);
    return this.#keyspace;
  }

  /** The keyspace, for one who was told that a key is not of it. */
  async renewed(): Promise<string> {
    const fresh = performance.now() - this.#asked < FRESH_ENOUGH_FOR;
    return this.#keyspace !== undefined && fresh && !this.#asking ? this.#keyspace : this.#ask();
  }

  #ask(): Promise<string> {
    if (this.#asking) return this.#asking;
    this.#asked = performance.now();
    this.#asking = this.#fetch().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #fetch(): Promise<string> {
    const realms = (await this.#connection.send(["JRS.REALMS"])) as unknown[];
    const realm = realms.find((candidate) => text(member(candidate, "name")) === this.name);
    if (!realm) {
      const message = `the server has no realm '${this.name}': add it to the file that jrs.realms-file names`;
      throw new SessionError("NO_REALM", message);
    }
    this.#keyspace = text(member(realm, "keyspace"));
    return this.#keyspace;
  }
}

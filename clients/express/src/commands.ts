import type { Connection } from "./clients/index.js";
import { isExpiry, isWrongKey } from "./errors.js";
import type { Realm } from "./realm.js";
import { member, text } from "./reply.js";
import { type Claims, readClaims } from "./token.js";

/** A session as the server has it. */
export interface StoredSession {
  /** The claims of its token, which the server has verified. */
  claims: Claims;
  owner: string;
  /** JSON text. */
  data: string;
}

/** One of an owner's sessions. */
export interface ListedSession {
  id: string;
  /** When it was created. */
  created: Date;
  /** Seconds left if nobody uses it; null: its key has no end. */
  ttl: number | null;
  /** JSON text. */
  data: string;
}

/** What a rotation changes besides the id; what is not given stays. */
export interface Rotation {
  claims?: object | undefined;
  owner?: string | undefined;
  reauth?: boolean | undefined;
}

/** The server's commands on sessions of one realm. Each rejects with what the client rejects with. */
export class Commands {
  readonly #connection: Connection;
  readonly #realm: Realm;

  constructor(connection: Connection, realm: Realm) {
    this.#connection = connection;
    this.#realm = realm;
  }

  /** Whether the server is a cluster. */
  get cluster(): boolean {
    return this.#connection.cluster;
  }

  /** @returns the token. */
  async create(owner: string, data: string, claims: object): Promise<string> {
    const options = ["CLAIMS", JSON.stringify(claims), "REALM", this.#realm.name];
    return text(await this.#connection.send(["JRS.CREATE", owner, data, ...options], owner));
  }

  /**
   * Reads a session and puts off its end, if it is a `JRS.GET`; a `JRS.PEEK` leaves it where it is.
   *
   * @returns nothing if there is no such session.
   */
  async read(name: "JRS.GET" | "JRS.PEEK", token: string): Promise<StoredSession | undefined> {
    const claims = claimsOf(token);
    const reply = await this.#onSession(name, token, claims);
    if (reply === null) return undefined;
    return { claims, owner: text(member(reply, "owner")), data: text(member(reply, "data")) };
  }

  /** @returns whether there is such a session: one that has ended is not brought back. */
  async update(token: string, data: string, how: "REPLACE" | "MERGE"): Promise<boolean> {
    return (await this.#onSession("JRS.UPDATE", token, claimsOf(token), data, how)) !== null;
  }

  /** @returns the seconds left, 0 if there is no such session. */
  async touch(token: string): Promise<number> {
    return Number((await this.#onSession("JRS.TOUCH", token, claimsOf(token))) ?? 0);
  }

  /** @returns whether there was such a session. */
  async destroy(token: string): Promise<boolean> {
    return Number(await this.#onSession("JRS.DESTROY", token, claimsOf(token))) === 1;
  }

  /** @returns the new token; nothing if there is no such session. */
  async rotate(token: string, { claims, owner, reauth }: Rotation): Promise<string | undefined> {
    const options = [];
    if (claims !== undefined) options.push("CLAIMS", JSON.stringify(claims));
    if (owner !== undefined) options.push("OWNER", owner);
    if (reauth) options.push("REAUTH");
    const reply = await this.#onSession("JRS.ROTATE", token, claimsOf(token), ...options);
    return reply === null ? undefined : text(reply);
  }

  /** An owner's live sessions, oldest first. */
  async list(owner: string): Promise<ListedSession[]> {
    const options = ["WITHDATA", "REALM", this.#realm.name];
    const reply = (await this.#connection.send(["JRS.LIST", owner, ...options], owner)) as unknown[];
    return reply.map((session) => {
      const ttl = member(session, "ttl");
      return {
        id: text(member(session, "id")),
        created: new Date(Number(member(session, "created"))),
        ttl: ttl === null ? null : Number(ttl),
        data: text(member(session, "data")),
      };
    });
  }

  /** Ends a session by its id. @returns whether there was such a session. */
  async revoke(id: string): Promise<boolean> {
    return Number(await this.#atKey(id, (key) => ["JRS.REVOKE", key])) === 1;
  }

  /** Ends the owner's sessions, except that of a token. @returns how many; nothing if that one has expired. */
  async destroyAll(owner: string, except?: string): Promise<number | undefined> {
    const options = except === undefined ? [] : ["EXCEPT", except];
    options.push("REALM", this.#realm.name);
    const reply = await this.#connection.send(["JRS.DESTROYALL", owner, ...options], owner).catch(nullIfExpired);
    return reply === null ? undefined : Number(reply);
  }

  /**
   * Sends a command that begins with a session's key and its token. A cluster needs the key to find the node; elsewhere
   * it makes sure that the token is one of this realm.
   *
   * @returns null if there is no such session, also where its time has run out.
   */
  #onSession(name: string, token: string, { jti }: Claims, ...rest: string[]): Promise<unknown> {
    return this.#atKey(jti, (key) => [name, key, token, ...rest]);
  }

  /** Sends a command with a session's key. What fails is looked into; what does not goes as straight as it can. */
  async #atKey(id: string, command: (key: string) => [string, ...string[]]): Promise<unknown> {
    const known = this.#realm.keyspace();
    const keyspace = typeof known === "string" ? known : await known;
    const key = keyspace + id;
    try {
      return await this.#connection.send(command(key), key);
    } catch (error) {
      if (!isWrongKey(error)) return nullIfExpired(error);
      // The realm's keyspace may have changed since the server was asked for it.
      const renewed = await this.#realm.renewed().then((keyspace) => keyspace + id, () => key);
      if (renewed === key) throw error;
      return this.#connection.send(command(renewed), renewed).catch(nullIfExpired);
    }
  }
}

/** To applications, a token whose time has run out is a session that has ended. All other errors stay errors. */
function nullIfExpired(error: unknown): null {
  if (isExpiry(error)) return null;
  throw error;
}

/** The claims of a token that can be sent to the server; others are refused here, as they would be there. */
function claimsOf(token: string): Claims {
  const claims = readClaims(token);
  if (!claims) throw new Error("BADTOKEN the token names no session");
  return claims;
}

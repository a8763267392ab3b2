import type { Connection } from "./clients/index.js";
import { isExpired, isWrongKey } from "./errors.js";
import type { Realm } from "./realm.js";
import { member, text } from "./reply.js";
import { type Claims, readClaims } from "./token.js";

/** A session as the server has stored it. */
export interface StoredSession {
  /** The claims of the token. The server has verified them. */
  claims: Claims;
  owner: string;
  /** JSON text. */
  data: string;
}

/** One of the sessions of an owner. */
export interface ListedSession {
  id: string;
  created: Date;
  /** Seconds left if the session is not used; null if its key has no TTL. */
  ttl: number | null;
  /** JSON text. */
  data: string;
}

/** What a rotation changes besides the id. Missing values stay as they are. */
export interface Rotation {
  claims?: object | undefined;
  owner?: string | undefined;
  reauth?: boolean | undefined;
}

/** The commands of the server for the sessions of one realm. They reject with the errors of the client. */
export class Commands {
  readonly #connection: Connection;
  readonly #realm: Realm;

  constructor(connection: Connection, realm: Realm) {
    this.#connection = connection;
    this.#realm = realm;
  }

  /** Whether the client is connected to a cluster. */
  get cluster(): boolean {
    return this.#connection.cluster;
  }

  /** @returns the token */
  async create(owner: string, data: string, claims: object): Promise<string> {
    const options = ["CLAIMS", JSON.stringify(claims), "REALM", this.#realm.name];
    return text(await this.#connection.send(["JRS.CREATE", owner, data, ...options], owner));
  }

  /**
   * Reads a session. `JRS.GET` also extends it, `JRS.PEEK` does not.
   *
   * @returns undefined if there is no such session
   */
  async read(name: "JRS.GET" | "JRS.PEEK", token: string): Promise<StoredSession | undefined> {
    const claims = claimsOf(token);
    const reply = await this.#sendWithToken(name, token, claims);
    if (reply === null) return undefined;
    return { claims, owner: text(member(reply, "owner")), data: text(member(reply, "data")) };
  }

  /** @returns whether the session exists. A session that has expired or was destroyed is not created again. */
  async update(token: string, data: string, mode: "REPLACE" | "MERGE"): Promise<boolean> {
    return (await this.#sendWithToken("JRS.UPDATE", token, claimsOf(token), data, mode)) !== null;
  }

  /** @returns the seconds left; 0 if there is no such session */
  async touch(token: string): Promise<number> {
    return Number((await this.#sendWithToken("JRS.TOUCH", token, claimsOf(token))) ?? 0);
  }

  /** @returns whether the session existed */
  async destroy(token: string): Promise<boolean> {
    return Number(await this.#sendWithToken("JRS.DESTROY", token, claimsOf(token))) === 1;
  }

  /** @returns the new token; undefined if there is no such session */
  async rotate(token: string, { claims, owner, reauth }: Rotation): Promise<string | undefined> {
    const options: string[] = [];
    if (claims !== undefined) options.push("CLAIMS", JSON.stringify(claims));
    if (owner !== undefined) options.push("OWNER", owner);
    if (reauth) options.push("REAUTH");
    const reply = await this.#sendWithToken("JRS.ROTATE", token, claimsOf(token), ...options);
    return reply === null ? undefined : text(reply);
  }

  /** @returns the live sessions of an owner, oldest first */
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

  /** Destroys a session by its id. @returns whether it existed */
  async revoke(id: string): Promise<boolean> {
    return Number(await this.#sendWithKey(id, (key) => ["JRS.REVOKE", key])) === 1;
  }

  /**
   * Destroys the sessions of an owner.
   *
   * @param except the token of a session to keep
   * @returns how many were destroyed; undefined if the token has expired
   */
  async destroyAll(owner: string, except?: string): Promise<number | undefined> {
    const options = except === undefined ? [] : ["EXCEPT", except];
    options.push("REALM", this.#realm.name);
    const reply = await this.#connection.send(["JRS.DESTROYALL", owner, ...options], owner).catch(nullIfExpired);
    return reply === null ? undefined : Number(reply);
  }

  /**
   * Sends a command whose first arguments are a session key and the token of that session. A cluster finds the node by
   * the key; other servers check by it that the token belongs to the realm.
   *
   * @returns null if there is no such session, or if it has expired
   */
  #sendWithToken(name: string, token: string, { jti }: Claims, ...args: string[]): Promise<unknown> {
    return this.#sendWithKey(jti, (key) => [name, key, token, ...args]);
  }

  /** Sends a command with the key of a session. Requests the keyspace again if the server says `WRONGKEY`. */
  async #sendWithKey(id: string, command: (key: string) => [string, ...string[]]): Promise<unknown> {
    const known = this.#realm.keyspace();
    // Every await costs a turn of the microtask queue, so a known keyspace is not awaited.
    const key = (typeof known === "string" ? known : await known) + id;
    try {
      return await this.#connection.send(command(key), key);
    } catch (error) {
      if (!isWrongKey(error)) return nullIfExpired(error);
      const newKey = await this.#realm.refreshedKeyspace().then(
        (keyspace) => keyspace + id,
        () => key,
      );
      if (newKey === key) throw error;
      return this.#connection.send(command(newKey), newKey).catch(nullIfExpired);
    }
  }
}

/** An expired token is the same as a session that does not exist. All other errors stay errors. */
function nullIfExpired(error: unknown): null {
  if (isExpired(error)) return null;
  throw error;
}

/** Reads the claims of a token. Without an id there is no key to send; the server would answer `BADTOKEN` too. */
function claimsOf(token: string): Claims {
  const claims = readClaims(token);
  if (!claims) throw new Error("BADTOKEN the token has no claim 'jti'");
  return claims;
}

import type { Connection } from "../clients/index.js";
import { isExpired, isReused, isTokenRefused, isWrongKey, toSessionError } from "./errors.js";
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
  /** Seconds left if the session is not used; 0 if its key has no TTL. */
  ttl: number;
  /** Whether a rotation has replaced the token. In its grace, the server replies with the session of the next token. */
  replaced: boolean;
}

/** One of the sessions of an owner. */
export interface ListedSession {
  id: string;
  created: Date;
  /** Seconds left if the session is not used; null if its key has no TTL. */
  ttl: number | null;
  /** JSON text; undefined if only some fields were requested. */
  data: string | undefined;
  /** The requested values as JSON texts, in the order of the pointers; null if the session has no such value. */
  fields: (string | null)[];
}

/** What is listed of the sessions of an owner. */
export interface Listing {
  /** JSON Pointers of values to list instead of all data. */
  fields?: readonly string[] | undefined;
  limit?: number | undefined;
  /** The id after which the list begins. */
  after?: string | undefined;
}

/** What a rotation changes besides the id. Missing values stay as they are. */
export interface Rotation {
  claims?: object | undefined;
  owner?: string | undefined;
  reauth?: boolean | undefined;
  /** How many milliseconds the old token stays valid. */
  grace?: number | undefined;
}

/** An access token for other services. */
export interface Minting {
  audience?: string | undefined;
  /** Seconds. */
  expiresIn?: number | undefined;
  claims?: object | undefined;
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
  read(name: "JRS.GET" | "JRS.PEEK", token: string): Promise<StoredSession | undefined> {
    const claims = readClaims(token);
    if (!claims) return Promise.reject(noId());
    return this.#sendWithToken(name, token, claims, "COMPACT").then((reply) => storedSession(reply, claims));
  }

  /**
   * Checks that the session exists and that its user has authenticated in the last `seconds`, by the server's clock. Does
   * not extend the session.
   *
   * @throws SessionError `STALE_AUTH` if the user has authenticated longer ago
   * @returns whether the session exists
   */
  async authenticatedWithin(token: string, seconds: number): Promise<boolean> {
    const options = ["MAXAUTHAGE", String(seconds)];
    return (await this.#sendWithToken("JRS.PEEK", token, claimsOf(token), ...options)) !== null;
  }

  /** @returns whether the session exists. A session that has expired or was destroyed is not created again. */
  async update(token: string, data: string, mode: "REPLACE" | "MERGE" | "PATCH"): Promise<boolean> {
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

  /**
   * Destroys the session of a token that the server has not verified.
   *
   * @returns whether the session existed; false if the server refuses the token
   */
  async destroyUnverified(token: string): Promise<boolean> {
    try {
      return await this.destroy(token);
    } catch (error) {
      if (isTokenRefused(error) || isReused(error)) return false;
      throw error;
    }
  }

  /** @returns the new token; undefined if there is no such session */
  async rotate(token: string, { claims, owner, reauth, grace }: Rotation): Promise<string | undefined> {
    const options: string[] = [];
    if (claims !== undefined) options.push("CLAIMS", JSON.stringify(claims));
    if (owner !== undefined) options.push("OWNER", owner);
    if (reauth) options.push("REAUTH");
    if (grace !== undefined) options.push("GRACE", String(grace));
    const reply = await this.#sendWithToken("JRS.ROTATE", token, claimsOf(token), ...options);
    return reply === null ? undefined : text(reply);
  }

  /** @returns the access token; undefined if there is no such session */
  async mint(token: string, { audience, expiresIn, claims }: Minting): Promise<string | undefined> {
    const options: string[] = [];
    if (audience !== undefined) options.push("AUDIENCE", audience);
    if (expiresIn !== undefined) options.push("EX", String(expiresIn));
    if (claims !== undefined) options.push("CLAIMS", JSON.stringify(claims));
    const reply = await this.#sendWithToken("JRS.MINT", token, claimsOf(token), ...options);
    return reply === null ? undefined : text(reply);
  }

  /** @returns the live sessions of an owner, oldest first */
  async list(owner: string, { fields, limit, after }: Listing): Promise<ListedSession[]> {
    const options: string[] = [];
    if (fields === undefined) options.push("WITHDATA");
    else if (fields.length > 0) options.push("FIELDS", String(fields.length), ...fields);
    if (limit !== undefined) options.push("LIMIT", String(limit));
    if (after !== undefined) options.push("AFTER", after);
    options.push("REALM", this.#realm.name);
    const reply = (await this.#connection.send(["JRS.LIST", owner, ...options], owner)) as unknown[];
    return reply.map(listedSession);
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
  #sendWithKey(id: string, command: (key: string) => [string, ...string[]]): Promise<unknown> {
    const known = this.#realm.settings();
    // Without `async` and `await`, because each of them costs promises and turns of the microtask queue.
    if ("keyspace" in known) return this.#sendTo(known.keyspace + id, id, command);
    return known.then(({ keyspace }) => this.#sendTo(keyspace + id, id, command));
  }

  #sendTo(key: string, id: string, command: (key: string) => [string, ...string[]]): Promise<unknown> {
    return this.#connection.send(command(key), key).catch(async (error: unknown) => {
      if (!isWrongKey(error)) return nullIfExpired(error);
      const newKey = await this.#realm.refreshedKeyspace().then(
        (keyspace) => keyspace + id,
        () => key,
      );
      if (newKey === key) throw error;
      return this.#connection.send(command(newKey), newKey).catch(nullIfExpired);
    });
  }
}

/** The session of a reply with `COMPACT`. @param claims those of the token @returns undefined if there is no session */
function storedSession(reply: unknown, claims: Claims): StoredSession | undefined {
  if (reply === null) return undefined;
  if (!Array.isArray(reply)) throw new TypeError("jrs-session: the reply of the server is not a session");
  const [id, owner, data, newClaims, ttl] = reply as unknown[];
  const replaced = text(id) !== claims.jti;
  return {
    // Only the claims of the token itself are known without the reply.
    claims: replaced ? (JSON.parse(text(newClaims)) as Claims) : claims,
    owner: text(owner),
    data: text(data),
    ttl: ttl === null ? 0 : Math.max(1, Number(ttl)),
    replaced,
  };
}

function listedSession(reply: unknown): ListedSession {
  const [ttl, data, fields] = ["ttl", "data", "fields"].map((name) => member(reply, name));
  return {
    id: text(member(reply, "id")),
    created: new Date(Number(member(reply, "created"))),
    ttl: ttl === null ? null : Number(ttl),
    data: data === undefined ? undefined : text(data),
    fields: ((fields ?? []) as unknown[]).map((value) => (value === null ? null : text(value))),
  };
}

/** An expired token is the same as a session that does not exist. All other errors stay errors. */
function nullIfExpired(error: unknown): null {
  if (isExpired(error)) return null;
  throw toSessionError(error);
}

/** Reads the claims of a token. Without an id there is no key to send; the server would answer `BADTOKEN` too. */
function claimsOf(token: string): Claims {
  const claims = readClaims(token);
  if (!claims) throw noId();
  return claims;
}

function noId(): Error {
  return new Error("BADTOKEN the token has no claim 'jti'");
}

import { type Callback, answer } from "./callback.js";
import type { Commands, StoredSession } from "./commands.js";
import { SessionError } from "./errors.js";
import { checkedPatch, ownFields, setFields } from "./fields.js";
import { isObject, mergePatch } from "./merge-patch.js";
import { ownerForApplication, ownerForServer } from "./owner.js";
import { OwnersSession } from "./owners-session.js";
import { type Claims, readClaims } from "./token.js";

/** What {@link Session.rotate} changes besides the id. */
export interface RotateOptions {
  /** Claims of the new token in place of the old ones'. */
  claims?: object | undefined;
  /** Whether the user has just proved who they are: `max-lifetime` starts anew. */
  reauth?: boolean | undefined;
}

/** What {@link Session.destroyAll} spares. */
export interface DestroyAllOptions {
  /** Whether this session stays. */
  keepCurrent?: boolean | undefined;
}

/**
 * A request's session. Its own fields are the data; they reach Redis with `create` and `update`. A request without a
 * session has an empty one, without an `id`.
 *
 * Every method takes a Node callback last. Without one it returns a promise.
 */
export class Session {
  /** The session's id, the token's `jti`. */
  declare id?: string;
  /** The token's claims. */
  declare claims?: Claims;
  /** The token. */
  declare jwt?: string;
  [field: string]: any;

  readonly #commands: Commands;
  readonly #showsToken: boolean;
  /** Whom the server says that the session belongs to. */
  #owner = "";
  /** What the application has assigned since. */
  #newOwner: unknown;
  /** The names of the fields that came from the server. */
  #stored: string[] = [];

  constructor(commands: Commands, showsToken: boolean) {
    this.#commands = commands;
    this.#showsToken = showsToken;
  }

  /** Whom the session belongs to, `""` for nobody. One that is assigned counts from `create` or `rotate` on. */
  get owner(): string {
    if (this.#newOwner !== undefined) return String(this.#newOwner);
    return ownerForApplication(this.#owner, this.#commands.cluster);
  }

  set owner(owner: string | number) {
    this.#newOwner = owner;
  }

  /** Creates a session of the fields and answers with its token. A claim `sub` is the owner, if none is assigned. */
  create(callback: Callback<string>): void;
  create(claims: object | null | undefined, callback: Callback<string>): void;
  create(claims?: object | null): Promise<string>;
  create(claims?: object | Callback<string> | null, callback?: Callback<string>): Promise<string> | undefined | void {
    if (typeof claims === "function") return answer(this.#create({}), claims as Callback<string>);
    return answer(this.#create(claims ?? {}), callback);
  }

  /** Writes the fields in place of the data. Fails with `SESSION_ENDED` if the session has ended. */
  update(callback: Callback<"OK">): void;
  update(): Promise<"OK">;
  update(callback?: Callback<"OK">): Promise<"OK"> | undefined | void {
    return answer(this.#update(), callback);
  }

  /**
   * Applies a JSON Merge Patch (RFC 7396) to the data, on the server: what others change at the same time stays. The
   * patch is applied to the fields, too; other fields are not written.
   */
  merge(patch: object, callback: Callback<"OK">): void;
  merge(patch: object): Promise<"OK">;
  merge(patch: object, callback?: Callback<"OK">): Promise<"OK"> | undefined | void {
    return answer(this.#merge(patch), callback);
  }

  /** Reads the data anew. Fields that were never written stay. */
  reload(callback: Callback<void>): void;
  reload(): Promise<void>;
  reload(callback?: Callback<void>): Promise<void> | undefined | void {
    return answer(this.#reload(), callback);
  }

  /** Puts off the session's end. Answers with the seconds left, 0 if it has ended. */
  touch(callback: Callback<number>): void;
  touch(): Promise<number>;
  touch(callback?: Callback<number>): Promise<number> | undefined | void {
    return answer(this.#touch(), callback);
  }

  /**
   * Gives the session a new id and, if one was assigned, a new owner. The old token is dead at once. Answers with the
   * new one. The data is that which is stored.
   */
  rotate(callback: Callback<string>): void;
  rotate(options: RotateOptions, callback: Callback<string>): void;
  rotate(options?: RotateOptions): Promise<string>;
  rotate(options?: RotateOptions | Callback<string>, callback?: Callback<string>): Promise<string> | undefined | void {
    if (typeof options === "function") return answer(this.#rotate({}), options);
    return answer(this.#rotate(options ?? {}), callback);
  }

  /** Ends the session. Answers with 1, or 0 if it had ended already. */
  destroy(callback: Callback<0 | 1>): void;
  destroy(): Promise<0 | 1>;
  destroy(callback?: Callback<0 | 1>): Promise<0 | 1> | undefined | void {
    return answer(this.#destroy(), callback);
  }

  /** The live sessions of this one's owner, oldest first. */
  sessions(callback: Callback<OwnersSession[]>): void;
  sessions(): Promise<OwnersSession[]>;
  sessions(callback?: Callback<OwnersSession[]>): Promise<OwnersSession[]> | undefined | void {
    return answer(this.#sessions(), callback);
  }

  /** Ends all sessions of this one's owner. Answers with their number. */
  destroyAll(callback: Callback<number>): void;
  destroyAll(options: DestroyAllOptions, callback: Callback<number>): void;
  destroyAll(options?: DestroyAllOptions): Promise<number>;
  destroyAll(
    options?: DestroyAllOptions | Callback<number>,
    callback?: Callback<number>,
  ): Promise<number> | undefined | void {
    if (typeof options === "function") return answer(this.#destroyAll({}), options);
    return answer(this.#destroyAll(options ?? {}), callback);
  }

  /** The fields, `claims` and `jwt`. Where tokens are kept in a cookie, out of the page's reach, without `jwt`. */
  toJSON(): Record<string, unknown> {
    const json = ownFields(this);
    if (this.claims !== undefined) json.claims = this.claims;
    if (this.jwt !== undefined && this.#showsToken) json.jwt = this.jwt;
    return json;
  }

  /**
   * Makes this the session that a token belongs to, as the server has it. For the middleware.
   *
   * @internal
   */
  static adopt(session: Session, token: string, stored: StoredSession): void {
    session.#take(stored.data);
    session.#become(token, stored.claims, stored.owner);
  }

  async #create(claims: { sub?: unknown }): Promise<string> {
    const { sub, ...others } = claims;
    // Where an owner is assigned, a `sub` stays among the claims, and the server refuses it.
    const bySub = sub !== undefined && this.owner === "";
    const given = bySub ? sub : this.#newOwner === undefined ? this.owner : this.#newOwner;
    const owner = ownerForServer(given, this.#commands.cluster);
    const fields = ownFields(this);
    const token = await this.#commands.create(owner, JSON.stringify(fields), bySub ? others : claims);
    this.#stored = Object.keys(fields);
    this.#become(token, readClaims(token), owner);
    return token;
  }

  async #update(): Promise<"OK"> {
    const token = this.#token();
    this.#keepOwner();
    const fields = ownFields(this);
    if (!(await this.#commands.update(token, JSON.stringify(fields), "REPLACE"))) throw ended();
    this.#stored = Object.keys(fields);
    return "OK";
  }

  async #merge(patch: object): Promise<"OK"> {
    const token = this.#token();
    this.#keepOwner();
    const checked = checkedPatch(patch);
    if (!(await this.#commands.update(token, JSON.stringify(checked), "MERGE"))) throw ended();
    mergePatch(this, checked);
    this.#stored.push(...Object.keys(checked));
    return "OK";
  }

  async #reload(): Promise<void> {
    const stored = await this.#commands.read("JRS.PEEK", this.#token());
    if (!stored) throw ended();
    this.#take(stored.data);
  }

  async #touch(): Promise<number> {
    return this.#commands.touch(this.#token());
  }

  async #rotate({ claims, reauth }: RotateOptions): Promise<string> {
    const owner = this.#newOwner === undefined ? undefined : ownerForServer(this.#newOwner, this.#commands.cluster);
    const token = await this.#commands.rotate(this.#token(), { claims, owner, reauth });
    if (token === undefined) throw ended();
    this.#become(token, readClaims(token), owner ?? this.#owner);
    return token;
  }

  async #destroy(): Promise<0 | 1> {
    return (await this.#commands.destroy(this.#token())) ? 1 : 0;
  }

  async #sessions(): Promise<OwnersSession[]> {
    const listed = await this.#commands.list(this.#owned());
    return listed.map((session) => new OwnersSession(this.#commands, session, session.id === this.id));
  }

  async #destroyAll({ keepCurrent }: DestroyAllOptions): Promise<number> {
    const owner = this.#owned();
    return this.#commands.destroyAll(owner, keepCurrent ? this.#token() : undefined);
  }

  /** Takes over the data from the server. Fields that were removed there are removed here. */
  #take(text: string): void {
    const data: unknown = JSON.parse(text);
    if (!isObject(data)) throw new SyntaxError("the session's data is no JSON object");
    const names = setFields(this, data);
    for (const name of this.#stored) if (!Object.hasOwn(data, name)) delete this[name];
    this.#stored = names;
  }

  #become(token: string, claims: Claims | undefined, owner: string): void {
    if (!claims) throw new Error("jrs-session: the server has answered with something that is no token");
    this.id = claims.jti;
    this.claims = claims;
    this.jwt = token;
    this.#owner = owner;
    this.#newOwner = undefined;
  }

  #token(): string {
    if (!this.id || !this.jwt) throw new SessionError("INVALID_SESSION", "Invalid session ID");
    return this.jwt;
  }

  /** The owner whose sessions these are: what was assigned and not written yet does not open other people's. */
  #owned(): string {
    this.#token();
    if (ownerForApplication(this.#owner, this.#commands.cluster) === "") {
      throw new SessionError("NO_OWNER", "the session has no owner, so it has no companions");
    }
    return this.#owner;
  }

  #keepOwner(): void {
    const current = ownerForApplication(this.#owner, this.#commands.cluster);
    if (this.owner !== current) {
      throw new SessionError("OWNER_CHANGED", "a session gets another owner by rotate(), not by update() or merge()");
    }
  }
}

function ended(): SessionError {
  return new SessionError("SESSION_ENDED", "the session has ended; nothing was written");
}

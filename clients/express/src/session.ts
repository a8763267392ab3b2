import { type Callback, answer } from "./callback.js";
import type { Commands, StoredSession } from "./commands.js";
import { SessionError } from "./errors.js";
import { checkedPatch, ownFields, setFields } from "./fields.js";
import { isObject, mergePatch } from "./merge-patch.js";
import { Owner } from "./owner.js";
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
  readonly #owner: Owner;
  /** The names of the fields that came from the server. */
  #stored: string[] = [];

  constructor(commands: Commands, showsToken: boolean) {
    this.#commands = commands;
    this.#showsToken = showsToken;
    this.#owner = new Owner(commands.cluster);
  }

  /** Whom the session belongs to, `""` for nobody. One that is assigned counts from `create` or `rotate` on. */
  get owner(): string {
    return this.#owner.shown;
  }

  set owner(owner: string | number) {
    this.#owner.assign(owner);
  }

  /**
   * Creates a session of the fields and answers with its token. The owner is the one that was assigned, or the claim
   * `sub`, or else that of the session before.
   */
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

  /**
   * Ends the session. Answers with 1, or 0 if it had ended already or there is none. The fields stay, the owner does
   * not: a session that is created after it is one of nobody, unless an owner is given.
   */
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
    // The server writes this claim itself, and takes it from nobody.
    const { sub, ...others } = claims;
    const owner = this.#owner.forCreate(sub);
    const fields = ownFields(this);
    const token = await this.#commands.create(owner, JSON.stringify(fields), sub === undefined ? claims : others);
    this.#stored = Object.keys(fields);
    this.#become(token, readClaims(token), owner);
    return token;
  }

  async #update(): Promise<"OK"> {
    const token = this.#token();
    this.#owner.refuseChange();
    const fields = ownFields(this);
    if (!(await this.#commands.update(token, JSON.stringify(fields), "REPLACE"))) throw this.#ended();
    this.#stored = Object.keys(fields);
    return "OK";
  }

  async #merge(patch: object): Promise<"OK"> {
    const token = this.#token();
    this.#owner.refuseChange();
    const checked = checkedPatch(patch);
    if (!(await this.#commands.update(token, JSON.stringify(checked), "MERGE"))) throw this.#ended();
    mergePatch(this, checked);
    this.#stored.push(...Object.keys(checked));
    return "OK";
  }

  async #reload(): Promise<void> {
    const stored = await this.#commands.read("JRS.PEEK", this.#token());
    if (!stored) throw this.#ended();
    this.#take(stored.data);
  }

  async #touch(): Promise<number> {
    const seconds = await this.#commands.touch(this.#token());
    if (seconds === 0) this.#owner.forget();
    return seconds;
  }

  async #rotate({ claims, reauth }: RotateOptions): Promise<string> {
    const owner = this.#owner.forRotate();
    const token = await this.#commands.rotate(this.#token(), { claims, owner, reauth });
    if (token === undefined) throw this.#ended();
    this.#become(token, readClaims(token), owner);
    return token;
  }

  async #destroy(): Promise<0 | 1> {
    // To log out twice is no mistake: the second request has no session, as the first one has left it.
    if (!this.#hasToken()) return 0;
    const existed = await this.#commands.destroy(this.#token());
    this.#owner.forget();
    return existed ? 1 : 0;
  }

  async #sessions(): Promise<OwnersSession[]> {
    this.#token();
    const listed = await this.#commands.list(this.#owner.forList());
    return listed.map((session) => {
      const current = session.id === this.id;
      return new OwnersSession(session, current, async () => {
        const existed = await this.#commands.revoke(session.id);
        if (current) this.#owner.forget();
        return existed;
      });
    });
  }

  async #destroyAll({ keepCurrent }: DestroyAllOptions): Promise<number> {
    const token = this.#token();
    const count = await this.#commands.destroyAll(this.#owner.forList(), keepCurrent ? token : undefined);
    if (count === undefined) throw this.#ended();
    if (!keepCurrent) this.#owner.forget();
    return count;
  }

  /** Takes over the data from the server. Fields that were removed there are removed here. */
  #take(text: string): void {
    const data: unknown = JSON.parse(text);
    if (!isObject(data)) throw new SyntaxError("the session's data is no JSON object");
    const names = setFields(this, data);
    for (const name of this.#stored) if (!Object.hasOwn(data, name)) delete this[name];
    this.#stored = names;
  }

  #become(token: string, claims: Claims | undefined, owner: string | undefined): void {
    if (!claims) throw new Error("jrs-session: the server has answered with something that is no token");
    this.id = claims.jti;
    this.claims = claims;
    this.jwt = token;
    if (owner !== undefined) this.#owner.become(owner);
  }

  #hasToken(): boolean {
    return Boolean(this.id && this.jwt);
  }

  #token(): string {
    if (!this.id || !this.jwt) throw new SessionError("INVALID_SESSION", "Invalid session ID");
    return this.jwt;
  }

  #ended(): SessionError {
    this.#owner.forget();
    return new SessionError("SESSION_ENDED", "the session has ended; nothing was written");
  }
}

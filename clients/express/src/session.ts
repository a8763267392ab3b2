import { type Callback, answer } from "./callback.js";
import type { Commands, StoredSession } from "./commands.js";
import { SessionError } from "./errors.js";
import { Baseline } from "./baseline.js";
import { checkedPatch, ownFields, partStored } from "./fields.js";
import { Handle } from "./handle.js";
import { isObject, mergePatch, setField } from "./merge-patch.js";
import { Owner } from "./owner.js";
import { SessionInfo } from "./session-info.js";
import { type DestroyAllOptions, type Place, type RotateOptions, type SessionSettings, reservedMembers } from "./session-types.js";
import { type Claims, readClaims } from "./token.js";

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
  readonly #settings: SessionSettings;
  readonly #place: Place;
  readonly #owner: Owner;
  readonly #handle = new Handle();
  readonly #baseline = new Baseline();
  #reserved: Record<string, unknown> = {};
  /** The names of the fields that came from the server. */
  #stored: string[] = [];

  constructor(commands: Commands, settings: SessionSettings, place: Place) {
    this.#commands = commands;
    this.#settings = settings;
    this.#place = place;
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
   * Creates the session, or updates the one that there is. Answers with the token. As `express-session` has it, for what
   * is made for that, such as Passport.
   */
  save(callback: Callback<string>): void;
  save(): Promise<string>;
  save(callback?: Callback<string>): Promise<string> | undefined | void {
    return answer(this.#save(), callback);
  }

  /**
   * Ends the session and gives the request an empty one of nobody, which `save` or `create` stores. As
   * `express-session` has it: the request has another session object then. To keep data and owner under a new id, see
   * {@link Session.rotate}.
   */
  regenerate(callback: Callback<void>): void;
  regenerate(): Promise<void>;
  regenerate(callback?: Callback<void>): Promise<void> | undefined | void {
    return answer(this.#regenerate(), callback);
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
  sessions(callback: Callback<SessionInfo[]>): void;
  sessions(): Promise<SessionInfo[]>;
  sessions(callback?: Callback<SessionInfo[]>): Promise<SessionInfo[]> | undefined | void {
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
    const json = ownFields(this, this.#handle);
    if (this.claims !== undefined) json.claims = this.claims;
    if (this.jwt !== undefined && this.#settings.showsToken) json.jwt = this.jwt;
    return json;
  }

  /** Stored members that cannot be fields; see {@link reservedMembers}. */
  get [reservedMembers](): Record<string, unknown> {
    return this.#reserved;
  }

  /**
   * Makes this the session that a token belongs to, as the server has it. For the middleware.
   *
   * @internal
   */
  static hydrate(session: Session, token: string, stored: StoredSession): void {
    session.#take(stored.data);
    session.#become(token, stored.claims, stored.owner);
  }

  /**
   * The token of a session that was not ended here. For the middleware.
   *
   * @internal
   */
  static liveToken(session: Session): string | undefined {
    return session.#handle.live;
  }

  /**
   * What of a session is not written yet: the name of a field, or `owner`. For the middleware.
   *
   * @internal
   */
  static unwritten(session: Session): string | undefined {
    if (session.#handle.ended) return undefined;
    return session.#owner.changed ? "owner" : session.#baseline.changed(session.#data());
  }

  async #create(claims: { sub?: unknown }): Promise<string> {
    // The server writes this claim itself, and takes it from nobody.
    const { sub, ...others } = claims;
    const owner = this.#owner.forCreate(sub);
    const data = this.#data();
    const text = JSON.stringify(data);
    const token = await this.#commands.create(owner, text, sub === undefined ? claims : others);
    await this.#refuseLong(token);
    this.#wrote(text, data);
    this.#become(token, readClaims(token), owner);
    return token;
  }

  async #update(): Promise<"OK"> {
    const token = this.#token();
    this.#owner.refuseChange();
    const data = this.#data();
    const text = JSON.stringify(data);
    if (!(await this.#commands.update(token, text, "REPLACE"))) throw this.#ended();
    this.#wrote(text, data);
    return "OK";
  }

  async #save(): Promise<string> {
    if (!this.#hasToken()) return this.#create({});
    await this.#update();
    return this.#token();
  }

  async #regenerate(): Promise<void> {
    await this.#destroy();
    // What copies the fields of this session into the next one, as Passport can, must not copy the dead token.
    for (const name of ["id", "claims", "jwt"]) delete this[name];
    this.#place.renew();
  }

  async #merge(patch: object): Promise<"OK"> {
    const token = this.#token();
    this.#owner.refuseChange();
    const checked = checkedPatch(patch);
    if (!(await this.#commands.update(token, JSON.stringify(checked), "MERGE"))) throw this.#ended();
    mergePatch(this, checked);
    this.#baseline.patch(checked);
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
    await this.#refuseLong(token);
    this.#become(token, readClaims(token), owner);
    return token;
  }

  async #destroy(): Promise<0 | 1> {
    // To log out twice is no mistake: the second request has no session, as the first one has left it.
    if (!this.#hasToken()) {
      this.#handle.ended = true;
      return 0;
    }
    const existed = await this.#commands.destroy(this.#token());
    this.#forget();
    return existed ? 1 : 0;
  }

  async #sessions(): Promise<SessionInfo[]> {
    this.#token();
    const listed = await this.#commands.list(this.#owner.forList());
    return listed.map((session) => {
      const current = session.id === this.id;
      return new SessionInfo(session, current, async () => {
        const existed = await this.#commands.revoke(session.id);
        if (current) this.#forget();
        return existed;
      });
    });
  }

  async #destroyAll({ keepCurrent }: DestroyAllOptions): Promise<number> {
    const token = this.#token();
    const count = await this.#commands.destroyAll(this.#owner.forList(), keepCurrent ? token : undefined);
    if (count === undefined) throw this.#ended();
    if (!keepCurrent) this.#forget();
    return count;
  }

  /** Takes over the data from the server. Fields that were removed there are removed here. */
  #take(text: string): void {
    const data: unknown = JSON.parse(text);
    if (!isObject(data)) throw new SyntaxError("the session's data is no JSON object");
    const { fields, reserved } = partStored(data);
    for (const [name, value] of Object.entries(fields)) setField(this, name, value);
    for (const name of this.#stored) if (!Object.hasOwn(data, name)) delete this[name];
    this.#stored = Object.keys(fields);
    this.#reserved = reserved;
    this.#baseline.become(text);
  }

  /** What is stored of the session. */
  #data(): Record<string, unknown> {
    return Object.assign(ownFields(this, this.#handle), this.#reserved);
  }

  /** Takes over what was written. */
  #wrote(text: string, data: Record<string, unknown>): void {
    this.#stored = Object.keys(data).filter((name) => !Object.hasOwn(this.#reserved, name));
    this.#baseline.become(text);
  }

  /** Browsers drop cookies that are too long, without a word, and nothing else would end the session. */
  async #refuseLong(token: string): Promise<void> {
    const { longestToken } = this.#settings;
    if (token.length <= longestToken) return;
    await this.#commands.destroy(token);
    const sizes = `the token has ${token.length} bytes, and a cookie holds ${longestToken} of them`;
    throw new SessionError("COOKIE_TOO_LARGE", `${sizes}: put less into the claims, and more into fields. The session was ended`);
  }

  #become(token: string, claims: Claims | undefined, owner: string | undefined): void {
    if (!claims) throw new Error("jrs-session: the server has answered with something that is no token");
    this.#handle.become(token, claims);
    this.id = claims.jti;
    this.claims = claims;
    this.jwt = token;
    if (owner !== undefined) this.#owner.become(owner);
  }

  #hasToken(): boolean {
    return Boolean(this.id && this.jwt);
  }

  #token(): string {
    return this.#handle.tokenFor(this);
  }

  /** After the application has ended the session. */
  #forget(): void {
    this.#owner.forget();
    this.#handle.ended = true;
  }

  #ended(): SessionError {
    this.#owner.forget();
    return new SessionError("SESSION_ENDED", "the session has ended; nothing was written");
  }
}

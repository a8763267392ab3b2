import { type Callback, callbackOrPromise, type PromiseOrNothing } from "./callback.js";
import type { Commands, StoredSession } from "./commands.js";
import { CurrentToken } from "./current-token.js";
import { isReused, SessionError } from "./errors.js";
import { dataFields, parsePatch } from "./fields.js";
import { mergePatch } from "./merge-patch.js";
import { Owner } from "./owner.js";
import { checkRecentAuth, type RecentAuthChecker } from "./recent-auth-checker.js";
import { SavedData } from "./saved-data.js";
import { SessionInfo, SessionSummary } from "./session-info.js";
import type { DestroyAllOptions, MintOptions, RotateOptions, SessionsOptions } from "./session-options.js";
import { reservedMembers, type SessionBase } from "./session-types.js";
import { type Claims, readClaims } from "./token.js";

/** What the sessions of one middleware have in common. */
export interface SessionSettings {
  /** Whether `toJSON` includes the token. */
  showsToken: boolean;
  /** The longest token in characters; `Infinity` if it need not fit into a cookie. */
  maxTokenLength: number;
}

/** The class behind the public type `Session`. Its own enumerable properties are the data. */
export class Session implements SessionBase, RecentAuthChecker {
  declare id?: string;
  declare claims?: Claims;
  declare jwt?: string;

  readonly #commands: Commands;
  readonly #settings: SessionSettings;
  readonly #replace: () => void;
  readonly #owner: Owner;
  readonly #token = new CurrentToken();
  readonly #saved = new SavedData();

  /** @param replace puts a new, empty session into the request */
  constructor(commands: Commands, settings: SessionSettings, replace: () => void) {
    this.#commands = commands;
    this.#settings = settings;
    this.#replace = replace;
    this.#owner = new Owner(commands.cluster);
  }

  get owner(): string {
    return this.#owner.value;
  }

  set owner(owner: string | number) {
    this.#owner.assign(owner);
  }

  create(claims?: object | Callback<string> | null, callback?: Callback<string>): PromiseOrNothing<string> {
    if (typeof claims === "function") return this.#settle(this.#create({}), claims as Callback<string>);
    return this.#settle(this.#create(claims ?? {}), callback);
  }

  update(callback?: Callback<"OK">): PromiseOrNothing<"OK"> {
    return this.#settle(this.#update(), callback);
  }

  save(callback?: Callback<string>): PromiseOrNothing<string> {
    return this.#settle(this.#save(), callback);
  }

  regenerate(callback?: Callback<void>): PromiseOrNothing<void> {
    return this.#settle(this.#regenerate(), callback);
  }

  merge(patch: object, callback?: Callback<"OK">): PromiseOrNothing<"OK"> {
    return this.#settle(this.#merge(patch), callback);
  }

  reload(callback?: Callback<void>): PromiseOrNothing<void> {
    return this.#settle(this.#reload(), callback);
  }

  touch(callback?: Callback<number>): PromiseOrNothing<number> {
    return this.#settle(this.#touch(), callback);
  }

  rotate(options?: RotateOptions | Callback<string>, callback?: Callback<string>): PromiseOrNothing<string> {
    if (typeof options === "function") return this.#settle(this.#rotate({}), options);
    return this.#settle(this.#rotate(options ?? {}), callback);
  }

  mint(options?: MintOptions | Callback<string>, callback?: Callback<string>): PromiseOrNothing<string> {
    if (typeof options === "function") return this.#settle(this.#mint({}), options);
    return this.#settle(this.#mint(options ?? {}), callback);
  }

  destroy(callback?: Callback<0 | 1>): PromiseOrNothing<0 | 1> {
    return this.#settle(this.#destroy(), callback);
  }

  sessions<T>(options?: SessionsOptions | Callback<T[]>, callback?: Callback<T[]>): PromiseOrNothing<T[]> {
    if (typeof options === "function") return this.#settle(this.#sessions({}) as Promise<T[]>, options);
    return this.#settle(this.#sessions(options ?? {}) as Promise<T[]>, callback);
  }

  destroyAll(options?: DestroyAllOptions | Callback<number>, callback?: Callback<number>): PromiseOrNothing<number> {
    if (typeof options === "function") return this.#settle(this.#destroyAll({}), options);
    return this.#settle(this.#destroyAll(options ?? {}), callback);
  }

  toJSON(): Record<string, unknown> {
    const json = dataFields(this, this.#token);
    if (this.claims !== undefined) json.claims = this.claims;
    if (this.jwt !== undefined && this.#settings.showsToken) json.jwt = this.jwt;
    return json;
  }

  get [reservedMembers](): Record<string, unknown> {
    return this.#saved.reserved;
  }

  async [checkRecentAuth](seconds: number): Promise<void> {
    const token = this.#token.of(this);
    this.#owner.checkForRecentAuth();
    if (!(await this.#settle(this.#commands.authenticatedWithin(token, seconds), undefined))) throw this.#gone();
  }

  /** For the middleware: makes `session` the stored session of a token. */
  static hydrate(session: Session, token: string, stored: StoredSession): void {
    session.#saved.load(session, stored.data);
    session.#setToken(token, stored.claims, stored.owner);
  }

  /** For the middleware: the token of `session`, unless this request has destroyed the session. */
  static activeToken(session: Session): string | undefined {
    return session.#token.active;
  }

  /** For the middleware: the name of a field with an unsaved change, `owner` for an unsaved owner, else undefined. */
  static unsavedField(session: Session): string | undefined {
    if (session.#token.destroyed) return undefined;
    return session.#owner.changed ? "owner" : session.#saved.firstChange(session.#data());
  }

  async #create(claims: { sub?: unknown }): Promise<string> {
    // The server writes the claim `sub` itself and refuses it here.
    const { sub, ...others } = claims;
    const owner = this.#owner.forCreate(sub);
    const data = this.#data();
    const text = JSON.stringify(data);
    const token = await this.#commands.create(owner, text, sub === undefined ? claims : others);
    await this.#refuseLongToken(token);
    this.#saved.replace(text, data);
    this.#setToken(token, readClaims(token), owner);
    return token;
  }

  async #update(): Promise<"OK"> {
    const token = this.#token.of(this);
    this.#owner.refuseChange();
    const data = this.#data();
    const text = JSON.stringify(data);
    if (!(await this.#commands.update(token, text, "REPLACE"))) throw this.#gone();
    this.#saved.replace(text, data);
    return "OK";
  }

  async #save(): Promise<string> {
    if (!this.#hasToken()) return this.#create({});
    await this.#update();
    return this.#token.of(this);
  }

  async #regenerate(): Promise<void> {
    await this.#destroy();
    // Passport can copy the fields of this session into the next one. It must not copy the invalid token.
    for (const name of ["id", "claims", "jwt"] as const) delete this[name];
    this.#replace();
  }

  async #merge(patch: object): Promise<"OK"> {
    const token = this.#token.of(this);
    this.#owner.refuseChange();
    const parsed = parsePatch(patch);
    if (!(await this.#commands.update(token, JSON.stringify(parsed), "MERGE"))) throw this.#gone();
    mergePatch(this, parsed);
    this.#saved.applyPatch(parsed);
    return "OK";
  }

  async #reload(): Promise<void> {
    const token = this.#token.of(this);
    const stored = await this.#commands.read("JRS.PEEK", token);
    if (!stored) throw this.#gone();
    this.#saved.load(this, stored.data);
    // Another request has rotated the session, and the token is in its grace.
    if (stored.claims.jti !== this.id) this.#setToken(token, stored.claims, stored.owner);
  }

  async #touch(): Promise<number> {
    const seconds = await this.#commands.touch(this.#token.of(this));
    if (seconds === 0) this.#owner.clear();
    return seconds;
  }

  async #rotate({ claims, reauth, grace }: RotateOptions): Promise<string> {
    const owner = this.#owner.forRotate();
    const token = await this.#commands.rotate(this.#token.of(this), { claims, owner, reauth, grace });
    if (token === undefined) throw this.#gone();
    await this.#refuseLongToken(token);
    this.#setToken(token, readClaims(token), owner);
    return token;
  }

  async #mint(options: MintOptions): Promise<string> {
    const token = this.#token.of(this);
    this.#owner.checkForMint();
    const minted = await this.#commands.mint(token, options);
    if (minted === undefined) throw this.#gone();
    return minted;
  }

  async #destroy(): Promise<0 | 1> {
    // A second logout is not an error: the first one has left the request without a session.
    if (!this.#hasToken()) {
      this.#token.destroyed = true;
      return 0;
    }
    const existed = await this.#commands.destroy(this.#token.of(this));
    this.#markDestroyed();
    return existed ? 1 : 0;
  }

  async #sessions(options: SessionsOptions): Promise<(SessionInfo | SessionSummary)[]> {
    this.#token.of(this);
    const { fields } = options;
    const listed = await this.#commands.list(this.#owner.forList(), options);
    return listed.map((session) => {
      const current = session.id === this.id;
      const revoke = async () => {
        const existed = await this.#commands.revoke(session.id);
        if (current) this.#markDestroyed();
        return existed;
      };
      return fields ? new SessionSummary(session, fields, current, revoke) : new SessionInfo(session, current, revoke);
    });
  }

  async #destroyAll({ keepCurrent }: DestroyAllOptions): Promise<number> {
    const token = this.#token.of(this);
    const count = await this.#commands.destroyAll(this.#owner.forList(), keepCurrent ? token : undefined);
    if (count === undefined) throw this.#gone();
    if (!keepCurrent) this.#markDestroyed();
    return count;
  }

  /** Passes the result of a command to the callback, or returns it. */
  #settle<T>(work: Promise<T>, callback: Callback<T> | undefined): PromiseOrNothing<T> {
    const settled = work.catch((error: unknown) => {
      if (isReused(error)) this.#owner.clear();
      throw error;
    });
    return callbackOrPromise(settled, callback);
  }

  /** The data to store. */
  #data(): Record<string, unknown> {
    return Object.assign(dataFields(this, this.#token), this.#saved.reserved);
  }

  /** Destroys a session whose token does not fit into the cookie. Browsers drop such a cookie silently. */
  async #refuseLongToken(token: string): Promise<void> {
    const { maxTokenLength } = this.#settings;
    if (token.length <= maxTokenLength) return;
    await this.#commands.destroy(token);
    const sizes = `the token has ${token.length} bytes, but the cookie can hold only ${maxTokenLength}`;
    throw new SessionError("COOKIE_TOO_LARGE", `${sizes}: use fewer claims and more fields. The session was destroyed`);
  }

  #setToken(token: string, claims: Claims | undefined, owner: string | undefined): void {
    if (!claims) throw new Error("jrs-session: the server replied with an invalid token");
    this.#token.set(token, claims);
    this.id = claims.jti;
    this.claims = claims;
    this.jwt = token;
    if (owner !== undefined) this.#owner.set(owner);
  }

  #hasToken(): boolean {
    return Boolean(this.id && this.jwt);
  }

  /** Call after the application has destroyed the session. */
  #markDestroyed(): void {
    this.#owner.clear();
    this.#token.destroyed = true;
  }

  /** The error for a session that the server does not have any more. */
  #gone(): SessionError {
    this.#owner.clear();
    return new SessionError("SESSION_ENDED", "the session has expired or was destroyed; nothing was written");
  }
}

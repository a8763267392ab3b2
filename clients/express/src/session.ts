import { type Callback, callbackOrPromise, type PromiseOrNothing } from "./callback.js";
import type { Commands, StoredSession } from "./commands.js";
import { CurrentToken } from "./current-token.js";
import { SessionError } from "./errors.js";
import { dataFields, parsePatch, splitStored } from "./fields.js";
import { isObject, mergePatch, setField } from "./merge-patch.js";
import { Owner } from "./owner.js";
import { SavedData } from "./saved-data.js";
import { SessionInfo } from "./session-info.js";
import { type DestroyAllOptions, type RotateOptions, reservedMembers, type SessionBase } from "./session-types.js";
import { type Claims, readClaims } from "./token.js";

/** What the sessions of one middleware have in common. */
export interface SessionSettings {
  /** Whether `toJSON` includes the token. */
  showsToken: boolean;
  /** The longest token in characters; `Infinity` if it need not fit into a cookie. */
  maxTokenLength: number;
}

/** The class behind the public type `Session`. Its own enumerable properties are the data. */
export class Session implements SessionBase {
  declare id?: string;
  declare claims?: Claims;
  declare jwt?: string;

  readonly #commands: Commands;
  readonly #settings: SessionSettings;
  readonly #replace: () => void;
  readonly #owner: Owner;
  readonly #token = new CurrentToken();
  readonly #saved = new SavedData();
  #reserved: Record<string, unknown> = {};
  /** The names of the fields that the server has stored. */
  #storedNames: string[] = [];

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
    if (typeof claims === "function") return callbackOrPromise(this.#create({}), claims as Callback<string>);
    return callbackOrPromise(this.#create(claims ?? {}), callback);
  }

  update(callback?: Callback<"OK">): PromiseOrNothing<"OK"> {
    return callbackOrPromise(this.#update(), callback);
  }

  save(callback?: Callback<string>): PromiseOrNothing<string> {
    return callbackOrPromise(this.#save(), callback);
  }

  regenerate(callback?: Callback<void>): PromiseOrNothing<void> {
    return callbackOrPromise(this.#regenerate(), callback);
  }

  merge(patch: object, callback?: Callback<"OK">): PromiseOrNothing<"OK"> {
    return callbackOrPromise(this.#merge(patch), callback);
  }

  reload(callback?: Callback<void>): PromiseOrNothing<void> {
    return callbackOrPromise(this.#reload(), callback);
  }

  touch(callback?: Callback<number>): PromiseOrNothing<number> {
    return callbackOrPromise(this.#touch(), callback);
  }

  rotate(options?: RotateOptions | Callback<string>, callback?: Callback<string>): PromiseOrNothing<string> {
    if (typeof options === "function") return callbackOrPromise(this.#rotate({}), options);
    return callbackOrPromise(this.#rotate(options ?? {}), callback);
  }

  destroy(callback?: Callback<0 | 1>): PromiseOrNothing<0 | 1> {
    return callbackOrPromise(this.#destroy(), callback);
  }

  sessions(callback?: Callback<SessionInfo[]>): PromiseOrNothing<SessionInfo[]> {
    return callbackOrPromise(this.#sessions(), callback);
  }

  destroyAll(options?: DestroyAllOptions | Callback<number>, callback?: Callback<number>): PromiseOrNothing<number> {
    if (typeof options === "function") return callbackOrPromise(this.#destroyAll({}), options);
    return callbackOrPromise(this.#destroyAll(options ?? {}), callback);
  }

  toJSON(): Record<string, unknown> {
    const json = dataFields(this, this.#token);
    if (this.claims !== undefined) json.claims = this.claims;
    if (this.jwt !== undefined && this.#settings.showsToken) json.jwt = this.jwt;
    return json;
  }

  get [reservedMembers](): Record<string, unknown> {
    return this.#reserved;
  }

  /** For the middleware: makes `session` the stored session of a token. */
  static hydrate(session: Session, token: string, stored: StoredSession): void {
    session.#loadData(stored.data);
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
    this.#markSaved(text, data);
    this.#setToken(token, readClaims(token), owner);
    return token;
  }

  async #update(): Promise<"OK"> {
    const token = this.#token.of(this);
    this.#owner.refuseChange();
    const data = this.#data();
    const text = JSON.stringify(data);
    if (!(await this.#commands.update(token, text, "REPLACE"))) throw this.#gone();
    this.#markSaved(text, data);
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
    this.#storedNames.push(...Object.keys(parsed));
    return "OK";
  }

  async #reload(): Promise<void> {
    const stored = await this.#commands.read("JRS.PEEK", this.#token.of(this));
    if (!stored) throw this.#gone();
    this.#loadData(stored.data);
  }

  async #touch(): Promise<number> {
    const seconds = await this.#commands.touch(this.#token.of(this));
    if (seconds === 0) this.#owner.clear();
    return seconds;
  }

  async #rotate({ claims, reauth }: RotateOptions): Promise<string> {
    const owner = this.#owner.forRotate();
    const token = await this.#commands.rotate(this.#token.of(this), { claims, owner, reauth });
    if (token === undefined) throw this.#gone();
    await this.#refuseLongToken(token);
    this.#setToken(token, readClaims(token), owner);
    return token;
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

  async #sessions(): Promise<SessionInfo[]> {
    this.#token.of(this);
    const listed = await this.#commands.list(this.#owner.forList());
    return listed.map((session) => {
      const current = session.id === this.id;
      return new SessionInfo(session, current, async () => {
        const existed = await this.#commands.revoke(session.id);
        if (current) this.#markDestroyed();
        return existed;
      });
    });
  }

  async #destroyAll({ keepCurrent }: DestroyAllOptions): Promise<number> {
    const token = this.#token.of(this);
    const count = await this.#commands.destroyAll(this.#owner.forList(), keepCurrent ? token : undefined);
    if (count === undefined) throw this.#gone();
    if (!keepCurrent) this.#markDestroyed();
    return count;
  }

  /** Sets the fields to stored data, and removes fields that were stored before and are not any more. */
  #loadData(text: string): void {
    const data: unknown = JSON.parse(text);
    if (!isObject(data)) throw new SyntaxError("jrs-session: the stored data must be a JSON object");
    const { fields, reserved } = splitStored(data);
    for (const [name, value] of Object.entries(fields)) setField(this, name, value);
    for (const name of this.#storedNames) if (!Object.hasOwn(data, name)) Reflect.deleteProperty(this, name);
    this.#storedNames = Object.keys(fields);
    this.#reserved = reserved;
    this.#saved.set(text);
  }

  /** The data to store. */
  #data(): Record<string, unknown> {
    return Object.assign(dataFields(this, this.#token), this.#reserved);
  }

  /** Call after `data`, as the JSON `text`, was stored. */
  #markSaved(text: string, data: Record<string, unknown>): void {
    this.#storedNames = Object.keys(data).filter((name) => !Object.hasOwn(this.#reserved, name));
    this.#saved.set(text);
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

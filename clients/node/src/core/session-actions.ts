import type { Commands, StoredSession } from "./commands.js";
import { CurrentToken, type SessionProperties } from "./current-token.js";
import { cookieTooLarge, headersSent, isEnded, isReused, SessionError } from "./errors.js";
import { dataFields, parsePatch } from "./fields.js";
import { mergePatch } from "./merge-patch.js";
import { Owner } from "./owner.js";
import { type FieldChange, SavedData, toJsonPatch } from "./saved-data.js";
import type { SessionHost } from "./session-host.js";
import { SessionInfo, SessionSummary } from "./session-info.js";
import type {
  DestroyAllOptions,
  LogInOptions,
  MintOptions,
  RotateOptions,
  SessionsOptions,
} from "./session-options.js";
import { type Claims, readClaims } from "./token.js";

/** What the methods of a session do, without callbacks. */
export class SessionActions {
  readonly owner: Owner;
  readonly token = new CurrentToken();
  readonly saved = new SavedData();
  readonly #commands: Commands;
  readonly #host: SessionHost;
  readonly #session: SessionProperties;

  constructor(host: SessionHost, session: SessionProperties) {
    this.#host = host;
    this.#commands = host.commands;
    this.#session = session;
    this.owner = new Owner(host.commands.cluster);
  }

  /** Makes this the stored session of a token. */
  hydrate(token: string, stored: StoredSession): void {
    this.saved.load(this.#session, stored.data);
    this.#setToken(token, stored.claims, stored.owner);
  }

  /** The name of a field with an unsaved change, `owner` for an unsaved owner, else undefined. */
  unsavedField(): string | undefined {
    if (this.token.destroyed) return undefined;
    return this.owner.changed ? "owner" : this.saved.firstChange(this.#data());
  }

  /**
   * Saves the changed fields and no others, so that changes of other requests are kept. Creates a session if the request
   * has none and a field or the owner is set, unless its session could not be read.
   *
   * @returns undefined if there is nothing to save
   * @throws SessionError
   */
  saveChanges(): Promise<unknown> | undefined {
    if (this.token.destroyed || this.token.ended) return undefined;
    if (this.hasToken) {
      this.owner.refuseChange();
      return this.#saveFields();
    }
    return this.unsavedField() === undefined ? undefined : this.save();
  }

  async create(claims: { sub?: unknown }): Promise<string> {
    if (this.#host.headersSent) throw headersSent();
    return this.#create(claims);
  }

  async #create(claims: { sub?: unknown }): Promise<string> {
    // The server writes the claim `sub` itself and refuses it here.
    const { sub, ...others } = claims;
    const owner = this.owner.forCreate(sub);
    const data = this.#data();
    const text = JSON.stringify(data);
    await this.#host.beforeCreate();
    const token = await this.#commands.create(owner, text, sub === undefined ? claims : others);
    await this.#refuseLongToken(token);
    this.saved.replace(text, data);
    this.#setToken(token, readClaims(token), owner);
    this.#host.tokenChanged();
    return token;
  }

  async update(): Promise<"OK"> {
    const token = this.#currentToken();
    this.owner.refuseChange();
    const data = this.#data();
    const text = JSON.stringify(data);
    if (!(await this.#commands.update(token, text, "REPLACE"))) throw this.#gone();
    this.saved.replace(text, data);
    return "OK";
  }

  async save(): Promise<string> {
    if (!this.hasToken) {
      this.token.refuseUnread();
      return this.create({});
    }
    await this.update();
    return this.#currentToken();
  }

  async regenerate(): Promise<void> {
    await this.destroy();
    // Passport can copy the fields of this session into the next one. It must not copy the invalid token.
    this.#forgetToken();
    this.#host.replaceSession();
  }

  async logIn(owner: string | number, { claims }: LogInOptions): Promise<string> {
    if (this.#host.headersSent) throw headersSent();
    const isOthers = this.owner.checkForLogIn(owner);
    if (this.token.destroyed || this.token.ended || isOthers) {
      if (isOthers) await this.destroy();
      this.#dropFields();
    } else if (this.hasToken && this.#commands.cluster && this.owner.value === "") {
      // The session of the user is on another node. It gets the fields of this one.
      await this.destroy();
      this.#forgetToken();
    } else if (this.token.unread) await this.destroy();
    return this.owner.assignFor(owner, () => this.#logIn(claims));
  }

  async #logIn(claims: object | undefined): Promise<string> {
    if (this.hasToken) {
      try {
        await this.#saveFields();
        return await this.#rotate({ claims, reauth: true });
      } catch (error) {
        if (!isEnded(error)) throw error;
        // The session has ended since it was read, so its data is not stored again. The user has authenticated.
        this.#dropFields();
      }
    }
    return this.#create(claims ?? {});
  }

  async merge(patch: object): Promise<"OK"> {
    const token = this.#currentToken();
    this.owner.refuseChange();
    const parsed = parsePatch(patch);
    if (!(await this.#commands.update(token, JSON.stringify(parsed), "MERGE"))) throw this.#gone();
    mergePatch(this.#session, parsed);
    this.saved.applyPatch(parsed);
    return "OK";
  }

  async reload(): Promise<void> {
    const stored = await this.#commands.read("JRS.PEEK", this.#currentToken());
    if (!stored) throw this.#gone();
    this.saved.load(this.#session, stored.data);
    // Another request has rotated the session, and the token is in its grace.
    if (stored.claims.jti !== this.#session.id) this.#setToken(this.#currentToken(), stored.claims, stored.owner);
  }

  async touch(): Promise<number> {
    const seconds = await this.#commands.touch(this.#currentToken());
    if (seconds === 0) this.#gone();
    return seconds;
  }

  async rotate(options: RotateOptions): Promise<string> {
    if (this.#host.headersSent) throw headersSent();
    return this.#rotate(options);
  }

  async #rotate({ claims, reauth, grace }: RotateOptions): Promise<string> {
    const owner = this.owner.forRotate();
    const token = await this.#commands.rotate(this.#currentToken(), { claims, owner, reauth, grace });
    if (token === undefined) throw this.#gone();
    await this.#refuseLongToken(token);
    this.#setToken(token, readClaims(token), owner);
    this.#host.tokenChanged();
    return token;
  }

  async mint(options: MintOptions): Promise<string> {
    const token = this.#currentToken();
    this.owner.checkForMint();
    const minted = await this.#commands.mint(token, options);
    if (minted === undefined) throw this.#gone();
    return minted;
  }

  async destroy(): Promise<0 | 1> {
    const existed = await this.#destroyStored();
    this.#markDestroyed();
    return existed ? 1 : 0;
  }

  async #destroyStored(): Promise<boolean> {
    if (this.hasToken) return this.#commands.destroy(this.#currentToken());
    const { unread } = this.token;
    // A second logout is not an error: the first one has left the request without a session.
    return unread !== undefined && this.#commands.destroyUnverified(unread.token);
  }

  async sessions(options: SessionsOptions): Promise<(SessionInfo | SessionSummary)[]> {
    this.#currentToken();
    const { fields } = options;
    const listed = await this.#commands.list(this.owner.forList(), options);
    return listed.map((session) => {
      const current = session.id === this.#session.id;
      const revoke = async () => {
        const existed = await this.#commands.revoke(session.id);
        if (current) this.#markDestroyed();
        return existed;
      };
      return fields ? new SessionSummary(session, fields, current, revoke) : new SessionInfo(session, current, revoke);
    });
  }

  async destroyAll({ keepCurrent }: DestroyAllOptions): Promise<number> {
    const token = this.#currentToken();
    const count = await this.#commands.destroyAll(this.owner.forList(), keepCurrent ? token : undefined);
    if (count === undefined) throw this.#gone();
    if (!keepCurrent) this.#markDestroyed();
    return count;
  }

  async checkRecentAuth(seconds: number): Promise<void> {
    const token = this.#currentToken();
    this.owner.checkForRecentAuth();
    if (!(await this.#commands.authenticatedWithin(token, seconds))) throw this.#gone();
  }

  /** Call with the error of a method. */
  failed(error: unknown): void {
    if (isReused(error)) this.#markDestroyed();
  }

  /** Whether the session has a token. It may have been destroyed. */
  get hasToken(): boolean {
    return Boolean(this.#session.id && this.#session.jwt);
  }

  /** Sends the changed fields. @returns undefined if there are none */
  #saveFields(): Promise<void> | undefined {
    const data = this.#data();
    const changes = this.saved.changes(data);
    return changes && this.#sendChanges(changes, data);
  }

  async #sendChanges(changes: FieldChange[], data: Record<string, unknown>): Promise<void> {
    const text = JSON.stringify(data);
    if (!(await this.#commands.update(this.#currentToken(), toJsonPatch(changes), "PATCH"))) throw this.#gone();
    this.saved.replace(text, data);
  }

  #currentToken(): string {
    return this.token.of(this.#session);
  }

  /** The data to store. */
  #data(): Record<string, unknown> {
    return this.saved.withReserved(dataFields(this.#session, this.token));
  }

  /** Destroys a session whose token does not fit into the cookie. Browsers drop such a cookie silently. */
  async #refuseLongToken(token: string): Promise<void> {
    const { maxTokenLength } = this.#host;
    if (token.length <= maxTokenLength) return;
    await this.#commands.destroy(token);
    this.#markDestroyed();
    throw cookieTooLarge(token.length, maxTokenLength);
  }

  #setToken(token: string, claims: Claims | undefined, owner: string | undefined): void {
    if (!claims) throw new Error("jrs-session: the server replied with an invalid token");
    this.token.set(token, claims);
    this.#session.id = claims.jti;
    this.#session.claims = claims;
    this.#session.jwt = token;
    if (owner !== undefined) this.owner.set(owner);
  }

  #forgetToken(): void {
    for (const name of ["id", "claims", "jwt"] as const) delete this.#session[name];
  }

  /** Drops the token and all fields. */
  #dropFields(): void {
    for (const name of Object.keys(this.#session)) Reflect.deleteProperty(this.#session, name);
    this.saved.clear();
  }

  /** Call after this request has destroyed the session, or has found none to destroy. */
  #markDestroyed(): void {
    this.owner.clear();
    this.token.destroyed = true;
    this.token.unread = undefined;
    this.#host.sessionDestroyed();
  }

  /** Call if the server does not have the session any more. @returns the error of methods that need it */
  #gone(): SessionError {
    this.owner.clear();
    this.token.ended = true;
    return new SessionError("SESSION_ENDED", "the session has expired or was destroyed; nothing was written");
  }
}

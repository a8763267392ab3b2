import type { Commands, StoredSession } from "./commands.js";
import { MAX_COOKIE_AGE, type TokenCookie } from "./cookie.js";
import { isEnded, isReused, isTokenRefused } from "./errors.js";
import { isUnavailable } from "./is-unavailable.js";
import { Owner } from "./owner.js";
import type { CookieListener, RequestSettings } from "./request-settings.js";
import { RunningMethods } from "./running-methods.js";
import { Session } from "./session.js";
import type { SessionActions } from "./session-actions.js";
import type { SessionHost } from "./session-host.js";
import type { Session as PublicSession } from "./session-types.js";
import { readClaims } from "./token.js";
import { headerOf, type RequestLike } from "./token-source.js";

/**
 * The session of one request. An adapter for a framework calls {@link RequestSession.load} before the application runs,
 * {@link RequestSession.finish} before the response ends, and then {@link RequestSession.setCookie} before the headers
 * are sent.
 */
export class RequestSession implements SessionHost {
  /** @internal */
  readonly commands: Commands;
  /** @internal */
  readonly maxTokenLength: number;
  readonly #settings: RequestSettings;
  readonly #request: RequestLike;
  readonly #original: unknown;
  readonly #running = new RunningMethods();
  #session: Session;
  #actions: SessionActions;
  /** The token that came with the request, if the server has found its session. */
  #received: string | undefined;
  /** The id of that session, before a rotation. */
  #receivedId: string | undefined;
  /** Whether the application has destroyed the session, or the server has answered that its token is reused. */
  #hasDestroyed = false;
  /** The `Max-Age` in seconds with which the cookie must be sent again; 0 without an end; undefined: not to be sent. */
  #renewal: number | undefined;
  #hasRenewed = false;
  #discarded = false;
  #finished = false;
  /** Whether the adapter has asked for the cookie. */
  #isCookieSet = false;

  /** Set by an adapter whose framework can send the headers before {@link RequestSession.setCookie} is called. */
  response: { readonly headersSent: boolean } | undefined;

  /** Set by an adapter for a framework without a hook that all responses pass. */
  cookieListener: CookieListener | undefined;

  /** Called after `regenerate` has put another session into the request. */
  onReplace: (() => void) | undefined;

  /** @internal */
  constructor(settings: RequestSettings, request: RequestLike, original: unknown) {
    this.#settings = settings;
    this.#request = request;
    this.#original = original;
    this.commands = settings.commands;
    this.maxTokenLength = settings.cookie?.maxTokenLength ?? Number.POSITIVE_INFINITY;
    this.#session = new Session(this, settings.cookie === undefined);
    this.#actions = Session.actions(this.#session);
  }

  /** The session; null after {@link RequestSession.discard}. */
  get session(): PublicSession | null {
    return this.#discarded ? null : (this.#session as unknown as PublicSession);
  }

  /** Destroys the session in {@link RequestSession.finish}: what `request.session = null` means. */
  discard(): void {
    this.#discarded = true;
  }

  /**
   * Reads the token and loads its session. The request has an empty session if there is no token or no session.
   *
   * @returns undefined if there is nothing to wait for. The promise rejects with an error that the request must fail with.
   */
  load(): Promise<void> | undefined {
    const { readToken, cookie } = this.#settings;
    // A repeated parameter is an array, which is not a token.
    const found = readToken?.(this.#request) || undefined;
    if (found !== undefined) return typeof found === "string" ? this.#load(found, false) : undefined;
    const token = cookie?.read(headerOf(this.#request, "cookie"));
    return token ? this.#load(token, true) : undefined;
  }

  /**
   * Waits for methods of the session that still run. Destroys a discarded session; with `autoSave`, saves changed fields, and creates the session if the request has none.
   * Only the first call does something.
   *
   * @returns undefined if there is nothing to do. The promise rejects with an error that the request must fail with.
   */
  finish(): Promise<unknown> | undefined {
    // Otherwise the cookie of a new token would be lost.
    const running = this.#running.finished();
    if (running !== undefined) return running.then(() => this.finish());
    if (this.#finished) return undefined;
    this.#finished = true;
    if (this.#discarded) return this.#destroyDiscarded();
    if (!this.#settings.autoSave) return undefined;
    try {
      return this.#actions.saveChanges()?.catch((error: unknown) => {
        // Another request has destroyed the session, for instance by a logout. It is not created again.
        if (!isEnded(error)) throw error;
      });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * The same for what the application changes while the body of the response is sent. Call it after
   * {@link RequestSession.finish} was successful, and after {@link RequestSession.setCookie}.
   */
  finishBody(): Promise<unknown> | undefined {
    this.#finished = false;
    return this.finish();
  }

  /**
   * The header `Set-Cookie` that the response needs. Afterwards, no method can change the token. A response with it also needs `Vary: Cookie`, see `varyByCookie`.
   *
   * @param existing the headers `Set-Cookie` that the response already has
   * @returns undefined if it needs none, or if the application itself has set the cookie
   */
  setCookie(existing?: unknown): string | undefined {
    const { cookie } = this.#settings;
    this.#isCookieSet = true;
    if (!cookie || cookie.isIn(existing)) return undefined;
    const { token } = this.#actions;
    const active = token.active;
    if (active === undefined) return this.#mustClear(cookie) ? cookie.clear() : undefined;
    if (active === this.#received) return this.#mustRenew() ? cookie.set(active, this.#renewal ?? 0) : undefined;
    this.#rememberCookie(token.id);
    return cookie.set(active, this.#lifetime());
  }

  /** The name of a field with an unsaved change, or undefined. */
  get unsavedField(): string | undefined {
    try {
      return this.#actions.unsavedField();
    } catch {
      return undefined; // a field that cannot be stored: update() reports it
    }
  }

  /** @internal */
  get headersSent(): boolean {
    if (this.#settings.cookie === undefined) return false;
    return this.#isCookieSet || this.response?.headersSent === true;
  }

  /** @internal */
  beforeCreate(): Promise<unknown> | undefined {
    if (!this.#settings.cookie?.persistent) return undefined;
    const settings = this.#settings.realm.settings();
    return settings instanceof Promise ? settings : undefined;
  }

  /** @internal */
  replaceSession(): void {
    this.#session = new Session(this, this.#settings.cookie === undefined);
    this.#actions = Session.actions(this.#session);
    this.onReplace?.();
  }

  /** @internal */
  methodBegins(): void {
    this.#running.begin();
    this.cookieListener?.methodBegins();
  }

  /** @internal */
  methodEnds(): void {
    this.#running.end();
  }

  /** @internal */
  tokenChanged(): void {
    // Requests on their way with the old token must not replace the new cookie.
    this.#rememberCookie(this.#receivedId);
    this.cookieListener?.cookieChanged();
  }

  /** @internal */
  sessionDestroyed(): void {
    this.#hasDestroyed = true;
    this.#rememberCookie(this.#receivedId);
    this.cookieListener?.cookieChanged();
  }

  /** Without `async` and `await`, because each of them costs promises and turns of the microtask queue. */
  #load(token: string, isFromCookie: boolean): Promise<void> {
    return this.commands.read("JRS.GET", token).then(
      (stored) => this.#accept(token, stored, isFromCookie),
      (error: unknown) => this.#refuse(token, error, isFromCookie),
    );
  }

  #accept(token: string, stored: StoredSession | undefined, isFromCookie: boolean): void {
    // The cookie of a session that is gone stays: this request may be answered after a login or a rotation, whose response
    // has set a new one.
    if (!stored) return;
    this.#actions.hydrate(token, stored);
    this.#received = token;
    this.#receivedId = stored.claims.jti;
    if (isFromCookie) this.#planRenewal(stored);
  }

  /** Call with the error of reading the session. @throws the error, if the request must fail with it */
  async #refuse(token: string, error: unknown, isFromCookie: boolean): Promise<void> {
    if (this.#settings.failOpen && isUnavailable(error)) this.#actions.token.unread = { token, error };
    else if (isReused(error)) {
      if (isFromCookie) this.sessionDestroyed();
      await this.#reportReuse(token);
    } else if (!isTokenRefused(error)) throw error;
  }

  #destroyDiscarded(): Promise<unknown> | undefined {
    const { token, hasToken } = this.#actions;
    if (token.destroyed) return undefined;
    if (hasToken || token.unread) return this.#session.destroy();
    this.sessionDestroyed();
    return undefined;
  }

  /**
   * The cookie is sent again when the session slides. A browser that has a token of less than a tenth of the time to live
   * has a fresh cookie; and a token that was rotated must not replace the next one.
   */
  #planRenewal({ claims, ttl, replaced }: StoredSession): void {
    if (!this.#settings.cookie?.persistent || replaced) return;
    const age = Date.now() / 1000 - (claims.iat ?? 0);
    if (age < renewalInterval(ttl) || this.#wasSentWithin(renewalInterval(ttl))) return;
    this.#renewal = ttl;
    this.cookieListener?.cookieChanged();
  }

  /** Whether no other request has renewed the cookie in the meantime. Called for each attempt to send the headers. */
  #mustRenew(): boolean {
    // A token whose session has ended is not sent again: another request may have set a new one.
    if (this.#renewal === undefined || this.#actions.token.ended) return false;
    if (this.#hasRenewed) return true;
    if (this.#wasSentWithin(renewalInterval(this.#renewal))) return false;
    this.#hasRenewed = true;
    this.#rememberCookie(this.#receivedId);
    return true;
  }

  #wasSentWithin(seconds: number): boolean {
    return this.#settings.recentCookies.has(this.#receivedId ?? "", seconds, performance.now() / 1000);
  }

  #rememberCookie(id: string | undefined): void {
    if (id === undefined || !this.#settings.cookie?.persistent) return;
    this.#settings.recentCookies.add(id, performance.now() / 1000);
  }

  /** Only the cookie of a session that this request has destroyed is cleared, and only if the browser has one. */
  #mustClear(cookie: TokenCookie): boolean {
    return this.#hasDestroyed && cookie.read(headerOf(this.#request, "cookie")) !== undefined;
  }

  /** How many seconds a session with the current token lives if it is not used. */
  #lifetime(): number {
    const { claims } = this.#actions.token;
    if (typeof claims?.ttl === "number") return claims.ttl;
    const { maxAge = 0, anonymousMaxAge = 0 } = this.#settings.realm.knownSettings ?? {};
    return claims?.sub ? maxAge : anonymousMaxAge || maxAge;
  }

  /** Calls the function of the application for a token that came again after its grace. */
  async #reportReuse(token: string): Promise<void> {
    const { onReuse } = this.#settings;
    const claims = readClaims(token);
    if (!onReuse || !claims) return;
    const owner = new Owner(this.commands.cluster);
    owner.set(claims.sub ?? "");
    await onReuse({ owner: owner.value, claims, request: this.#original });
  }
}

/** A session's cookie is renewed at most once in this time. @param ttl seconds; 0 without an end */
function renewalInterval(ttl: number): number {
  return (ttl || MAX_COOKIE_AGE) / 10;
}

import { connectionOf } from "../clients/index.js";
import { connectionCheck } from "../clients/never-connected.js";
import { redactError } from "../clients/redact.js";
import { withTimeout } from "../clients/timeout.js";
import { Commands } from "./commands.js";
import { TokenCookie } from "./cookie.js";
import { type CoreOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { Realm } from "./realm.js";
import { RecentCookies } from "./recent-cookies.js";
import { RequestSession } from "./request-session.js";
import type { RequestSettings } from "./request-settings.js";
import type { Session } from "./session-types.js";
import { type RequestLike, tokenReader } from "./token-source.js";

/**
 * Creates what an adapter for a framework needs to give each request its session.
 *
 * @throws TypeError if an option is invalid
 * @example
 * ```js
 * const sessions = createSessions({ client, cookie: true });
 * ```
 */
export function createSessions(options: CoreOptions): Sessions {
  return new Sessions(resolveOptions(options));
}

/** Two middlewares with equal values provide the same session. */
interface Origin {
  readonly client: object;
  /** The realm, and where tokens come from. */
  readonly source: string;
}

/** The sessions of one realm, without a framework. */
export class Sessions {
  readonly #settings: RequestSettings;
  /** @internal */
  readonly origin: Origin;
  #hasWarned = process.env.NODE_ENV === "production";

  /** @internal */
  constructor({ client, realm, requestArg, bearer, cookie, timeout, autoSave, failOpen, onReuse }: ResolvedOptions) {
    const checkConnected = connectionCheck(client);
    const connection = withTimeout(connectionOf(client), timeout, (error, command, key) => {
      redactError(error, command, key);
      return checkConnected(error);
    });
    const newRealm = new Realm(connection, realm);
    this.origin = { client, source: JSON.stringify([realm, requestArg, bearer, cookie]) };
    this.#settings = {
      commands: new Commands(connection, newRealm),
      realm: newRealm,
      readToken: tokenReader({ requestArg, bearer }),
      cookie: cookie && new TokenCookie(cookie),
      recentCookies: new RecentCookies(),
      autoSave,
      failOpen,
      onReuse,
    };
  }

  /** The option of the same name. */
  get autoSave(): boolean {
    return this.#settings.autoSave;
  }

  /** Whether the token is kept in a cookie. */
  get usesCookie(): boolean {
    return this.#settings.cookie !== undefined;
  }

  /**
   * Begins a request. Its session is empty until {@link RequestSession.load} is done.
   *
   * @param request where the token is read from
   * @param original the request of the framework, which `onReuse` gets
   * @example
   * ```js
   * const opened = sessions.open({ headers, url });
   * await opened.load();
   * ```
   */
  open(request: RequestLike, original: unknown = request): RequestSession {
    return new RequestSession(this.#settings, request, original);
  }

  /**
   * The session of a plain request, such as the upgrade request of a WebSocket. It is empty if the request has no token
   * of a live session. No cookie can be set.
   *
   * @example
   * ```js
   * server.on("upgrade", async (request, socket) => {
   *   const session = await sessions.getSession(request);
   *   if (!session.owner) socket.destroy();
   * });
   * ```
   */
  async getSession(request: RequestLike): Promise<Session> {
    const opened = this.open(request);
    await opened.load();
    return opened.session as Session;
  }

  /** Whether `other`, which may be of another copy of this package, has the same sessions. */
  isSameAs(other: Sessions): boolean {
    return this.origin.client === other.origin.client && this.origin.source === other.origin.source;
  }

  /**
   * Whether {@link Sessions.warnIfUnsaved} may still warn: without `autoSave`, once per process, not in production.
   */
  get mayWarn(): boolean {
    return !this.#hasWarned && !this.autoSave;
  }

  /** Warns if a request ends with unsaved changes. Libraries for `express-session` do not save the session themselves. */
  warnIfUnsaved(opened: RequestSession): void {
    const field = this.mayWarn ? opened.unsavedField : undefined;
    if (field === undefined) return;
    this.#hasWarned = true;
    const message =
      `a request has changed its session ('${field}') but did not save it: ` +
      "call save(), update() or merge(), or set the option autoSave";
    process.emitWarning(message, { type: "JrsSessionWarning", code: "JRS_UNSAVED" });
  }
}

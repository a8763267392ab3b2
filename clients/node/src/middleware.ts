import { canAutoSave, isResponse, saveBeforeEnd } from "./auto-save.js";
import { connectionOf } from "./clients/index.js";
import { connectionCheck } from "./clients/never-connected.js";
import { redactError } from "./clients/redact.js";
import { withTimeout } from "./clients/timeout.js";
import { Commands, type StoredSession } from "./commands.js";
import { isReused, isTokenRefused } from "./errors.js";
import { isUnavailable } from "./is-unavailable.js";
import { type Options, resolveOptions } from "./options.js";
import { Owner } from "./owner.js";
import { Realm } from "./realm.js";
import { isInstalled, RequestSession, type SessionRequest } from "./request-session.js";
import { Session } from "./session.js";
import { readClaims } from "./token.js";
import { type TokenSources, tokenReader } from "./token-source.js";
import { unsavedWarning } from "./unsaved-warning.js";

/**
 * A middleware for Express, and for other frameworks that call middlewares in the same way.
 *
 * @example
 * ```js
 * server.on("upgrade", (request) => middleware(request, {}, (error) => accept(error, request.session)));
 * ```
 */
// biome-ignore lint/suspicious/noExplicitAny: it fits requests and responses of several frameworks
export type Middleware = (request: any, response: any, next: (error?: any) => void) => void;

/** The largest cookie, name and value in bytes, that browsers keep (RFC 6265bis, section 5.6). */
const MAX_COOKIE_SIZE = 4096;

/**
 * Creates the middleware. It reads the token of a request, lets Redis verify it, and adds the session to the request.
 * Without a token, or if Redis refuses the token, the session is empty and has no `id`.
 *
 * @throws TypeError if an option is invalid
 * @example
 * ```js
 * const client = createClient();
 * await client.connect();
 * app.use(jrsSession({ client }));
 * ```
 */
export function jrsSession(options: Options): Middleware {
  const resolved = resolveOptions(options);
  const { client, realm, requestKey, failOpen, timeout, autoSave, cookieOptions, onReuse, ...sources } = resolved;
  const checkConnected = connectionCheck(client);
  const connection = withTimeout(connectionOf(client), timeout, (error, command, key) => {
    redactError(error, command, key);
    return checkConnected(error);
  });
  const commands = new Commands(connection, new Realm(connection, realm));
  const readToken = tokenReader(sources);
  const origin = { client, realm, sources };
  const warnIfUnsaved = autoSave ? undefined : unsavedWarning();
  const { cookie } = sources;
  const settings = {
    // An httpOnly cookie hides the token from scripts of the page; a reply must not show it to them.
    showsToken: cookie === undefined,
    maxTokenLength: usesCookieOnly(sources, autoSave)
      ? MAX_COOKIE_SIZE - (cookie?.length ?? 0)
      : Number.POSITIVE_INFINITY,
  };

  return function jrsSession(request: SessionRequest, response: unknown, next): void {
    if (isInstalled(request, requestKey, origin)) {
      next();
      return;
    }
    const holder = new RequestSession(commands, settings);
    const saves = autoSave && cookie !== undefined && canAutoSave(response);
    holder.install(request, requestKey, origin, saves);
    if (saves) saveBeforeEnd(request, response, next, holder, { requestKey, cookie, cookieOptions });
    else if (autoSave && isResponse(response)) {
      next(new TypeError("jrs-session: 'autoSave' needs res.cookie of Express"));
      return;
    }
    warnIfUnsaved?.(response, holder);
    const token = readToken(request);
    if (!token) {
      next();
      return;
    }
    // nextTick keeps exceptions of the application out of the promise chain: they are not errors of Redis.
    void load(request, holder, token).then((error) => process.nextTick(next, error));
  };

  /** Loads the session of a token. @returns an error that the request must fail with */
  async function load(request: SessionRequest, holder: RequestSession, token: string): Promise<unknown> {
    let stored: StoredSession | undefined;
    try {
      stored = await commands.read("JRS.GET", token);
    } catch (error) {
      if (isReused(error)) return reportReuse(request, holder, token);
      return isTokenRefused(error) || (failOpen && isUnavailable(error)) ? undefined : error;
    }
    if (!stored) return undefined;
    try {
      Session.hydrate(holder.session, token, stored);
      holder.receivedToken = token;
      return undefined;
    } catch (error) {
      return error; // the stored data is invalid, so failOpen does not apply
    }
  }

  /** Reports a token that came again after its grace. @returns the error of the application's function */
  async function reportReuse(request: SessionRequest, holder: RequestSession, token: string): Promise<unknown> {
    holder.receivedToken = token; // autoSave clears its cookie: no token of this session is valid any more
    const claims = readClaims(token);
    if (!onReuse || !claims) return undefined;
    const owner = new Owner(commands.cluster);
    owner.set(claims.sub ?? "");
    try {
      await onReuse({ owner: owner.value, claims, request });
      return undefined;
    } catch (error) {
      return error;
    }
  }
}

function usesCookieOnly({ requestArg, bearer, cookie }: TokenSources, autoSave: boolean): boolean {
  return cookie !== undefined && (autoSave || (requestArg === false && !bearer));
}

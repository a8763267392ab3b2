import { isResponse } from "./auto-save.js";
import { isTokenRefused, SessionError } from "./errors.js";
import { isObject } from "./merge-patch.js";
import type { Middleware } from "./middleware.js";
import { checkRecentAuth, type RecentAuthChecker } from "./recent-auth-checker.js";
import type { SessionRequest } from "./request-session.js";

/**
 * Options of `requireRecentAuth`.
 *
 * @example
 * ```js
 * const options = { onStale: (req, res) => res.redirect(`/confirm?next=${encodeURIComponent(req.originalUrl)}`) };
 * ```
 */
export interface RequireRecentAuthOptions {
  /**
   * Answers a request whose user authenticated too long ago. The route is called only if the handler calls `next()`.
   *
   * @default status 401 with `WWW-Authenticate: Bearer error="insufficient_user_authentication", …` (RFC 9470)
   */
  onStale?: Middleware | undefined;

  /**
   * The name of the session in the request, as in the options of `jrsSession`.
   *
   * @default "session"
   */
  requestKey?: string | undefined;
}

/** The part of a Node.js response that answers a request without Express. */
interface PlainResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(): unknown;
}

/** The largest age that the server accepts: a year. */
const MAX_AGE = 365 * 86_400;

/** The codes of the errors for a request that is not logged in. */
const NOT_LOGGED_IN: ReadonlySet<string> = new Set(["INVALID_SESSION", "SESSION_ENDED", "TOKEN_REUSED", "NO_OWNER"]);

/**
 * Creates a middleware that lets a request pass only if its user has authenticated in the last `seconds`. It asks the
 * server, which decides by its own clock. Add it after `jrsSession`, to the routes that need it.
 *
 * Without a session, or with an anonymous one, the status is 401. If the server cannot be asked, the request fails with `next(error)`, even with
 * `failOpen`.
 *
 * @throws TypeError if an argument is invalid
 * @example
 * ```js
 * app.post("/email", requireRecentAuth(300), changeEmail);
 * // after the user has entered the password again: await req.session.rotate({ reauth: true })
 * ```
 */
export function requireRecentAuth(seconds: number, options: RequireRecentAuthOptions = {}): Middleware {
  checkArguments(seconds, options);
  const { onStale, requestKey = "session" } = options;

  return function requireRecentAuth(request: SessionRequest, response: unknown, next): void {
    // nextTick keeps exceptions of the application out of the promise chain: they are not errors of Redis.
    check(request[requestKey], requestKey, seconds).then(
      () => process.nextTick(next),
      (error: unknown) => process.nextTick(refuse, error, request, response, next),
    );
  };

  function refuse(error: unknown, request: SessionRequest, response: unknown, next: (error: unknown) => void): void {
    if (isStale(error) && onStale) callHandler(onStale, request, response, next);
    else if (!isResponse(response) || !(isStale(error) || isNotLoggedIn(error))) next(error);
    else answer(response as PlainResponse, isStale(error) ? staleChallenge(seconds) : "Bearer");
  }
}

/** Rejects unless the session exists and its user has authenticated in the last `seconds`. */
async function check(session: unknown, requestKey: string, seconds: number): Promise<void> {
  // null was assigned, which destroys the session
  if (session === null) throw new SessionError("INVALID_SESSION", "Invalid session ID");
  if (!isChecker(session)) {
    throw new TypeError(
      `jrs-session: requireRecentAuth must be added after jrsSession, which sets 'req.${requestKey}'`,
    );
  }
  await session[checkRecentAuth](seconds);
}

function isChecker(session: unknown): session is RecentAuthChecker {
  return isObject(session) && checkRecentAuth in session;
}

function isStale(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "STALE_AUTH";
}

function isNotLoggedIn(error: unknown): boolean {
  if (isTokenRefused(error)) return true;
  return error instanceof Error && "code" in error && NOT_LOGGED_IN.has(String(error.code));
}

/** Calls a handler of the application. Its exceptions fail the request, as in Express. */
function callHandler(handler: Middleware, request: unknown, response: unknown, next: (error: unknown) => void): void {
  // An async handler returns a promise, although the type of a middleware does not say so.
  new Promise((resolve) => resolve(handler(request, response, next))).catch((error: unknown) =>
    process.nextTick(next, error),
  );
}

/** The challenge of RFC 9470, section 3. */
function staleChallenge(seconds: number): string {
  const description = "More recent authentication is required";
  return `Bearer error="insufficient_user_authentication", error_description="${description}", max_age="${seconds}"`;
}

function answer(response: PlainResponse, challenge: string): void {
  response.statusCode = 401;
  response.setHeader("WWW-Authenticate", challenge);
  response.end();
}

function checkArguments(seconds: number, options: RequireRecentAuthOptions): void {
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_AGE) {
    throw invalid(`the first argument must be a number of seconds from 1 to ${MAX_AGE}`);
  }
  if (!isObject(options)) throw invalid("the options must be an object");
  const { onStale, requestKey, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`unknown option '${unknown}'`);
  if (onStale !== undefined && typeof onStale !== "function") throw invalid("'onStale' must be a function");
  if (requestKey !== undefined && (typeof requestKey !== "string" || requestKey === "")) {
    throw invalid("'requestKey' must be a non-empty string");
  }
}

function invalid(message: string): TypeError {
  return new TypeError(`jrs-session: requireRecentAuth: ${message}`);
}

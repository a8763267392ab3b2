import { checkRecentAuthArguments, type RecentAuthRefusal, recentAuthRefusal } from "../core/recent-auth.js";
import type { Middleware } from "./middleware.js";
import { isResponse, type SessionRequest } from "./request-and-response.js";

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
  checkRecentAuthArguments(seconds, options);
  const { onStale, requestKey = "session" } = options;

  return function requireRecentAuth(request: SessionRequest, response: unknown, next): void {
    // nextTick keeps exceptions of the application out of the promise chain: they are not errors of Redis.
    recentAuthRefusal(request[requestKey], seconds, `req.${requestKey}`).then(
      (refusal) => process.nextTick(answer, refusal, request, response, next),
      (error: unknown) => process.nextTick(next, error),
    );
  };

  function answer(
    refusal: RecentAuthRefusal | undefined,
    request: SessionRequest,
    response: unknown,
    next: (error?: unknown) => void,
  ): void {
    if (!refusal) next();
    else if (refusal.stale && onStale) callHandler(onStale, request, response, next);
    else if (isResponse(response)) send(response as PlainResponse, refusal.challenge);
    else next(refusal.error);
  }
}

/** Calls a handler of the application. Its exceptions fail the request, as in Express. */
function callHandler(handler: Middleware, request: unknown, response: unknown, next: (error: unknown) => void): void {
  // An async handler returns a promise, although the type of a middleware does not say so.
  new Promise((resolve) => resolve(handler(request, response, next))).catch((error: unknown) =>
    process.nextTick(next, error),
  );
}

function send(response: PlainResponse, challenge: string): void {
  response.statusCode = 401;
  response.setHeader("WWW-Authenticate", challenge);
  response.end();
}

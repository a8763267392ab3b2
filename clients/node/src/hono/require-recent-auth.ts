import type { Handler, MiddlewareHandler } from "hono";

import { checkRecentAuthArguments, recentAuthRefusal } from "../core/recent-auth.js";

/**
 * Options of `requireRecentAuth`.
 *
 * @example
 * ```js
 * const options = { onStale: (c) => c.redirect("/confirm") };
 * ```
 */
export interface RequireRecentAuthOptions {
  /**
   * Answers a request whose user authenticated too long ago. The route is called only if the handler calls `next()`.
   *
   * @default status 401 with `WWW-Authenticate: Bearer error="insufficient_user_authentication", …` (RFC 9470)
   */
  onStale?: Handler | undefined;

  /**
   * The name of the session in the context, as in the options of `jrsSession`.
   *
   * @default "session"
   */
  requestKey?: string | undefined;
}

/**
 * Creates a middleware that lets a request pass only if its user has authenticated in the last `seconds`. It asks the
 * server, which decides by its own clock. Add it after `jrsSession`, to the routes that need it.
 *
 * Without a session, or with an anonymous one, the status is 401. If the server cannot be asked, the request fails with
 * the error, even with `failOpen`.
 *
 * @throws TypeError if an argument is invalid
 * @example
 * ```js
 * app.post("/email", requireRecentAuth(300), changeEmail);
 * // after the user has entered the password again: await c.get("session").rotate({ reauth: true })
 * ```
 */
export function requireRecentAuth(seconds: number, options: RequireRecentAuthOptions = {}): MiddlewareHandler {
  checkRecentAuthArguments(seconds, options);
  const { onStale, requestKey = "session" } = options;
  return async function requireRecentAuth(c, next) {
    const refusal = await recentAuthRefusal(c.get(requestKey), seconds, `c.get("${requestKey}")`);
    if (!refusal) return next();
    if (refusal.stale && onStale) return onStale(c, next);
    return c.body(null, 401, { "WWW-Authenticate": refusal.challenge });
  };
}

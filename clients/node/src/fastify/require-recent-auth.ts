import type { FastifyReply, FastifyRequest } from "fastify";

import { checkRecentAuthArguments, recentAuthRefusal } from "../core/recent-auth.js";

/**
 * Options of `requireRecentAuth`.
 *
 * @example
 * ```js
 * const options = { onStale: (request, reply) => reply.redirect("/confirm") };
 * ```
 */
export interface RequireRecentAuthOptions {
  /**
   * Answers a request whose user authenticated too long ago. The route is not called. The function must send a reply.
   *
   * @default status 401 with `WWW-Authenticate: Bearer error="insufficient_user_authentication", …` (RFC 9470)
   */
  onStale?: ((request: FastifyRequest, reply: FastifyReply) => unknown) | undefined;

  /**
   * The name of the session in the request, as in the options of the plugin.
   *
   * @default "session"
   */
  requestKey?: string | undefined;
}

/** A hook for `preHandler`. */
export type RecentAuthHook = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/**
 * Creates a `preHandler` hook that lets a request pass only if its user has authenticated in the last `seconds`. It asks
 * the server, which decides by its own clock.
 *
 * Without a session, or with an anonymous one, the status is 401. If the server cannot be asked, the request fails with
 * the error, even with `failOpen`.
 *
 * @throws TypeError if an argument is invalid
 * @example
 * ```js
 * app.post("/email", { preHandler: requireRecentAuth(300) }, changeEmail);
 * // after the user has entered the password again: await request.session.rotate({ reauth: true })
 * ```
 */
export function requireRecentAuth(seconds: number, options: RequireRecentAuthOptions = {}): RecentAuthHook {
  checkRecentAuthArguments(seconds, options);
  const { onStale, requestKey = "session" } = options;
  return async function requireRecentAuth(request, reply) {
    const session: unknown = Reflect.get(request, requestKey);
    const refusal = await recentAuthRefusal(session, seconds, `request.${requestKey}`);
    if (!refusal) return undefined;
    if (refusal.stale && onStale) await onStale(request, reply);
    else reply.code(401).header("www-authenticate", refusal.challenge).send();
    return reply; // Fastify waits until the reply is sent, and does not call the route
  };
}

import { resolveRequestKey } from "../core/options.js";
import type { RequestSession } from "../core/request-session.js";
import type { Session } from "../core/session-types.js";
import { createSessions } from "../core/sessions.js";
import type { Options } from "./options.js";
import { canSetHeaders, isResponse, type ResponseLike, type SessionRequest } from "./request-and-response.js";
import { SessionProperty } from "./request-property.js";
import { ResponseHooks } from "./response-hooks.js";

declare global {
  namespace Express {
    interface Request {
      /** The session of the request, if the option `requestKey` of the middleware has its default value. */
      session: Session;
    }
  }
}

/** A middleware for Express, and for other frameworks that call middlewares in the same way. */
// biome-ignore lint/suspicious/noExplicitAny: it fits requests and responses of several frameworks
export type Middleware = (request: any, response: any, next: (error?: any) => void) => void;

/** The middleware that adds the session to each request. */
export interface SessionMiddleware extends Middleware {
  /**
   * The session of a request that does not pass through the middleware, such as the upgrade request of a WebSocket. It is
   * empty if the request has no token of a live session. The promise rejects with the errors that the middleware passes
   * to `next`. No cookie can be set.
   *
   * @example
   * ```js
   * server.on("upgrade", async (request, socket, head) => {
   *   const session = await sessions.getSession(request);
   *   if (!session.owner) socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
   * });
   * ```
   */
  // biome-ignore lint/suspicious/noExplicitAny: it fits requests of several frameworks
  getSession(request: any): Promise<Session>;
}

/**
 * Creates the middleware. It reads the token of a request, lets Redis verify it, and adds the session to the request.
 * Without a token, or if Redis refuses the token, the session is empty and has no `id`.
 *
 * @throws TypeError if an option is invalid
 * @example
 * ```js
 * const client = createClient();
 * await client.connect();
 * app.use(jrsSession({ client, cookie: true }));
 * ```
 */
export function jrsSession(options: Options): SessionMiddleware {
  const { requestKey, ...coreOptions } = options ?? {};
  const name = resolveRequestKey(requestKey);
  const sessions = createSessions(coreOptions as Options);
  const { usesCookie, autoSave } = sessions;
  const property = new SessionProperty(name, sessions);
  const hookOptions = { name, autoSave };

  function jrsSession(request: SessionRequest, response: unknown, next: (error?: unknown) => void): void {
    if (property.isIn(request)) {
      next();
      return;
    }
    const opened = sessions.open(request);
    const hooks = isResponse(response) ? hooksOf(request, response, next, opened) : undefined;
    if (hooks instanceof TypeError) {
      next(hooks);
      return;
    }
    property.define(request, opened, hooks);
    if (autoSave) hooks?.addToEnd();
    const loading = opened.load();
    if (!loading) {
      next();
      return;
    }
    // nextTick keeps exceptions of the application out of the promise chain: they are not errors of Redis.
    loading.then(
      () => process.nextTick(next),
      (error: unknown) => process.nextTick(next, error),
    );
  }

  /** Prepares the response. @returns an error if the cookie cannot be set in it */
  function hooksOf(
    request: SessionRequest,
    response: Partial<ResponseLike>,
    next: (error: unknown) => void,
    opened: RequestSession,
  ): ResponseHooks | TypeError | undefined {
    if (sessions.mayWarn) warnOnFinish(response, () => sessions.warnIfUnsaved(opened));
    if (!canSetHeaders(response)) {
      const message = "jrs-session: 'cookie' needs a response with setHeader, as of node:http";
      return usesCookie ? new TypeError(message) : undefined;
    }
    const hooks = new ResponseHooks(request, response, next, opened, hookOptions);
    if (usesCookie) {
      opened.cookieListener = hooks;
      opened.response = response;
    }
    return hooks;
  }

  return Object.assign(jrsSession, { getSession: (request: SessionRequest) => sessions.getSession(request) });
}

/** Calls `warn` when a Node.js response has ended. */
function warnOnFinish(response: unknown, warn: () => void): void {
  const emitter = response as { once?(event: "finish", listener: () => void): unknown };
  if (typeof emitter.once === "function") emitter.once("finish", warn);
}

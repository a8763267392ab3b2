import type { Context, MiddlewareHandler } from "hono";

import { resolveRequestKey } from "../core/options.js";
import type { Session } from "../core/session-types.js";
import { createSessions, type Sessions } from "../core/sessions.js";
import { stopStream } from "../core/stream-then.js";
import type { RequestLike } from "../core/token-source.js";
import type { Options } from "./options.js";
import { saveAfterBody, setCookie } from "./response.js";

declare module "hono" {
  interface ContextVariableMap {
    /** The session of the request, if the option `requestKey` of the middleware has its default value. */
    session: Session;
  }
}

/** The middleware that adds the session to the context of each request. */
export interface HonoSessions extends MiddlewareHandler {
  /**
   * The session of a plain request of Node.js, such as the upgrade request of a WebSocket, or of a `Request`. It is empty
   * if the request has no token of a live session. No cookie can be set, and the session is not saved automatically.
   *
   * @example
   * ```js
   * server.on("upgrade", async (request, socket) => {
   *   const session = await sessions.getSession(request);
   *   if (!session.owner) socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
   * });
   * ```
   */
  getSession(request: RequestLike | Request): Promise<Session>;
}

/** The sessions that were added to a context, by the name of the variable. */
const INSTALLED = new WeakMap<Context, Map<string, Sessions>>();

/**
 * Creates the middleware. It reads the token of a request, lets Redis verify it, and sets the session in the context.
 * Without a token, or if Redis refuses the token, the session is empty and has no `id`.
 *
 * @throws TypeError if an option is invalid
 * @example
 * ```js
 * const client = createClient();
 * await client.connect();
 * app.use(jrsSession({ client, cookie: true, autoSave: true }));
 * app.get("/", (c) => c.json({ owner: c.get("session").owner }));
 * ```
 */
export function jrsSession(options: Options): HonoSessions {
  const { requestKey, ...coreOptions } = options ?? {};
  const name = resolveRequestKey(requestKey);
  const sessions = createSessions(coreOptions as Options);

  const middleware: MiddlewareHandler = async (c, next) => {
    if (!install(c, name, sessions)) return next();
    const opened = sessions.open({ get: (header) => c.req.header(header), url: c.req.url }, c);
    c.set(name, opened.session);
    opened.onReplace = () => c.set(name, opened.session);
    try {
      await opened.load();
      await next();
      if ((c.get(name) ?? null) === null) opened.discard();
      await opened.finish()?.catch((error: unknown) => {
        stopStream(c.res.body);
        throw error;
      });
    } finally {
      setCookie(c, opened); // after an error, Hono copies the headers into the response of the error handler
    }
    if (sessions.autoSave) saveAfterBody(c, () => opened.finishBody());
    if (sessions.mayWarn) sessions.warnIfUnsaved(opened);
  };
  const getSession = (request: RequestLike | Request) => sessions.getSession(plainRequest(request));
  return Object.assign(middleware, { getSession });
}

/** @returns whether no other middleware has added the same sessions to the context */
function install(c: Context, name: string, sessions: Sessions): boolean {
  const installed = INSTALLED.get(c) ?? new Map<string, Sessions>();
  if (installed.get(name)?.isSameAs(sessions)) return false;
  INSTALLED.set(c, installed.set(name, sessions));
  return true;
}

function plainRequest(request: RequestLike | Request): RequestLike {
  if (!(request.headers instanceof Headers)) return request as RequestLike;
  const { headers, url } = request;
  return { get: (name) => headers.get(name) ?? undefined, url: url ?? "" };
}

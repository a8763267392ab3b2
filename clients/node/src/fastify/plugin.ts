import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { varyByCookie } from "../core/cookie.js";
import { resolveRequestKey } from "../core/options.js";
import type { RequestSession } from "../core/request-session.js";
import type { Session } from "../core/session-types.js";
import { createSessions } from "../core/sessions.js";
import { stopStream } from "../core/stream-then.js";
import type { RequestLike } from "../core/token-source.js";
import type { Options } from "./options.js";
import { payloadThen, unpackResponse } from "./payload.js";

declare module "fastify" {
  interface FastifyInstance {
    /**
     * The session of a plain request of Node.js, such as the upgrade request of a WebSocket, if the option `requestKey`
     * has its default value. It is empty if the request has no token of a live session. No cookie can be set, and the
     * session is not saved automatically.
     *
     * @example
     * ```js
     * app.server.on("upgrade", async (request, socket) => {
     *   const session = await app.getSession(request);
     *   if (!session.owner) socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
     * });
     * ```
     */
    getSession(request: RequestLike): Promise<Session>;
  }

  interface FastifyRequest {
    /**
     * The session of the request, if the option `requestKey` of the plugin has its default value. Assign `null` to
     * destroy it.
     */
    get session(): Session;
    set session(session: Session | null);
  }
}

/**
 * The plugin. It reads the token of a request, lets Redis verify it, and adds the session to the request. Without a
 * token, or if Redis refuses the token, the session is empty and has no `id`.
 *
 * It applies to the instance that registers it, and to the plugins below. The registration fails with a `TypeError` if an
 * option is invalid.
 *
 * @example
 * ```js
 * const client = createClient();
 * await client.connect();
 * app.register(jrsSession, { client, cookie: true, autoSave: true });
 * ```
 */
export function jrsSession(app: FastifyInstance, options: Options, done: (error?: Error) => void): void {
  try {
    addSessions(app, options);
  } catch (error) {
    done(error as Error);
    return;
  }
  done();
}

function addSessions(app: FastifyInstance, options: Options): void {
  const { requestKey, ...coreOptions } = options;
  const name = resolveRequestKey(requestKey);
  const sessions = createSessions(coreOptions);
  const property = Symbol("jrs-session");
  const openedOf = (request: FastifyRequest) => (request as WithSession)[property];

  app.decorateRequest(property, null);
  app.decorateRequest(name, {
    getter(this: FastifyRequest) {
      return openedOf(this)?.session;
    },
    setter(this: FastifyRequest, value: unknown) {
      if (value === null || value === undefined) openedOf(this)?.discard();
      else Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
    },
  });
  app.decorate(getterName(name), (request: RequestLike) => sessions.getSession(request));

  app.addHook("onRequest", async (request, reply) => {
    const opened = sessions.open(request as RequestLike, request);
    opened.response = reply.raw;
    (request as WithSession)[property] = opened;
    await opened.load();
  });

  app.addHook("onSend", async (request, reply, payload) => {
    const opened = openedOf(request);
    if (!opened) return payload;
    const body = unpackResponse(payload, reply);
    await opened.finish()?.catch((error: unknown) => {
      stopStream(body);
      throw error;
    });
    setCookie(reply, opened);
    return sessions.autoSave ? payloadThen(body, () => opened.finishBody()) : body;
  });

  if (sessions.mayWarn) {
    app.addHook("onResponse", async (request) => {
      const opened = openedOf(request);
      if (opened) sessions.warnIfUnsaved(opened);
    });
  }
}

/** The session is a property with a symbol as its name, which each registration has its own of. */
type WithSession = FastifyRequest & Record<symbol, RequestSession | null | undefined>;

/** `getSession` for `session`. */
function getterName(requestKey: string): "getSession" {
  return `get${requestKey.charAt(0).toUpperCase()}${requestKey.slice(1)}` as "getSession";
}

function setCookie(reply: FastifyReply, opened: RequestSession): void {
  const line = opened.setCookie(reply.getHeader("set-cookie"));
  if (line === undefined) return;
  reply.header("set-cookie", line); // Fastify adds it to the others
  reply.header("vary", varyByCookie(reply.getHeader("vary")));
}

// What fastify-plugin does: with it, hooks and decorators apply to the instance that registers the plugin.
Object.assign(jrsSession, {
  [Symbol.for("skip-override")]: true,
  [Symbol.for("fastify.display-name")]: "jrs-session",
  [Symbol.for("plugin-meta")]: { name: "jrs-session", fastify: "^4.26.0 || 5" },
});

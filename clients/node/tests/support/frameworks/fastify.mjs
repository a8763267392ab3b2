/** The test application in Fastify. */
import { Readable } from "node:stream";
import createFastify5 from "fastify";
import createFastify4 from "fastify-4";
import { jrsSession, requireRecentAuth } from "jrs-session/fastify";

import { describeError } from "../routes.mjs";

/** Starts the application. @returns its address */
async function start(t, createFastify, { options, routes, recentAuth, key = "session" }) {
  const app = createFastify({ forceCloseConnections: true });
  t.after(() => app.close());
  app.register(jrsSession, options);
  app.setErrorHandler((error, _request, reply) => reply.code(500).send(describeError(error)));
  for (const { method, path, recent, handler } of routes) {
    app.route({
      method,
      url: path,
      preHandler: recent ? [requireRecentAuth(recent, recentAuth)] : [],
      handler: async (request, reply) => answer(reply, await handler(exchangeOf(request, key))),
    });
  }
  await app.listen({ port: 0, host: "127.0.0.1" });
  return `http://127.0.0.1:${app.server.address().port}`;
}

function exchangeOf(request, key) {
  return {
    get session() {
      return request[key];
    },
    set session(value) {
      request[key] = value;
    },
    params: request.params,
    body: request.body ?? {},
  };
}

function answer(reply, { headers = {}, json, redirect, stream }) {
  reply.headers(headers);
  if (redirect) return reply.redirect(redirect);
  return reply.send(stream ? Readable.from(stream()) : json);
}

export const fastify = {
  start: (t, application) => start(t, createFastify5, application),
  onStale: (_request, reply) => reply.redirect("/confirm"),
};

/** The application in Fastify 4. */
export const fastifyV4 = { ...fastify, start: (t, application) => start(t, createFastify4, application) };

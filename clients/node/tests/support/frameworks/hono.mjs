/** The test application in Hono, on Node.js. */
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { stream as streaming } from "hono/streaming";
import { jrsSession, requireRecentAuth } from "jrs-session/hono";

import { listening } from "../browser.mjs";
import { describeError } from "../routes.mjs";

/** Starts the application. @returns its address */
function start(t, { options, routes, recentAuth, key = "session" }) {
  const app = new Hono();
  app.use(jrsSession(options));
  app.onError((error, c) => c.json(describeError(error), 500));
  for (const { method, path, recent, handler } of routes) {
    const guards = recent ? [requireRecentAuth(recent, recentAuth)] : [];
    app.on(method, path, ...guards, async (c) => answer(c, await handler(await exchangeOf(c, key))));
  }
  return listening(t, honoServer(app));
}

/** A server of Node.js with the application. It does not listen yet. */
export function honoServer(app) {
  return createAdaptorServer({ fetch: app.fetch });
}

async function exchangeOf(c, key) {
  const hasBody = c.req.header("content-type") === "application/json";
  return {
    get session() {
      return c.get(key);
    },
    set session(value) {
      c.set(key, value);
    },
    params: c.req.param(),
    body: hasBody ? await c.req.json() : {},
  };
}

function answer(c, { headers = {}, json, redirect, stream }) {
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  if (redirect) return c.redirect(redirect);
  if (!stream) return c.json(json);
  return streaming(c, async (body) => {
    for await (const chunk of stream()) await body.write(chunk);
  });
}

export const hono = { start, onStale: (c) => c.redirect("/confirm") };

/** The test application in any version of Hono, on Node.js. */
import { jrsSession, requireRecentAuth } from "jrs-session/hono";

import { listening } from "../browser.mjs";
import { describeError } from "../routes.mjs";

/** The application with the exports of some versions of `hono`, `@hono/node-server` and `hono/streaming`. */
export function honoApplication(versions) {
  return { start: (t, application) => start(t, versions, application), onStale: (c) => c.redirect("/confirm") };
}

/** Starts the application. @returns its address */
function start(t, { Hono, createAdaptorServer, stream }, { options, routes, recentAuth, key = "session" }) {
  const app = new Hono();
  app.use(jrsSession(options));
  app.onError((error, c) => c.json(describeError(error), 500));
  for (const { method, path, recent, handler } of routes) {
    const guards = recent ? [requireRecentAuth(recent, recentAuth)] : [];
    app.on(method, path, ...guards, async (c) => answer(c, stream, await handler(await exchangeOf(c, key))));
  }
  return listening(t, createAdaptorServer({ fetch: app.fetch }));
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

function answer(c, streaming, { headers = {}, json, redirect, stream }) {
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  if (redirect) return c.redirect(redirect);
  if (!stream) return c.json(json);
  return streaming(c, async (body) => {
    for await (const chunk of stream()) await body.write(chunk);
  });
}

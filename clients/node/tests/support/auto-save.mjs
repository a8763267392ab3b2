/** An Express application with sessions, and a browser that uses it. */
import express from "express";
import { jrsSession } from "jrs-session";

import { Browser, listening } from "./browser.mjs";
import { STANDALONE } from "./clients.mjs";
import { Server } from "./server.mjs";

export const AUTO_SAVE = { cookie: "sid", requestArg: false, autoSave: true };

/**
 * Starts the application. `GET /` replies with the fields of the session.
 *
 * @param routes adds other routes; called with the application and the Redis client
 * @param options the options of the middleware
 */
export async function setup(t, routes, options = AUTO_SAVE, { settings = {}, files = {} } = {}) {
  const server = await Server.start(t, settings, files);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const app = express();
  app.use(jrsSession({ client, timeout: 1000, ...options }));
  app.get("/", (req, res) =>
    res.json({ ...req.session?.toJSON(), claims: undefined, jwt: undefined, none: req.session === null }),
  );
  routes(app, client);
  app.use((error, _req, res, next) =>
    res.headersSent ? next(error) : res.status(500).json({ error: error.code ?? error.message }),
  );
  return { server, client, browser: new Browser(await listening(t, app)) };
}

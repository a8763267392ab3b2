/** The test application in the newest Hono, on Node.js. */
import { createAdaptorServer } from "@hono/node-server";
import { Hono } from "hono";
import { stream } from "hono/streaming";

import { honoApplication } from "./hono-application.mjs";

export const hono = honoApplication({ Hono, createAdaptorServer, stream });

/** A server of Node.js with the application. It does not listen yet. */
export function honoServer(app) {
  return createAdaptorServer({ fetch: app.fetch });
}

// The common cases in the oldest Hono that the package supports. It is in a separate file, and so in a separate process, because
// @hono/node-server replaces the global Response.
import { createAdaptorServer } from "@hono/node-server-1";
import { Hono } from "hono-4.0";
import { stream } from "hono-4.0/streaming";

import { testFramework } from "./support/cases/index.mjs";
import { honoApplication } from "./support/frameworks/hono-application.mjs";

testFramework("Hono 4.0 with @hono/node-server 1", honoApplication({ Hono, createAdaptorServer, stream }));

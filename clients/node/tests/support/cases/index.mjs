/**
 * What the package does in every framework. Each case is run with the same application in Express, Fastify and Hono, so
 * that the three cannot drift apart.
 */
import { test } from "node:test";

import { Browser } from "../browser.mjs";
import { STANDALONE } from "../clients.mjs";
import { Gate, routesWith } from "../routes.mjs";
import { Server } from "../server.mjs";
import { OWN_KEY } from "../tokens.mjs";
import { COOKIE_CASES } from "./cookies.mjs";
import { FAILURE_CASES } from "./failures.mjs";
import { LOGIN_CASES } from "./login.mjs";
import { SAVING_CASES } from "./saving.mjs";

const CASES = { ...LOGIN_CASES, ...COOKIE_CASES, ...SAVING_CASES, ...FAILURE_CASES };

/**
 * Runs all cases with an application of a framework.
 *
 * @param framework `start` starts the application; `onStale` is the option of `requireRecentAuth` that redirects
 */
export function testFramework(name, framework) {
  test(`the common cases in ${name}`, async (t) => {
    const server = await Server.start(t, OWN_KEY.settings, OWN_KEY.files);
    const { client, close } = await STANDALONE["redis 5"](server.port);
    t.after(close);
    for (const [title, run] of Object.entries(CASES)) {
      await t.test(title, async (t) => {
        await server.send("FLUSHALL");
        await server.send("CONFIG", "RESETSTAT");
        await run({ t, server, client, framework, application: starter(t, framework, client) });
      });
    }
  });
}

/** Returns a function that starts the application with some options, and returns a browser that uses it. */
function starter(t, framework, client) {
  return async (options = {}, others = {}) => {
    const gate = new Gate();
    const all = { client, cookie: true, autoSave: true, ...options };
    const address = await framework.start(t, { options: all, routes: routesWith(gate), ...others });
    return { browser: new Browser(address), gate };
  };
}

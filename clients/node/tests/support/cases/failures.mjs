/** Errors of handlers and of Redis, and replaced tokens. */
import assert from "node:assert/strict";

import { STANDALONE } from "../clients.mjs";
import { Server } from "../server.mjs";
import { oldLogin } from "../tokens.mjs";

export const FAILURE_CASES = {
  "an error of a handler reaches the error handler, and the changes before it are saved": async ({ application }) => {
    const { browser } = await application();
    const { status, body } = await browser.request("POST", "/throw");
    assert.deepEqual([status, body], [500, { error: "the handler failed" }]);
    assert.equal((await browser.request("GET", "/")).body.tried, true);
  },

  "an unknown path has the status 404, and a session": async ({ application, server }) => {
    const { browser } = await application();
    assert.equal((await browser.request("GET", "/nowhere")).status, 404);
    browser.cookies.set("__Host-session", await oldLogin(server, "ann", {}, 24 * 60 * 60));
    assert.equal((await browser.request("GET", "/nowhere")).status, 404);
    assert.equal(browser.lines.length, 1, "the cookie is renewed");
  },

  "while Redis is down, requests with a token fail, or have an empty session with failOpen": async ({
    t,
    application,
  }) => {
    const server = await Server.start(t);
    const { client, close } = await STANDALONE["ioredis 6"](server.port);
    t.after(close);
    const { browser: strict } = await application({ client, timeout: 500 });
    const { browser: open } = await application({ client, timeout: 500, failOpen: true });
    await strict.request("POST", "/login", { body: { owner: "ann" } });
    open.cookies = new Map(strict.cookies);
    await server.stop();
    assert.equal((await strict.request("GET", "/")).status, 500);
    assert.deepEqual(await open.request("GET", "/"), { status: 200, body: { id: null, owner: "" } });
    assert.deepEqual(open.lines, [], "the cookie is kept");
    assert.equal((await strict.copy().request("GET", "/sensitive")).status, 500);
    open.cookies.clear();
    assert.equal((await open.request("GET", "/")).status, 200, "without a token, Redis is not needed");
    assert.equal((await open.request("POST", "/set", { body: { a: 1 } })).status, 500, "a write is not dropped");
  },

  "a mistake in the setup is an error, even with failOpen": async ({ application, server }) => {
    const token = await server.send("JRS.CREATE", "ann", "{}");
    const { browser } = await application({ realm: "nowhere", failOpen: true });
    browser.cookies.set("__Host-session", token);
    assert.deepEqual(await browser.request("GET", "/"), { status: 500, body: { error: "NO_REALM" } });
  },

  "a replaced token that comes again ends the session": async ({ application, server }) => {
    await server.send("CONFIG", "SET", "jrs.reuse-detection", "yes");
    try {
      const reports = [];
      const { browser } = await application({ onReuse: (reuse) => void reports.push(reuse) });
      await browser.request("POST", "/login", { body: { owner: "ann" } });
      const thief = browser.copy();
      await browser.request("POST", "/rotate", { body: {} });
      assert.deepEqual(await thief.request("GET", "/"), { status: 200, body: { id: null, owner: "" } });
      assert.equal(thief.cookies.size, 0, "the cookie is cleared");
      assert.deepEqual(
        reports.map(({ owner }) => owner),
        ["ann"],
      );
      assert.ok(reports[0].request);
      assert.deepEqual((await browser.request("GET", "/")).body, { id: null, owner: "" });
      assert.equal(browser.cookies.size, 0);

      const failing = await application({ onReuse: () => Promise.reject(new Error("of onReuse")) });
      await failing.browser.request("POST", "/login", { body: { owner: "bob" } });
      const old = failing.browser.copy();
      await failing.browser.request("POST", "/rotate", { body: {} });
      assert.deepEqual(await old.request("GET", "/"), { status: 500, body: { error: "of onReuse" } });
      assert.equal(old.cookies.size, 0, "the cookie is cleared, too");
    } finally {
      await server.send("CONFIG", "SET", "jrs.reuse-detection", "no");
    }
  },
};

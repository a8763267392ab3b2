// Two middlewares in one request, as when an application is mounted in another.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import express from "express";
import { jrsSession } from "jrs-session";

import { AUTO_SAVE, setup } from "./support/auto-save.mjs";
import { STANDALONE } from "./support/clients.mjs";
import { Server } from "./support/server.mjs";

test("a second middleware with the same sessions keeps the session object", async (t) => {
  for (const options of [AUTO_SAVE, { cookie: "sid" }]) {
    const { browser } = await setup(
      t,
      (app, client) => {
        const mounted = express();
        mounted.use(jrsSession({ client, ...options }));
        mounted.post("/", async (req, res) => {
          req.session.inner = 1;
          res.cookie("sid", await req.session.save()).json({ outer: req.session.outer, inner: req.session.inner });
        });
        app.use("/mounted", (req, _res, next) => {
          req.session.outer = "not saved yet";
          next();
        });
        app.use("/mounted", mounted);
      },
      options,
    );
    assert.deepEqual((await browser.request("POST", "/mounted")).body, { outer: "not saved yet", inner: 1 });
    assert.deepEqual((await browser.request("GET", "/")).body, { outer: "not saved yet", inner: 1, none: false });
  }
});

test("the middlewares of the ES module and of the CommonJS copy know each other", async (t) => {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const copy = createRequire(import.meta.url)("jrs-session");
  assert.notEqual(copy.jrsSession, jrsSession);
  for (const [first, second] of [
    [jrsSession, copy],
    [copy, jrsSession],
  ]) {
    const request = { headers: {} };
    const run = (create, options) =>
      new Promise((resolve) => create({ client, ...options })(request, {}, () => resolve(request.session)));
    const session = await run(first, { cookie: true });
    assert.equal(await run(second, { cookie: true }), session);
    assert.notEqual(await run(second, { cookie: { persistent: false } }), session);
  }
});

test("a second middleware with other sessions, or with another client, has its own session object", async (t) => {
  const server = await Server.start(t);
  const [one, other] = [await STANDALONE["redis 5"](server.port), await STANDALONE["redis 5"](server.port)];
  t.after(one.close);
  t.after(other.close);
  const run = (request, options) =>
    new Promise((resolve) =>
      jrsSession({ client: one.client, ...options })(request, {}, () => resolve(request.session)),
    );
  const request = { headers: {} };
  const first = await run(request, {});
  first.note = 1;
  assert.equal(await run(request, { failOpen: true, timeout: 1 }), first);
  for (const options of [
    { client: other.client },
    { realm: "other" },
    { cookie: "sid", requestArg: "accessToken" },
    { bearer: true },
    { requestArg: "t" },
  ]) {
    assert.notEqual(await run(request, options), first);
    await run(request, {});
  }
  await run(request, { requestKey: "second" });
  assert.notEqual(request.second, request.session);
  const own = { mine: true };
  request.session = own;
  assert.notEqual(await run(request, {}), own, "a value that the application has assigned is replaced");
});

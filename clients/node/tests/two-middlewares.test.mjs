// Two middlewares in one request, as when an application is mounted in another.
import assert from "node:assert/strict";
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
    { cookie: "sid" },
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

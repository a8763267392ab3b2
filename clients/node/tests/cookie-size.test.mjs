// Tokens that do not fit into a cookie.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jrsSession } from "jrs-session";

import { setup } from "./support/auto-save.mjs";
import { STANDALONE } from "./support/clients.mjs";
import { Server } from "./support/server.mjs";

test("a token that is too long for the cookie is an error", async (t) => {
  const { server, browser } = await setup(t, (app) => {
    app.post("/create/:length", async (req, res) => {
      await req.session.create({ note: "x".repeat(Number(req.params.length)) });
      res.json({ length: req.session.jwt.length });
    });
    app.post("/rotate/:length", async (req, res) => {
      await req.session.rotate({ claims: { note: "x".repeat(Number(req.params.length)) } });
      res.json({ length: req.session.jwt.length });
    });
  });
  const refused = { status: 500, body: { error: "COOKIE_TOO_LARGE" } };
  assert.deepEqual(await browser.request("POST", "/create/4000"), refused);
  assert.equal(await server.send("DBSIZE"), 0);
  const { length } = (await browser.request("POST", "/create/2000")).body;
  assert.ok(length < 4093);
  assert.deepEqual(await browser.request("POST", "/rotate/4000"), refused);
  assert.equal(await server.send("DBSIZE"), 0);
});

test("without a cookie, a token may be longer", async (t) => {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const newSession = (options) => {
    const request = { headers: {} };
    return new Promise((resolve) => jrsSession({ client, ...options })(request, {}, () => resolve(request.session)));
  };
  const claims = { note: "x".repeat(4000) };
  for (const options of [{}, { requestArg: false, bearer: true }]) {
    assert.ok((await (await newSession(options)).create(claims)).length > 4096);
  }
  const cookies = {
    sid: { cookie: "sid", requestArg: "accessToken", bearer: true },
    "__Host-session": { cookie: true },
  };
  for (const [name, options] of Object.entries(cookies)) {
    const session = await newSession(options);
    const message = new RegExp(`hold only ${4096 - name.length}:`);
    await assert.rejects(session.create(claims), { code: "COOKIE_TOO_LARGE", message });
    assert.equal(session.id, undefined);
  }
});

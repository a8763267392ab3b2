// Responses that the application ends twice, or ends and then fails, while the session is saved.
import assert from "node:assert/strict";
import { test } from "node:test";

import { setup } from "./support/auto-save.mjs";

const SENT = { status: 201, text: "first", kind: "first" };

test("while the session is saved, the first answer stays", async (t) => {
  const second = {
    throw: () => {
      throw new Error("after the answer");
    },
    next: (_res, next) => next(),
    send: (res) => res.status(500).set("X-Kind", "second").send("a longer second answer"),
    write: (res) => res.write("more") && res.end(),
    head: (res) => res.writeHead(500, { "X-Kind": "second" }).end("a longer second answer"),
    flush: (res) => res.status(500).flushHeaders(),
    redirect: (res) => res.redirect("/elsewhere"),
    end: (res) => res.end(),
  };
  const { browser } = await setup(t, (app) => {
    app.post("/:second", (req, res, next) => {
      req.session.count = (req.session.count ?? 0) + 1;
      res.status(201).set("X-Kind", "first").send("first");
      second[req.params.second](res, next);
    });
  });
  for (const [at, name] of Object.keys(second).entries()) {
    const response = await browser.send("POST", `/${name}`);
    const { status, headers } = response;
    assert.deepEqual({ status, text: await response.text(), kind: headers.get("x-kind") }, SENT, name);
    assert.deepEqual([headers.get("content-length"), headers.get("location")], ["5", null], name);
    assert.equal(browser.lines.length, at === 0 ? 1 : 0, "the cookie of the new session is set");
    assert.equal((await browser.request("GET", "/")).body.count, at + 1);
  }
});

test("the headers of a body that is not sent do not describe the body of the error handler", async (t) => {
  const { browser } = await setup(t, (app) => {
    app.get("/fail", (req, res) => {
      req.session.big = 1n;
      res.send("short");
    });
    app.use((_error, _req, res, _next) => res.status(500).end("a longer body, without its length"));
  });
  const response = await browser.send("GET", "/fail");
  assert.deepEqual([response.status, await response.text()], [500, "a longer body, without its length"]);
  assert.equal(response.headers.get("etag"), null);
});

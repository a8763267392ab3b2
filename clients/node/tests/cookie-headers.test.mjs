// The cookie in requests with other cookies, and in responses with other headers.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { jrsSession } from "jrs-session";

import { setup } from "./support/auto-save.mjs";
import { Browser, listening } from "./support/browser.mjs";
import { STANDALONE } from "./support/clients.mjs";
import { Server } from "./support/server.mjs";
import { decoded } from "./support/tokens.mjs";

const NAME = "__Host-session";

test("other cookies and Vary of the response stay, and a cookie that the application sets is used", async (t) => {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const sessions = jrsSession({ client, cookie: true });
  const handlers = {
    "/headers": (res) => res.setHeader("Set-Cookie", "a=1").setHeader("Vary", "Accept").end(),
    "/list": (res) => res.setHeader("Set-Cookie", ["a=1", "b=2"]).setHeader("Vary", ["Accept", "Origin"]).end(),
    "/object": (res) => res.writeHead(200, { "set-cookie": ["a=1", "b=2"], vary: "cookie", "x-a": "1" }).end(),
    "/array": (res) => res.writeHead(200, "Fine", ["Set-Cookie", "a=1", "X-A", "1", "Set-Cookie", "b=2"]).end(),
    "/other": (res) => res.writeHead(200, "Fine", { "X-A": "1" }).end(),
    "/own": (res) => res.setHeader("Set-Cookie", `${NAME}=mine; Path=/`).end(),
    "/own-object": (res) => res.writeHead(200, { "Set-Cookie": `${NAME}=mine; Path=/` }).end(),
    "/stream": (res) => res.flushHeaders() ?? res.end("a"),
    "/any": (res) => res.setHeader("Vary", "*").end(),
  };
  const listener = createServer((request, response) =>
    sessions(request, response, async () => {
      await request.session.create();
      handlers[request.url](response);
    }),
  );
  const browser = new Browser(await listening(t, listener));
  const seen = {};
  for (const path of Object.keys(handlers)) {
    browser.cookies.clear();
    const { status } = await browser.request("GET", path);
    assert.equal(status, 200);
    const names = browser.lines.map((line) => /^(?:a|b)=\d|^[^=]*=mine|^[^=]*/.exec(line)[0]);
    seen[path] = [...names, browser.vary, browser.headers.get("x-a")];
  }
  assert.deepEqual(seen, {
    "/headers": ["a=1", NAME, "Accept, Cookie", null],
    "/list": ["a=1", "b=2", NAME, "Accept, Origin, Cookie", null],
    "/object": ["a=1", "b=2", NAME, "cookie", "1"],
    "/array": ["a=1", "b=2", NAME, "Cookie", "1"],
    "/other": [NAME, "Cookie", "1"],
    "/own": [`${NAME}=mine`, null, null],
    "/own-object": [`${NAME}=mine`, null, null],
    "/stream": [NAME, "Cookie", null],
    "/any": [NAME, "*", null],
  });
});

test("the first cookie of the name is read, and names that contain it are not", async (t) => {
  const { browser } = await setup(
    t,
    (app) => {
      app.post("/", async (req, res) => {
        req.session.owner = "ann";
        res.json({ token: await req.session.create() });
      });
      app.post("/id", (req, res) => res.json({ id: req.session.id }));
    },
    { cookie: "sid" },
  );
  const { token } = (await browser.request("POST", "/")).body;
  const [, { jti }] = decoded(token);
  const headers = {
    [`sid=${token}`]: true,
    [`a=1; sid=${token}; b=2`]: true,
    [`a; ;sid = ${token} `]: true,
    [`sid=${token}; sid=x`]: true,
    [`sid=x; sid=${token}`]: false,
    [`xsid=${token}; sid2=${token}; SID=${token}`]: false,
    [`a=sid=${token}`]: false,
    "sid=": false,
    sid: false,
  };
  for (const [cookie, isFound] of Object.entries(headers)) {
    const other = new Browser(browser.address);
    const { body } = await other.request("POST", "/id", { headers: { cookie } });
    assert.equal(body.id === jti, isFound, cookie);
  }
});

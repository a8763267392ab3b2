// The common cases in Hono, and what only Hono has.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { jrsSession } from "jrs-session/hono";

import { listening } from "./support/browser.mjs";
import { testFramework } from "./support/cases/index.mjs";
import { STANDALONE } from "./support/clients.mjs";
import { hono, honoServer } from "./support/frameworks/hono.mjs";
import { cookieOf } from "./support/responses.mjs";
import { Server } from "./support/server.mjs";
import { decoded } from "./support/tokens.mjs";

testFramework("Hono", hono);

async function redis(t) {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  return { server, client };
}

/** The header `Cookie` for the cookies that a response sets. */
function cookieHeader(response) {
  const cookies = response.headers.getSetCookie().map(cookieOf);
  return { cookie: cookies.map(({ name, value }) => `${name}=${value}`).join("; ") };
}

test("app.request() and c.var", async (t) => {
  const { client } = await redis(t);
  const app = new Hono();
  app.use(jrsSession({ client, cookie: true, autoSave: true }));
  app.post("/", (c) => {
    c.var.session.theme = "dark";
    return c.text("");
  });
  app.get("/", (c) => c.json({ same: c.var.session === c.get("session"), theme: c.var.session.theme }));
  const headers = cookieHeader(await app.request("/", { method: "POST" }));
  assert.deepEqual(await (await app.request("/", { headers })).json(), { same: true, theme: "dark" });
});

test("a response whose headers cannot be changed", async (t) => {
  const { client } = await redis(t);
  const app = new Hono();
  app.get("/origin", (c) => c.text("proxied", 200, { vary: "Accept" }));
  app.use(jrsSession({ client, cookie: true, autoSave: true }));
  const address = await listening(t, honoServer(app));
  app.get("/", (c) => {
    c.get("session").seen = true;
    return fetch(`${address}/origin`); // the headers of this response are immutable
  });
  const response = await fetch(address);
  assert.equal(await response.text(), "proxied");
  assert.equal(response.headers.getSetCookie().length, 1);
  assert.equal(response.headers.get("vary"), "Accept, Cookie");
});

test("a mounted application with the same sessions keeps the session object", async (t) => {
  const { server, client } = await redis(t);
  const options = { client, cookie: true, autoSave: true };
  const inner = new Hono();
  inner.use(jrsSession(options));
  inner.get("/", (c) => {
    c.get("session").inner = true;
    return c.json({ outer: c.get("session").outer });
  });
  const app = new Hono();
  app.use(jrsSession(options));
  app.use(async (c, next) => {
    c.get("session").outer = true;
    await next();
  });
  app.route("/inner", inner);
  const response = await app.request("/inner");
  assert.deepEqual(await response.json(), { outer: true });
  assert.equal(response.headers.getSetCookie().length, 1);
  assert.equal(await server.send("DBSIZE"), 1);
});

test("a middleware that is added before has the cookie in the response", async (t) => {
  const { client } = await redis(t);
  const app = new Hono();
  let lines;
  app.use(async (c, next) => {
    await next();
    lines = c.res.headers.getSetCookie();
  });
  app.use(jrsSession({ client, cookie: true, autoSave: true }));
  app.get("/", (c) => {
    c.get("session").seen = true;
    return c.body(null, 204);
  });
  assert.equal((await app.request("/")).status, 204);
  assert.equal(lines.length, 1);
});

test("on Node.js, a text is passed on as it is, and a stream is saved after its last chunk", async (t) => {
  const { server, client } = await redis(t);
  const app = new Hono();
  let sent;
  app.use(async (c, next) => {
    await next();
    sent = c.res;
  });
  app.use(jrsSession({ client, cookie: true, autoSave: true }));
  const made = new Map();
  const kept = (c, response) => {
    made.set(c.req.path, response);
    return response;
  };
  app.get("/json", (c) => {
    c.get("session").early = true;
    return kept(c, c.json({}));
  });
  app.get("/text", (c) => kept(c, c.text("")));
  app.get("/bytes", (c) => kept(c, c.body(new Uint8Array(2))));
  app.get("/empty", (c) => kept(c, c.body(null, 204)));
  app.get("/events", (c) =>
    streamSSE(c, async (stream) => {
      await stream.writeSSE({ data: "first" });
      c.get("session").late = true;
      await stream.writeSSE({ data: "last" });
    }),
  );
  const address = await listening(t, honoServer(app));
  const { cookie } = cookieHeader(await fetch(`${address}/json`));
  for (const path of ["/json", "/text", "/bytes", "/empty"]) {
    await fetch(address + path, { headers: { cookie } });
    assert.equal(sent, made.get(path), path);
  }
  const events = await fetch(`${address}/events`, { headers: { cookie } });
  assert.equal(events.headers.get("content-type"), "text/event-stream");
  assert.match(await events.text(), /first.*last/s);
  const [, { jti }] = decoded(cookie.slice(cookie.indexOf("=") + 1));
  assert.deepEqual(await server.stored(jti), { early: true, late: true });
});

test("a client that goes away stops the stream of the application", async (t) => {
  const { client } = await redis(t);
  const app = new Hono();
  app.use(jrsSession({ client, cookie: true, autoSave: true }));
  let cancel;
  const cancelled = new Promise((resolve) => {
    cancel = resolve;
  });
  const source = { start: (controller) => controller.enqueue(new Uint8Array(1)), cancel };
  app.get("/", (c) => c.body(new ReadableStream(source)));
  const address = await listening(t, honoServer(app));
  const abort = new AbortController();
  assert.equal((await fetch(address, { signal: abort.signal })).status, 200);
  abort.abort();
  await cancelled;
});

test("a session that cannot be saved stops the stream of the application", async (t) => {
  const { client } = await redis(t);
  const app = new Hono();
  app.use(jrsSession({ client, cookie: true, autoSave: true }));
  app.onError((error, c) => c.json({ code: error.code }, 500));
  const cancelled = new Promise((resolve) => {
    app.get("/", (c) => {
      c.get("session").touch = "is reserved";
      return c.body(new ReadableStream({ cancel: resolve }));
    });
  });
  const response = await app.request("/");
  assert.deepEqual([response.status, await response.json()], [500, { code: "RESERVED_NAME" }]);
  await cancelled;
});

test("invalid options throw", () => {
  for (const options of [{}, { client: {} }, { client: {}, secret: "abc123" }, undefined]) {
    assert.throws(() => jrsSession(options), { name: "TypeError", message: /^jrs-session: / });
  }
});

test("getSession of a plain request, and of a Request", async (t) => {
  const { server, client } = await redis(t);
  const { getSession } = jrsSession({ client, cookie: true, requestArg: "accessToken", timeout: 500 });
  const token = await server.send("JRS.CREATE", "ann", '{"name":"Ann"}');
  const cookie = `__Host-session=${token}`;
  const ownerOf = async (request) => (await getSession(request)).owner;
  assert.equal(await ownerOf({ headers: { cookie } }), "ann");
  assert.equal(await ownerOf({ headers: {}, url: `/socket?accessToken=${token}` }), "ann");
  assert.equal(await ownerOf({ headers: {}, url: "/socket" }), "");
  assert.equal(await ownerOf(new Request("http://127.0.0.1/", { headers: { cookie } })), "ann");
  assert.equal(await ownerOf(new Request(`http://127.0.0.1/?accessToken=${token}`)), "ann");
  const session = await getSession({ headers: { cookie } });
  await session.merge({ name: "Anna" });
  assert.equal((await server.stored(session.id)).name, "Anna");
  await server.stop();
  await assert.rejects(ownerOf({ headers: { cookie } }));
});

// The middleware for routes that need a recent login.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { test } from "node:test";
import express from "express";
import { jrsSession, requireRecentAuth } from "jrs-session";

import { listening } from "./support/browser.mjs";
import { CLUSTER, STANDALONE } from "./support/clients.mjs";
import { Cluster } from "./support/cluster.mjs";
import { requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";
import { OWN_KEY, oldLogin } from "./support/tokens.mjs";

const STALE =
  'Bearer error="insufficient_user_authentication", ' +
  'error_description="More recent authentication is required", max_age="300"';

/** Logs a user in. Resolves to the session. */
async function login(middleware, owner = "ann") {
  const session = await requestSession(middleware);
  session.owner = owner;
  await session.create();
  return session;
}

/** Starts a server, and an application with a sensitive route. */
async function setup(t, { connect = STANDALONE["redis 5"], guard = requireRecentAuth(300), options = {} } = {}) {
  const server = await Server.start(t, OWN_KEY.settings, OWN_KEY.files);
  const { client, close } = await connect(server.port);
  t.after(close);
  const reached = [];
  const middleware = jrsSession({ client, timeout: 2000, ...options });
  const app = express();
  app.use(middleware);
  app.post("/sensitive", guard, (req, res) => {
    reached.push(req.session.id);
    res.json({ ok: true });
  });
  app.use((error, _req, res, _next) => res.status(500).json({ error: error.code ?? error.name }));
  const address = await listening(t, app);
  /** Sends a request to the route. */
  async function send(token) {
    const headers = { connection: "close", ...(token && { "x-access-token": token }) };
    const response = await fetch(`${address}/sensitive`, { method: "POST", headers });
    const challenge = response.headers.get("www-authenticate");
    return { status: response.status, challenge, body: await response.text() };
  }
  return { server, middleware, reached, send };
}

for (const [name, connect] of Object.entries(STANDALONE)) {
  test(`${name}: a recent login passes, an older one is refused until the user authenticates again`, async (t) => {
    const { server, middleware, reached, send } = await setup(t, { connect });
    const stale = await oldLogin(server, "ann", { name: "Ann" }, 1000);
    assert.deepEqual(await send(stale), { status: 401, challenge: STALE, body: "" });
    assert.deepEqual(reached, []);
    const session = await requestSession(middleware, stale);
    assert.equal(session.name, "Ann", "other routes work");

    const rotated = await session.rotate();
    assert.equal((await send(rotated)).challenge, STALE, "a rotation is not a login");
    const recent = await (await requestSession(middleware, rotated)).rotate({ reauth: true });
    assert.deepEqual(await send(recent), { status: 200, challenge: null, body: '{"ok":true}' });
    assert.deepEqual(reached, [session.id === recent.id ? session.id : (await requestSession(middleware, recent)).id]);
  });
}

test("the limit is the first argument", async (t) => {
  const { server, send } = await setup(t, { guard: requireRecentAuth(2000) });
  assert.equal((await send(await oldLogin(server, "ann", {}, 1000))).status, 200);
  assert.match((await send(await oldLogin(server, "ann", {}, 3000))).challenge, /max_age="2000"$/);
});

test("a request without a session gets 401, as without a login", async (t) => {
  const { middleware, reached, send } = await setup(t);
  const destroyed = await login(middleware);
  await destroyed.destroy();
  const anonymous = await (await requestSession(middleware)).create();
  for (const token of [undefined, "x", `${destroyed.jwt}x`, destroyed.jwt, anonymous]) {
    assert.deepEqual(await send(token), { status: 401, challenge: "Bearer", body: "" });
  }
  assert.deepEqual(reached, []);
});

test("a session that ends during the request is refused", async (t) => {
  const others = { jwt: undefined };
  const logOutElsewhere = async (_req, _res, next) => {
    await (await requestSession(others.middleware, others.jwt)).destroy();
    next();
  };
  const { middleware, reached, send } = await setup(t, { guard: [logOutElsewhere, requireRecentAuth(300)] });
  const { jwt } = await login(middleware);
  Object.assign(others, { middleware, jwt });
  assert.deepEqual(await send(jwt), { status: 401, challenge: "Bearer", body: "" });
  assert.deepEqual(reached, []);
});

test("a session that the request has destroyed or replaced is refused", async (t) => {
  for (const method of ["destroy", "regenerate"]) {
    const end = async (req, _res, next) => {
      await req.session[method]();
      next();
    };
    const { middleware, reached, send } = await setup(t, { guard: [end, requireRecentAuth(300)] });
    assert.equal((await send((await login(middleware)).jwt)).challenge, "Bearer");
    assert.deepEqual(reached, []);
  }
});

test("onStale answers instead, and only for an old login", async (t) => {
  const onStale = (req, res) => res.status(403).json({ confirm: req.originalUrl });
  const { server, reached, send } = await setup(t, { guard: requireRecentAuth(300, { onStale }) });
  const stale = await oldLogin(server, "ann", {}, 1000);
  assert.deepEqual(await send(stale), { status: 403, challenge: null, body: '{"confirm":"/sensitive"}' });
  assert.equal((await send()).challenge, "Bearer");
  assert.deepEqual(reached, []);
});

test("exceptions of onStale fail the request", async (t) => {
  const failures = [
    () => {
      throw new RangeError("thrown");
    },
    async () => {
      throw new RangeError("rejected");
    },
    (_req, _res, next) => next(new RangeError("passed")),
  ];
  for (const onStale of failures) {
    const { server, reached, send } = await setup(t, { guard: requireRecentAuth(300, { onStale }) });
    const { status, body } = await send(await oldLogin(server, "ann", {}, 1000));
    assert.deepEqual([status, body], [500, '{"error":"RangeError"}']);
    assert.deepEqual(reached, []);
  }
});

test("the request fails if the server cannot answer, also with failOpen", async (t) => {
  const { server, middleware, reached, send } = await setup(t, { options: { failOpen: true } });
  const { jwt: token } = await login(middleware);
  await server.send("ACL", "SETUSER", "default", "-jrs.peek");
  assert.equal((await send(token)).status, 500);
  await server.send("ACL", "SETUSER", "default", "+jrs.peek");
  assert.equal((await send(token)).status, 200);
  await server.send("ACL", "SETUSER", "default", "-jrs.peek");
  await server.stop();
  assert.equal((await send(token)).challenge, "Bearer", "failOpen gives an empty session, which does not pass");
  assert.equal(reached.length, 1);
});

test("no error of the server lets a request pass", async () => {
  const jti = "1";
  const token = `x.${Buffer.from(JSON.stringify({ jti })).toString("base64url")}.x`;
  const session = [jti, "ann", "{}", "{}", 1];
  const outcomes = {
    STALEAUTH: "STALE_AUTH",
    EXPIREDTOKEN: "SESSION_ENDED",
    REUSED: "TOKEN_REUSED",
    BADTOKEN: undefined,
    WRONGKEY: undefined,
    LOADING: undefined,
    ERR: undefined,
  };
  for (const [word, code] of Object.entries(outcomes)) {
    const sendCommand = async ([name, ...args]) => {
      if (name === "JRS.REALMS") return [["name", "default", "keyspace", "sess:"]];
      if (name === "JRS.GET") return session;
      assert.deepEqual([name, ...args], ["JRS.PEEK", "sess:1", token, "MAXAUTHAGE", "1"]);
      throw new Error(`${word} a sentence`);
    };
    const request = { headers: { "x-access-token": token } };
    const run = (middleware) => new Promise((resolve) => middleware(request, {}, resolve));
    assert.equal(await run(jrsSession({ client: { sendCommand }, failOpen: true })), undefined);
    const error = await run(requireRecentAuth(1)); // without a response, every refusal is an error
    assert.ok(error instanceof Error, word);
    if (code) assert.equal(error.code, code);
    else assert.ok(error.message.startsWith(word));
  }
});

test("without Express it answers by the methods of Node.js", async (t) => {
  const { server, middleware } = await setup(t);
  const guard = requireRecentAuth(300);
  const listener = createServer((request, response) =>
    middleware(request, response, () => guard(request, response, () => response.end("reached"))),
  ).listen(0, "127.0.0.1");
  await once(listener, "listening");
  t.after(() => listener.close());
  const address = `http://127.0.0.1:${listener.address().port}`;
  const headers = { connection: "close", "x-access-token": await oldLogin(server, "ann", {}, 1000) };
  const refused = await fetch(address, { headers });
  assert.deepEqual([refused.status, refused.headers.get("www-authenticate")], [401, STALE]);
  headers["x-access-token"] = await oldLogin(server, "ann", {}, 0);
  assert.equal(await (await fetch(address, { headers })).text(), "reached");
});

test("the session may have another name, or be of the CommonJS copy of the package", async (t) => {
  const commonjs = createRequire(import.meta.url)("jrs-session");
  assert.notEqual(commonjs.requireRecentAuth, requireRecentAuth);
  const server = await Server.start(t, OWN_KEY.settings, OWN_KEY.files);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const run = (middleware, request) => new Promise((resolve) => middleware(request, {}, resolve));
  for (const [age, code] of [
    [1000, "STALE_AUTH"],
    [0, undefined],
  ]) {
    const request = { headers: { "x-access-token": await oldLogin(server, "ann", {}, age) } };
    await run(commonjs({ client, requestKey: "jwtSession" }), request);
    assert.equal((await run(requireRecentAuth(300, { requestKey: "jwtSession" }), request))?.code, code);
    assert.match((await run(requireRecentAuth(300), request)).message, /after jrsSession.*req\.session/);
  }
  const foreign = { session: { id: "of another package", cookie: {} } };
  assert.ok((await run(requireRecentAuth(300), foreign)) instanceof TypeError);
  assert.equal((await run(requireRecentAuth(300), { session: null })).code, "INVALID_SESSION");
});

test("invalid arguments are refused", () => {
  for (const seconds of [undefined, 0, -1, 1.5, 31_536_001, "300", Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => requireRecentAuth(seconds), { name: "TypeError", message: /seconds/ });
  }
  for (const options of [null, [], "x", { onstale: () => undefined }, { onStale: 1 }, { requestKey: "" }]) {
    assert.throws(() => requireRecentAuth(300, options), TypeError);
  }
});

test("in a cluster, the command is sent to the node of the session", async (t) => {
  const cluster = await Cluster.start(t);
  for (const [name, connect] of Object.entries(CLUSTER)) {
    const { client, close } = await connect(cluster.ports);
    t.after(close);
    const middleware = jrsSession({ client });
    const before = await cluster.redirections();
    const outcome = async (token) => {
      const request = { headers: { "x-access-token": token } };
      await new Promise((resolve) => middleware(request, {}, resolve));
      return new Promise((resolve) => requireRecentAuth(300)(request, {}, resolve));
    };
    for (const owner of ["ann", "bob", "carol", "dave", "eve", "frank"]) {
      assert.equal(await outcome((await login(middleware, owner)).jwt), undefined, name);
    }
    const anonymous = await (await requestSession(middleware)).create();
    assert.equal((await outcome(anonymous)).code, "NO_OWNER", "its random owner is not a login");
    assert.deepEqual(await cluster.redirections(), before, name);
  }
});

// Where the token of a request may be, with Express 4 and 5.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, get } from "node:http";
import { test } from "node:test";
import { promisify } from "node:util";
import express5 from "express";
import express4 from "express-4";
import { jrsSession } from "jrs-session";
import jwtRedisSession from "jwt-redis-session";

import { STANDALONE } from "./support/clients.mjs";
import { requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";

/** An application that replies with the id of the session, and two sessions. */
async function application(t, express, options = {}) {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const middleware = jrsSession({ client, ...options });
  const app = express();
  app.use(express.json(), express.urlencoded({ extended: false }), middleware);
  app.all("/", (request, response) => response.json({ id: request.session.id }));
  const listener = app.listen(0, "127.0.0.1");
  t.after(() => listener.close());
  await once(listener, "listening");
  const sessions = [await requestSession(middleware), await requestSession(middleware)];
  for (const session of sessions) await session.create();

  /** Sends a request. @returns the id of its session */
  async function find({ query = "", ...request }) {
    const url = `http://127.0.0.1:${listener.address().port}/${query}`;
    const response = await fetch(url, { ...request, headers: { connection: "close", ...request.headers } });
    return (await response.json()).id;
  }
  return { find, sessions };
}

function jsonBody(body) {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

for (const [name, express] of Object.entries({ "Express 4": express4, "Express 5": express5 })) {
  test(`${name}: header, query and body`, async (t) => {
    const {
      find,
      sessions: [{ id, jwt }],
    } = await application(t, express);
    assert.equal(await find({}), undefined);
    assert.equal(await find({ headers: { "X-Access-Token": jwt } }), id);
    assert.equal(await find({ query: `?accessToken=${jwt}` }), id);
    assert.equal(await find(jsonBody({ accessToken: jwt })), id);
    const form = new URLSearchParams({ accessToken: jwt });
    assert.equal(await find({ method: "POST", body: form }), id);
  });

  test(`${name}: the first source that is not empty is used`, async (t) => {
    const {
      find,
      sessions: [one, other],
    } = await application(t, express);
    const query = `?accessToken=${one.jwt}`;
    assert.equal(await find({ headers: { "x-access-token": other.jwt }, query }), other.id);
    assert.equal(await find({ query, ...jsonBody({ accessToken: other.jwt }) }), one.id);
    assert.equal(await find({ headers: { "x-access-token": "bad" }, query }), undefined);
    assert.equal(await find({ headers: { "x-access-token": "" }, query }), one.id);
    assert.equal(await find({ query: `${query}&accessToken=${one.jwt}` }), undefined);
    for (const invalid of [[one.jwt], { token: one.jwt }, 1, true]) {
      assert.equal(await find(jsonBody({ accessToken: invalid })), undefined);
    }
  });

  test(`${name}: requestArg`, async (t) => {
    const {
      find,
      sessions: [{ id, jwt }],
    } = await application(t, express, { requestArg: "fancyAccessToken" });
    assert.equal(await find({ headers: { "x-fancy-access-token": jwt } }), id);
    assert.equal(await find({ query: `?fancyAccessToken=${jwt}` }), id);
    assert.equal(await find({ headers: { "x-access-token": jwt } }), undefined);
  });

  test(`${name}: Authorization and cookie, if the options are set`, async (t) => {
    const {
      find,
      sessions: [one, other],
    } = await application(t, express, { bearer: true, cookie: "sid", requestArg: "accessToken" });
    assert.equal(await find({ headers: { authorization: `Bearer ${one.jwt}` } }), one.id);
    assert.equal(await find({ headers: { authorization: `bearer  ${one.jwt}` } }), one.id);
    assert.equal(await find({ headers: { authorization: `Basic ${one.jwt}` } }), undefined);
    assert.equal(await find({ headers: { cookie: `a=b; sid=${one.jwt}; c=d` } }), one.id);
    assert.equal(await find({ headers: { cookie: `xsid=${one.jwt}; sid2=${one.jwt}` } }), undefined);
    const both = { authorization: `Bearer ${one.jwt}`, cookie: `sid=${other.jwt}` };
    assert.equal(await find({ headers: both }), one.id);
    assert.equal(await find({ headers: both, query: `?accessToken=${other.jwt}` }), other.id);
  });

  test(`${name}: the cookie only`, async (t) => {
    const {
      find,
      sessions: [one, other],
    } = await application(t, express, { cookie: "sid" });
    const cookie = `sid=${one.jwt}`;
    assert.equal(await find({ headers: { cookie } }), one.id);
    const query = `?accessToken=${other.jwt}&false=${other.jwt}`;
    for (const headers of [{}, { cookie }]) {
      const id = headers.cookie && one.id;
      assert.equal(await find({ headers, query }), id);
      assert.equal(await find({ headers: { ...headers, "x-access-token": other.jwt, "x-false": other.jwt } }), id);
      const { body, ...posted } = jsonBody({ accessToken: other.jwt, false: other.jwt });
      assert.equal(await find({ ...posted, body, headers: { ...posted.headers, ...headers } }), id);
      assert.equal(await find({ headers: { ...headers, authorization: `Bearer ${other.jwt}` } }), id);
    }
  });

  test(`${name}: Authorization and cookie are ignored by default`, async (t) => {
    const {
      find,
      sessions: [{ jwt }],
    } = await application(t, express);
    assert.equal(await find({ headers: { authorization: `Bearer ${jwt}` } }), undefined);
    assert.equal(await find({ headers: { cookie: `sid=${jwt}; accessToken=${jwt}` } }), undefined);
  });
}

test("the query of a WebSocket upgrade request, which Express does not parse, is read from the URL", async (t) => {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const middleware = jrsSession({ client });
  const session = await requestSession(middleware);
  await session.create();
  const listener = createServer().listen(0, "127.0.0.1");
  t.after(() => listener.close());
  listener.on("upgrade", (request, socket) => {
    middleware(request, {}, (error) => {
      const body = error ? "error" : (request.session.id ?? "none");
      socket.end(`HTTP/1.1 403 Forbidden\r\nconnection: close\r\nx-session: ${body}\r\n\r\n`);
    });
  });
  await once(listener, "listening");
  const { port } = listener.address();
  const upgraded = async (path, headers = {}) => {
    const given = { connection: "Upgrade", upgrade: "websocket", ...headers };
    const [response] = await once(get({ host: "127.0.0.1", port, path, headers: given }), "response");
    return response.headers["x-session"];
  };
  assert.equal(await upgraded("/"), "none");
  assert.equal(await upgraded(`/?accessToken=${session.jwt}`), session.id);
  assert.equal(await upgraded(`/chat?a=1&accessToken=${session.jwt}&__proto__=x`), session.id);
  assert.equal(await upgraded(`/?accessToken=${session.jwt}&accessToken=${session.jwt}`), "none");
  assert.equal(await upgraded(`/?accessToken=${session.jwt}x`), "none");
  assert.equal(await upgraded(`/?${"a&".repeat(7500)}accessToken=${session.jwt}`), session.id);
  assert.equal(await upgraded("/?accessToken=", { "x-access-token": session.jwt }), session.id);
});

test("a URL with 7,500 parameters needs little memory", async () => {
  const program = `
    import { jrsSession } from "jrs-session";
    const middleware = jrsSession({ client: { sendCommand: async () => { throw new Error("unexpected command"); } } });
    const request = { headers: {}, url: "/?" + "a&".repeat(7500) };
    middleware(request, {}, (error) => console.log(error ?? typeof request.session));`;
  // Node.js aborts if the program needs more.
  const limits = ["--max-old-space-size=64", "--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, limits, { cwd: new URL(".", import.meta.url) });
  assert.equal(stdout.trim(), "object");
});

test("the names of headers are those of jwt-redis-session", () => {
  for (const requestArg of ["accessToken", "fancyAccessToken", "AccessToken", "token", "JWT", "token2", "a-b", "x_y"]) {
    const [expected, actual] = [
      jwtRedisSession({ client: {}, secret: "s", requestArg }),
      jrsSession({ client: { sendCommand: () => undefined }, requestArg }),
    ].map((middleware) => {
      const names = [];
      const request = { get: (name) => void names.push(name), query: {} };
      middleware(request, {}, () => undefined);
      return names;
    });
    assert.deepEqual(actual, expected);
  }
});

// The applications in the README, exactly as they are printed there.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { test } from "node:test";
import { createAdaptorServer } from "@hono/node-server";
import express from "express";
import createFastify from "fastify";
import { Hono } from "hono";
import { jrsSession, requireRecentAuth } from "jrs-session";
import * as forFastify from "jrs-session/fastify";
import * as forHono from "jrs-session/hono";
import { createClient } from "redis-5";
import { WebSocket, WebSocketServer } from "ws";

import { Browser, listening } from "./support/browser.mjs";
import { STANDALONE } from "./support/clients.mjs";
import { Server } from "./support/server.mjs";
import { decoded, OWN_KEY, oldLogin } from "./support/tokens.mjs";

const USERS = { ann: { id: 1, name: "Ann" }, bob: { id: 2, name: "Bob" } };
const findUser = async (name, password) => (password === "right" ? USERS[name] : undefined);

/** Runs the first code block under a heading of the README with the variables in `given`. Returns `result`. */
async function codeUnder(heading, given, result) {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const [, code] = new RegExp(`^## ${heading}\\n.*?^\`\`\`js\\n(.*?)^\`\`\`$`, "ms").exec(readme);
  const AsyncFunction = (async () => undefined).constructor;
  const run = new AsyncFunction(...Object.keys(given), `${code.replace(/^import .*$/gm, "")}\nreturn ${result};`);
  return run(...Object.values(given));
}

/** A server, a client, and an application with sessions. */
async function application(t, options, settings = {}) {
  const server = await Server.start(t, { ...OWN_KEY.settings, ...settings }, OWN_KEY.files);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const app = express();
  app.use(express.json());
  if (options) app.use(jrsSession({ client, ...options }));
  return { server, client, app };
}

/** The options of the applications in the README. */
const COOKIE = { cookie: true, autoSave: true };
const NAME = "__Host-session";
const ANN = { body: { name: "ann", password: "right" } };
const BOB = { body: { name: "bob", password: "right" } };

test("Use", async (t) => {
  const server = await Server.start(t);
  const given = { express, jrsSession, findUser, createClient: () => createClient({ socket: { port: server.port } }) };
  const { app, client } = await codeUnder("Use", given, "{ app, client }");
  t.after(() => client.destroy());
  assert.ok(client.listenerCount("error") > 0);
  const browser = new Browser(await listening(t, app));
  assert.equal((await browser.request("GET", "/me")).status, 401);
  const wrong = { body: { name: "ann", password: "wrong" } };
  assert.equal((await browser.request("POST", "/login", wrong)).status, 401);
  assert.equal(await server.send("DBSIZE"), 0);
  assert.equal((await browser.request("POST", "/login", ANN)).status, 200);
  assert.match(browser.lines[0], /^__Host-session=[^;]+; Max-Age=86400; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  assert.deepEqual(await browser.request("GET", "/me"), { status: 200, body: { name: "Ann" } });
  assert.equal((await browser.request("POST", "/login", BOB)).status, 200);
  assert.deepEqual((await browser.request("GET", "/me")).body, { name: "Bob" });
  assert.equal((await browser.request("POST", "/logout")).status, 204);
  assert.deepEqual([browser.cookies.size, await server.send("DBSIZE")], [0, 0]);
  assert.equal((await browser.request("GET", "/me")).status, 401);
});

test("Login, devices, logout everywhere", async (t) => {
  const { app } = await application(t, COOKIE);
  app.get("/", (req, res) => res.json({ ...req.session.toJSON(), owner: req.session.owner, claims: undefined }));
  app.post("/note", (req, res) => {
    req.session.note = "mine";
    res.json({});
  });
  await codeUnder("Login, devices, logout everywhere", { app, findUser }, "undefined");
  const address = await listening(t, app);
  const headers = { "user-agent": "test" };
  const login = async (user, browser = new Browser(address)) => {
    assert.equal((await browser.request("POST", "/login", { ...user, headers })).status, 200);
    return browser;
  };
  const dataOf = async (browser) => (await browser.copy().request("GET", "/")).body;
  const ann = { name: "Ann", device: "test", owner: "1" };

  await t.test("a login keeps the anonymous session, with another token", async () => {
    const browser = new Browser(address);
    await browser.request("POST", "/note");
    const guest = browser.copy();
    await login(ANN, browser);
    assert.deepEqual(await dataOf(browser), { ...ann, note: "mine" });
    assert.deepEqual(await dataOf(guest), { owner: "" });
  });

  await t.test("a login in the session of another user does not keep its data", async () => {
    const browser = await login(ANN);
    await browser.request("POST", "/note");
    const anns = browser.copy();
    await login(BOB, browser);
    assert.deepEqual(await dataOf(browser), { name: "Bob", device: "test", owner: "2" });
    assert.deepEqual(await dataOf(anns), { owner: "" });
  });

  await t.test("a second login of the same user keeps the session, with another token", async () => {
    const browser = await login(ANN);
    await browser.request("POST", "/note");
    const first = browser.copy();
    await login(ANN, browser);
    assert.deepEqual(await dataOf(browser), { ...ann, note: "mine" });
    assert.deepEqual(await dataOf(first), { owner: "" });
  });

  await t.test("a logout without a session is not an error", async () => {
    const browser = await login(ANN);
    const copy = browser.copy();
    assert.deepEqual((await browser.request("POST", "/logout")).body, { ended: 1 });
    assert.deepEqual((await copy.request("POST", "/logout")).body, { ended: 0 });
    assert.deepEqual((await browser.request("POST", "/logout")).body, { ended: 0 });
  });

  await t.test("devices", async () => {
    const stranger = new Browser(address);
    for (const method of ["GET", "DELETE"]) assert.equal((await stranger.request(method, "/devices")).status, 401);
    await (await login(ANN)).request("DELETE", "/devices");
    const browsers = [await login(ANN), await login(ANN), await login(ANN)];
    const [, , browser] = browsers;
    const { body: devices } = await browser.request("GET", "/devices");
    assert.deepEqual(
      devices.map(({ current }) => current),
      [false, false, true],
    );
    const end = async (path) => (await browser.request("DELETE", path)).body;
    assert.deepEqual(await end(`/devices/${encodeURIComponent(devices[0].id)}`), { ended: 1 });
    assert.deepEqual(await end("/devices/x"), { ended: 0 });
    assert.deepEqual(
      devices.map(({ fields }) => fields),
      Array(3).fill({ "/name": "Ann", "/device": "test" }),
    );
    const { body: rest } = await browser.request("GET", `/devices?after=${encodeURIComponent(devices[1].id)}`);
    assert.deepEqual(
      rest.map(({ id }) => id),
      [devices[2].id],
    );
    assert.deepEqual(await end("/devices"), { ended: 2 });
    assert.equal(browser.cookies.size, 0);
    for (const ended of browsers) assert.deepEqual(await dataOf(ended), { owner: "" });
  });
});

test("Tokens in headers", async (t) => {
  const { app, client } = await application(t);
  await codeUnder("Tokens in headers", { app, client, express, jrsSession, findUser }, "undefined");
  const browser = new Browser(await listening(t, app));
  const { token } = (await browser.request("POST", "/login", ANN)).body;
  assert.deepEqual(browser.lines, []);
  assert.equal((await browser.request("GET", "/me")).status, 401);
  const headers = { "x-access-token": token };
  assert.deepEqual((await browser.request("GET", "/me", { headers })).body, { name: "Ann" });
  assert.deepEqual((await browser.request("GET", `/me?accessToken=${token}`)).body, { name: "Ann" });
});

test("WebSockets", async (t) => {
  const { server: redis, client } = await application(t);
  const [server, sockets] = [createServer(), new WebSocketServer({ noServer: true })];
  await codeUnder("WebSockets", { client, jrsSession, server, sockets }, "undefined");
  const address = (await listening(t, server)).replace("http:", "ws:");
  const open = async (cookie) => {
    const socket = new WebSocket(`${address}/chat`, { headers: { cookie } });
    t.after(() => socket.terminate());
    const refused = once(socket, "unexpected-response").then(([, { statusCode }]) => statusCode);
    return Promise.race([refused, once(socket, "message").then(([text]) => String(text))]);
  };
  assert.equal(await open("a=1"), 401);
  const token = await redis.send("JRS.CREATE", "1", '{"name":"Ann"}');
  assert.equal(await open(`${NAME}=${token}`), "Hello Ann");
});

/** An application with the first code block under a heading, and a browser with a cookie. */
async function withCookie(t, heading, settings) {
  const { server, app } = await application(t, COOKIE, settings);
  await codeUnder(heading, { app, findUser: userOf, requireRecentAuth }, "undefined");
  app.get("/", (req, res) => res.json({ id: req.session.id ?? null }));
  const address = await listening(t, app);
  const browser = (token) => {
    const browser = new Browser(address);
    if (token) browser.cookies.set(NAME, token);
    return browser;
  };
  return { server, browser };
}

/** Finds a user by the name that is in the session. */
const userOf = (name, password) => findUser(name.toLowerCase(), password);

test("A recent login for sensitive routes", async (t) => {
  const { server, browser } = await withCookie(t, "A recent login for sensitive routes");
  const stale = browser(await oldLogin(server, "1", { name: "Ann" }, 1000));
  const change = { body: { email: "ann@example.org" } };
  const statusOf = async (browser, path, given) => (await browser.copy().request("POST", path, given)).status;
  assert.equal(await statusOf(browser(), "/email", change), 401);
  assert.equal(await statusOf(stale, "/email", change), 401);
  const [right, wrong] = [{ body: { password: "right" } }, { body: { password: "wrong" } }];
  assert.equal(await statusOf(browser(), "/confirm", right), 401);
  assert.equal(await statusOf(stale, "/confirm", wrong), 401);
  const bobs = browser(await oldLogin(server, "2", { name: "Ann" }, 1000));
  assert.equal(await statusOf(bobs, "/confirm", right), 401, "the password of another user");
  const confirmed = stale.copy();
  assert.equal((await confirmed.request("POST", "/confirm", right)).status, 204);
  assert.deepEqual((await confirmed.request("POST", "/email", change)).body, change.body);
  assert.equal(await statusOf(stale, "/email", change), 401, "the old token is invalid at once");
});

test("Access tokens for other services", async (t) => {
  const settings = { "jrs.issuer": "https://login.example" };
  const { server, browser } = await withCookie(t, "Access tokens for other services", settings);
  const session = await server.send("JRS.CREATE", "1", "{}");
  const { token } = (await browser(session).request("POST", "/access-token")).body;
  const [, { aud, sid }] = decoded(token);
  assert.deepEqual([aud, sid], ["https://orders.example", decoded(session)[1].jti]);
  assert.equal((await browser(token).request("POST", "/access-token")).status, 401, "it is not a session token");
});

/** Tests an application in Fastify or Hono. @param address where it listens */
async function checkLogin(address, server) {
  const browser = new Browser(address);
  const change = () => browser.request("POST", "/email", { body: { email: "ann@example.org" } });
  const wrong = { body: { name: "ann", password: "wrong" } };
  assert.equal((await browser.request("POST", "/login", wrong)).status, 401);
  assert.equal((await change()).status, 401);
  assert.equal((await browser.request("POST", "/login", ANN)).status, 200);
  assert.deepEqual((await browser.request("GET", "/me")).body, { name: "Ann" });
  assert.deepEqual((await change()).body, { email: "ann@example.org" });
  browser.cookies.set(NAME, await oldLogin(server, "1", {}, 1000));
  assert.equal((await change()).status, 401);
}

test("Fastify", async (t) => {
  const { server, client } = await application(t);
  const { jrsSession, requireRecentAuth } = forFastify;
  const given = { client, findUser, createFastify, jrsSession, requireRecentAuth };
  const app = await codeUnder("Fastify", given, "app");
  t.after(() => app.close());
  await checkLogin(await app.listen({ port: 0, host: "127.0.0.1" }), server);
});

test("Hono", async (t) => {
  const { server, client } = await application(t);
  const { jrsSession, requireRecentAuth } = forHono;
  const app = await codeUnder("Hono", { client, findUser, Hono, jrsSession, requireRecentAuth }, "app");
  await checkLogin(await listening(t, createAdaptorServer({ fetch: app.fetch })), server);
});

test("Rotation and stolen tokens", async (t) => {
  const { server, browser } = await withCookie(t, "Rotation and stolen tokens");
  assert.deepEqual((await browser().request("GET", "/")).body, { id: null });
  const old = await oldLogin(server, "1", {}, 1000);
  const browsers = [browser(old), browser(old), browser(old)];
  const replies = await Promise.all(browsers.map((browser) => browser.request("GET", "/")));
  const [{ id }] = replies.map(({ body }) => body);
  assert.notEqual(id, decoded(old)[1].jti);
  const rotated = browsers.filter(({ lines }) => lines.length > 0);
  assert.ok(rotated.length > 0);
  for (const browser of rotated) {
    const token = browser.cookies.get(NAME);
    assert.equal(decoded(token)[1].jti, id, "all requests get the same new session");
    assert.match(browser.lines[0], /HttpOnly; Secure; SameSite=Lax/);
    assert.deepEqual((await browser.request("GET", "/")).body, { id });
    assert.equal(browser.cookies.get(NAME), token, "a new token is not rotated again");
  }
  assert.deepEqual(
    replies.map(({ body }) => body.id),
    [id, id, id],
  );
});

// The pages docs/clients/express.md, fastify.md and hono.md: their code, exactly as it is printed there.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { createAdaptorServer, upgradeWebSocket } from "@hono/node-server";
import express from "express";
import createFastify from "fastify";
import { Hono } from "hono";
import * as forExpress from "jrs-session";
import * as forFastify from "jrs-session/fastify";
import * as forHono from "jrs-session/hono";
import { WebSocket, WebSocketServer } from "ws";

import { Browser, listening } from "./support/browser.mjs";
import { STANDALONE } from "./support/clients.mjs";
import { codeBlocks, startProgram } from "./support/pages.mjs";
import { Server } from "./support/server.mjs";
import { OWN_KEY, oldLogin } from "./support/tokens.mjs";

const PAGES = {
  Express: "../../docs/clients/express.md",
  Fastify: "../../docs/clients/fastify.md",
  Hono: "../../docs/clients/hono.md",
};

for (const [name, path] of Object.entries(PAGES)) {
  test(`${name}: the application`, async (t) => {
    const [code] = await codeBlocks(path);
    const browser = await startProgram(t, code, await Server.start(t));
    const logIn = async (user, password = "right") =>
      (await user.request("POST", "/login", { body: { name: "ann", password }, headers: { "user-agent": "test" } }))
        .status;
    assert.equal((await browser.request("GET", "/me")).status, 401);
    assert.equal((await browser.request("GET", "/devices")).status, 401);
    assert.equal((await browser.request("DELETE", "/devices/x")).status, 401);
    assert.equal(await logIn(browser, "wrong"), 401);
    assert.equal(browser.cookies.size, 0);
    assert.equal(await logIn(browser), 200);
    assert.deepEqual((await browser.request("GET", "/me")).body, { name: "Ann" });

    const [phone, tablet] = [browser.copy(), browser.copy()];
    for (const other of [phone, tablet]) {
      other.cookies.clear();
      await logIn(other);
    }
    const { body: devices } = await browser.request("GET", "/devices");
    assert.deepEqual(
      devices.map(({ current, fields }) => [current, fields]),
      [true, false, false].map((current) => [current, { "/device": "test" }]),
    );
    const ended = await browser.request("DELETE", `/devices/${encodeURIComponent(devices[1].id)}`);
    assert.deepEqual(ended.body, { ended: 1 });
    assert.equal((await phone.request("GET", "/me")).status, 401);
    assert.deepEqual((await browser.request("DELETE", "/devices/x")).body, { ended: 0 });
    assert.deepEqual((await browser.request("DELETE", "/devices")).body, { ended: 2 });
    assert.equal(browser.cookies.size, 0);
    assert.equal((await tablet.request("GET", "/me")).status, 401);
    await logIn(browser);
    assert.deepEqual((await browser.request("POST", "/logout")).body, { ended: 1 });
    assert.equal(browser.cookies.size, 0);
  });
}

/** Runs code of a page with the variables in `given`, without its imports. */
function run(code, given) {
  new Function(...Object.keys(given), code.replace(/^import .*$/gm, ""))(...Object.values(given));
}

/** A server, a client, and the code blocks after the application. */
async function parts(t, path) {
  const server = await Server.start(t, OWN_KEY.settings, OWN_KEY.files);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const [, recent, webSockets] = await codeBlocks(path);
  return { server, client, recent, webSockets };
}

/** Opens a WebSocket. @returns the first message, or the status of a refusal */
async function firstMessage(address, cookie) {
  const socket = new WebSocket(address.replace("http:", "ws:"), { headers: { cookie } });
  const refused = once(socket, "unexpected-response").then(([, response]) => response.statusCode);
  const message = once(socket, "message").then(([text]) => String(text));
  const first = await Promise.race([refused, message]);
  socket.terminate();
  return first;
}

/** Tests the routes that the code of a page has added. */
async function check(server, address) {
  const browser = new Browser(address);
  const change = () => browser.request("POST", "/email", { body: { email: "ann@example.org" } });
  assert.equal((await change()).status, 401);
  assert.equal(await firstMessage(`${address}/chat`, ""), 401);
  browser.cookies.set("__Host-session", await oldLogin(server, "1", { name: "Ann" }, 1000));
  assert.equal((await change()).status, 401);
  const token = await server.send("JRS.CREATE", "1", '{"name":"Ann"}');
  browser.cookies.set("__Host-session", token);
  assert.deepEqual(await change(), { status: 200, body: { email: "ann@example.org" } });
  assert.equal(await firstMessage(`${address}/chat`, `__Host-session=${token}`), "Hello Ann");
}

test("Express: a recent login, and WebSockets", async (t) => {
  const { server, client, recent, webSockets } = await parts(t, PAGES.Express);
  const app = express();
  app.use(express.json(), forExpress.jrsSession({ client, cookie: true, autoSave: true }));
  run(recent, { app, requireRecentAuth: forExpress.requireRecentAuth });
  const listener = createServer(app);
  const sockets = new WebSocketServer({ noServer: true });
  run(webSockets, { client, server: listener, sockets, jrsSession: forExpress.jrsSession });
  await check(server, await listening(t, listener));
});

test("Fastify: a recent login, and WebSockets", async (t) => {
  const { server, client, recent, webSockets } = await parts(t, PAGES.Fastify);
  const app = createFastify({ forceCloseConnections: true });
  t.after(() => app.close());
  await app.register(forFastify.jrsSession, { client, cookie: true, autoSave: true });
  run(recent, { app, requireRecentAuth: forFastify.requireRecentAuth });
  run(webSockets, { app, sockets: new WebSocketServer({ noServer: true }) });
  await check(server, await app.listen({ port: 0, host: "127.0.0.1" }));
});

test("Hono: a recent login, and WebSockets", async (t) => {
  const { server, client, recent, webSockets } = await parts(t, PAGES.Hono);
  const app = new Hono();
  app.use(forHono.jrsSession({ client, cookie: true, autoSave: true }));
  run(recent, { app, requireRecentAuth: forHono.requireRecentAuth });
  const loggedIn = async (c, next) => (c.get("session").owner === "" ? c.body(null, 401) : next());
  let listener;
  const serve = (options) => {
    listener = createAdaptorServer(options);
  };
  run(webSockets, { app, loggedIn, serve, upgradeWebSocket, WebSocketServer });
  await check(server, await listening(t, listener));
});

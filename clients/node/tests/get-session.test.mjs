// getSession: the session of an upgrade request, which does not pass through the middleware.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { test } from "node:test";
import { jrsSession } from "jrs-session";
import { createSessions } from "jrs-session/core";

import { listening } from "./support/browser.mjs";
import { STANDALONE } from "./support/clients.mjs";
import { requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";

/** Accepts the WebSocket of a user, and refuses others. */
async function setup(t, options) {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const sessions = jrsSession({ client, ...options });
  const listener = createServer();
  listener.on("upgrade", async (request, socket) => {
    const session = await sessions.getSession(request).catch((error) => ({ error }));
    if (session.error) socket.end(`HTTP/1.1 500 Internal Server Error\r\nx-error: ${session.error.message}\r\n\r\n`);
    else if (!session.owner) socket.end("HTTP/1.1 401 Unauthorized\r\n\r\n");
    else socket.end(`${accepted(request)}\r\nx-owner: ${session.owner}\r\nx-cart: ${session.cart}\r\n\r\n`);
  });
  const address = await listening(t, listener);
  const login = await requestSession(jrsSession({ client }));
  Object.assign(login, { owner: "ann", cart: ["book"] });
  return { server, client, upgrade: (path, headers) => upgrade(address + path, headers), token: await login.create() };
}

/** The response that accepts a WebSocket (RFC 6455, section 4.2.2), without the empty line. */
function accepted({ headers }) {
  const key = `${headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(key).digest("base64");
  const lines = ["HTTP/1.1 101 Switching Protocols", "upgrade: websocket", "connection: upgrade"];
  return [...lines, `sec-websocket-accept: ${accept}`].join("\r\n");
}

/** Asks for a WebSocket. @returns the status and the headers */
async function upgrade(url, headers = {}) {
  const handshake = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13" };
  const key = Buffer.from("0123456789abcdef").toString("base64");
  const sent = httpRequest(url, { headers: { ...handshake, "sec-websocket-key": key, ...headers } }).end();
  const [response] = await Promise.race([once(sent, "upgrade"), once(sent, "response")]);
  return { status: response.statusCode, headers: response.headers };
}

test("a WebSocket has the session of its cookie", async (t) => {
  const { upgrade, token } = await setup(t, { cookie: true });
  const { status, headers } = await upgrade("/chat", { cookie: `a=1; __Host-session=${token}` });
  assert.deepEqual([status, headers["x-owner"], headers["x-cart"]], [101, "ann", "book"]);
  assert.equal((await upgrade("/chat")).status, 401);
  assert.equal((await upgrade("/chat", { cookie: `__Host-session=${token}x` })).status, 401);
  const others = { authorization: `Bearer ${token}`, "x-access-token": token };
  assert.equal((await upgrade(`/chat?accessToken=${token}`, others)).status, 401, "the cookie only");
});

test("a WebSocket has the session of its header, its query or its Authorization, if the options say so", async (t) => {
  const { upgrade, token } = await setup(t, { cookie: true, requestArg: "accessToken", bearer: true });
  assert.equal((await upgrade("/chat", { "x-access-token": token })).status, 101);
  assert.equal((await upgrade(`/chat?a=1&accessToken=${token}`)).status, 101);
  assert.equal((await upgrade("/chat", { authorization: `Bearer ${token}` })).status, 101);
  assert.equal((await upgrade("/chat", { cookie: `__Host-session=${token}` })).status, 101);
  assert.equal((await upgrade(`/chat?accessToken=${token}&accessToken=${token}`)).status, 401);
});

test("getSession rejects if Redis fails, unless failOpen is set", async (t) => {
  for (const [failOpen, expected] of [
    [false, 500],
    [true, 401],
  ]) {
    const { server, upgrade, token } = await setup(t, { cookie: true, failOpen, timeout: 200 });
    await server.stop();
    assert.equal((await upgrade("/chat", { cookie: `__Host-session=${token}` })).status, expected);
  }
});

test("the core has getSession too, and its session can be changed", async (t) => {
  const { client, token } = await setup(t, { cookie: true });
  const sessions = createSessions({ client, cookie: true });
  const request = { headers: { cookie: `__Host-session=${token}` } };
  const session = await sessions.getSession(request);
  assert.equal(await session.merge({ online: true }), "OK");
  assert.equal((await sessions.getSession(request)).online, true);
  assert.equal("session" in request, false);
  assert.equal(await session.destroy(), 1);
  assert.equal((await sessions.getSession(request)).id, undefined);
});

// The applications in the README, exactly as they are printed there.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import express from "express";
import { jrsSession, requireRecentAuth } from "jrs-session";
import { createClient } from "redis-5";

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

/** Returns a function that sends a request to the application and returns the JSON of the response, or its status. */
async function listening(t, app) {
  const listener = app.listen(0, "127.0.0.1");
  t.after(() => listener.close());
  await once(listener, "listening");
  return async (method, path, token, body) => {
    const headers = {
      connection: "close",
      "content-type": "application/json",
      ...(token && { "x-access-token": token }),
    };
    const url = `http://127.0.0.1:${listener.address().port}${path}`;
    const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
    return response.ok ? response.json() : response.status;
  };
}

test("Use", async (t) => {
  const server = await Server.start(t);
  const given = { express, jrsSession, findUser, createClient: () => createClient({ socket: { port: server.port } }) };
  const { app, client } = await codeUnder("Use", given, "{ app, client }");
  t.after(() => client.destroy());
  assert.ok(client.listenerCount("error") > 0);
  const call = await listening(t, app);
  assert.equal(await call("GET", "/me"), 401);
  assert.equal(await call("POST", "/login", undefined, { name: "ann", password: "wrong" }), 401);
  const { token } = await call("POST", "/login", undefined, { name: "ann", password: "right" });
  assert.deepEqual(await call("GET", "/me", token), { name: "Ann" });
  assert.equal(await call("POST", "/login", token, { name: "bob", password: "right" }), 409);
});

test("Login, devices, logout everywhere", async (t) => {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const app = express();
  app.use(express.json(), jrsSession({ client }));
  app.get("/", (req, res) =>
    res.json({ ...req.session.toJSON(), owner: req.session.owner, claims: undefined, jwt: undefined }),
  );
  app.post("/note", async (req, res) => {
    req.session.note = "mine";
    if (req.session.id) await req.session.update();
    else await req.session.create();
    res.json({ token: req.session.jwt });
  });
  await codeUnder("Login, devices, logout everywhere", { app, findUser }, "undefined");
  const call = await listening(t, app);
  const login = async (name, token) => (await call("POST", "/login", token, { name, password: "right" })).token;

  await t.test("a login keeps the anonymous session, with another token", async () => {
    const { token: guest } = await call("POST", "/note");
    const token = await login("ann", guest);
    assert.deepEqual(await call("GET", "/", token), { name: "Ann", note: "mine", owner: "1" });
    assert.deepEqual(await call("GET", "/", guest), { owner: "" });
  });

  await t.test("a login in the session of another user does not keep its data", async () => {
    const anns = await login("ann");
    await call("POST", "/note", anns);
    const bobs = await login("bob", anns);
    assert.deepEqual(await call("GET", "/", bobs), { name: "Bob", owner: "2" });
    assert.deepEqual(await call("GET", "/", anns), { owner: "" });
  });

  await t.test("a second login of the same user keeps the session, with another token", async () => {
    const first = await login("ann");
    await call("POST", "/note", first);
    const second = await login("ann", first);
    assert.deepEqual(await call("GET", "/", second), { name: "Ann", note: "mine", owner: "1" });
    assert.deepEqual(await call("GET", "/", first), { owner: "" });
  });

  await t.test("a logout without a session is not an error", async () => {
    const token = await login("ann");
    assert.deepEqual(await call("POST", "/logout", token), { ended: 1 });
    assert.deepEqual(await call("POST", "/logout", token), { ended: 0 });
    assert.deepEqual(await call("POST", "/logout"), { ended: 0 });
  });

  await t.test("devices", async () => {
    assert.equal(await call("GET", "/devices"), 401);
    assert.equal(await call("DELETE", "/devices"), 401);
    await call("DELETE", "/devices", await login("ann"));
    const tokens = [await login("ann"), await login("ann"), await login("ann")];
    const devices = await call("GET", "/devices", tokens[2]);
    assert.deepEqual(
      devices.map(({ current }) => current),
      [false, false, true],
    );
    assert.deepEqual(await call("DELETE", `/devices/${encodeURIComponent(devices[0].id)}`, tokens[2]), { ended: 1 });
    assert.deepEqual(await call("DELETE", "/devices/x", tokens[2]), { ended: 0 });
    assert.deepEqual(
      devices.map(({ fields }) => fields),
      Array(3).fill({ "/name": "Ann" }),
    );
    const rest = await call("GET", `/devices?after=${encodeURIComponent(devices[1].id)}`, tokens[2]);
    assert.deepEqual(
      rest.map(({ id }) => id),
      [devices[2].id],
    );
    assert.deepEqual(await call("DELETE", "/devices", tokens[2]), { ended: 2 });
    for (const token of tokens) assert.deepEqual(await call("GET", "/", token), { owner: "" });
  });
});

/** An application with sessions and the first code block under a heading of the README. */
async function application(t, heading, settings = {}) {
  const server = await Server.start(t, { ...OWN_KEY.settings, ...settings }, OWN_KEY.files);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const app = express();
  app.use(express.json(), jrsSession({ client }));
  await codeUnder(heading, { app, findUser: userOf, requireRecentAuth }, "undefined");
  app.get("/", (req, res) => res.json({ id: req.session.id ?? null, cookie: res.getHeader("set-cookie") ?? null }));
  return { server, call: await listening(t, app) };
}

/** Finds a user by the name that is in the session. */
const userOf = (name, password) => findUser(name.toLowerCase(), password);

test("A recent login for sensitive routes", async (t) => {
  const { server, call } = await application(t, "A recent login for sensitive routes");
  const stale = await oldLogin(server, "1", { name: "Ann" }, 1000);
  const change = { email: "ann@example.org" };
  assert.equal(await call("POST", "/email", undefined, change), 401);
  assert.equal(await call("POST", "/email", stale, change), 401);
  assert.equal(await call("POST", "/confirm", undefined, { password: "right" }), 401);
  assert.equal(await call("POST", "/confirm", stale, { password: "wrong" }), 401);
  const bobs = await oldLogin(server, "2", { name: "Ann" }, 1000);
  assert.equal(await call("POST", "/confirm", bobs, { password: "right" }), 401, "the password of another user");
  const { token } = await call("POST", "/confirm", stale, { password: "right" });
  assert.deepEqual(await call("POST", "/email", token, change), change);
  assert.equal(await call("POST", "/email", stale, change), 401, "the old token is invalid at once");
});

test("Access tokens for other services", async (t) => {
  const settings = { "jrs.issuer": "https://login.example" };
  const { server, call } = await application(t, "Access tokens for other services", settings);
  const session = await server.send("JRS.CREATE", "1", "{}");
  const { token } = await call("POST", "/access-token", session, {});
  const [, { aud, sid }] = decoded(token);
  assert.deepEqual([aud, sid], ["https://orders.example", decoded(session)[1].jti]);
  assert.equal(await call("POST", "/access-token", token, {}), 401, "it is not a session token");
});

test("Rotation and stolen tokens", async (t) => {
  const { server, call } = await application(t, "Rotation and stolen tokens");
  assert.deepEqual(await call("GET", "/"), { id: null, cookie: null });
  const old = await oldLogin(server, "1", {}, 1000);
  const replies = await Promise.all([call("GET", "/", old), call("GET", "/", old), call("GET", "/", old)]);
  const [{ id }] = replies;
  assert.notEqual(id, decoded(old)[1].jti);
  const cookies = replies.map(({ cookie }) => cookie).filter((cookie) => cookie !== null);
  assert.ok(cookies.length > 0);
  for (const cookie of cookies) {
    const [, token, attributes] = /^sid=([^;]+); (.*)$/.exec(cookie);
    assert.equal(decoded(token)[1].jti, id, "all requests get the same new session");
    assert.match(attributes, /HttpOnly; Secure; SameSite=Lax/);
    assert.deepEqual(await call("GET", "/", token), { id, cookie: null }, "a new token is not rotated again");
  }
  assert.deepEqual(
    replies.map((reply) => reply.id),
    [id, id, id],
  );
});

// The applications in the README, exactly as they are printed there.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import express from "express";
import { jrsSession } from "jrs-session";
import { createClient } from "redis-5";

import { STANDALONE } from "./support/clients.mjs";
import { Server } from "./support/server.mjs";

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
    assert.deepEqual(await call("DELETE", "/devices", tokens[2]), { ended: 2 });
    for (const token of tokens) assert.deepEqual(await call("GET", "/", token), { owner: "" });
  });
});

// The migration from jwt-redis-session, as in docs/migration.md: one line of the application changes, and processes with
// the old and the new line serve the same sessions.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import express from "express";

import { listening } from "./support/browser.mjs";
import { STANDALONE } from "./support/clients.mjs";
import { Server } from "./support/server.mjs";

const require = createRequire(import.meta.url);
const jwtRedisSession = require("jwt-redis-session");
const jrsSession = require("jrs-session");

const SECRET = "correct horse battery";

/** Options of jwt-redis-session, and the settings of the server that replace them. */
const INSTALLATIONS = {
  "the defaults": { options: {}, settings: {} },
  "other options": {
    options: { keyspace: "app:", maxAge: 600, algorithm: "HS512" },
    settings: { "jrs.keyspace": "app:", "jrs.max-age": 600, "jrs.algorithm": "HS512" },
  },
};

for (const [name, { options, settings }] of Object.entries(INSTALLATIONS)) {
  test(`with ${name}: each package uses the sessions of the other`, async (t) => {
    const { old, migrated } = await setup(t, options, settings);
    for (const [first, second] of [
      [old, migrated],
      [migrated, old],
    ]) {
      const token = await login(first, "zoë");
      assert.equal((await session(second, token)).user, "zoë");
      for (const [app, item] of [
        [second, "book"],
        [first, "pen"],
        [second, "ink"],
      ])
        await add(app, token, item);
      for (const app of [first, second]) {
        const { user, cart, role } = await session(app, token);
        assert.deepEqual({ user, cart, role }, { user: "zoë", cart: ["book", "pen", "ink"], role: "editor" });
      }
    }
  });

  test(`with ${name}: a logout with one package is a logout with the other`, async (t) => {
    const { old, migrated } = await setup(t, options, settings);
    for (const creator of [old, migrated]) {
      for (const destroyer of [old, migrated]) {
        const token = await login(creator, "zoë");
        assert.equal((await request(destroyer, "DELETE", "/", token)).status, 204);
        for (const app of [old, migrated]) assert.equal(await session(app, token), null);
      }
    }
  });

  test(`with ${name}: both packages extend a session to the same end`, async (t) => {
    const { server, old, migrated } = await setup(t, options, settings);
    const token = await login(old, "zoë");
    const [key] = await server.send("KEYS", `${options.keyspace ?? "sess:"}*`);
    const full = options.maxAge ?? 86_400;
    for (const app of [old, migrated]) {
      await server.send("EXPIRE", key, "100");
      await session(app, token);
      // jwt-redis-session does not wait for its EXPIRE. A second request on the same connection does.
      await session(app, "");
      const ttl = await server.send("TTL", key);
      assert.ok(ttl > full - 30 && ttl <= full, `${ttl}`);
    }
  });
}

test("the way back: jwt-redis-session reads every session", async (t) => {
  const { old, migrated } = await setup(t);
  const tokens = [await login(old, "ann"), await login(migrated, "bob"), await login(migrated, "eve", "user:7")];
  for (const token of tokens) await add(migrated, token, "book");
  for (const token of tokens) await add(old, token, "pen");
  const found = await Promise.all(tokens.map((token) => session(old, token)));
  assert.deepEqual(
    found.map(({ user }) => user),
    ["ann", "bob", "eve"],
  );
  for (const { cart } of found) assert.deepEqual(cart, ["book", "pen"]);
});

test("both packages refuse the same tokens", async (t) => {
  const { old, migrated } = await setup(t);
  const token = await login(old, "zoë");
  const [header, payload, signature] = token.split(".");
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
  for (const bad of [
    `${header}.${payload}.`,
    `${none}.${payload}.`,
    `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
  ]) {
    for (const app of [old, migrated]) assert.equal(await session(app, bad), null);
  }
});

test("an option that is a setting of the server is refused with the name of the setting", async (t) => {
  const { client } = await connected(t, await Server.start(t));
  const settings = { secret: "keys-file", keyspace: "keyspace", algorithm: "algorithm", maxAge: "max-age" };
  for (const [option, setting] of Object.entries(settings)) {
    const message = new RegExp(`'${option}' .* jrs\\.${setting}`);
    assert.throws(() => jrsSession({ client, [option]: "x" }), { name: "TypeError", message });
  }
});

/** A server with the secret of the application, and the application with the old and with the new package. */
async function setup(t, options = {}, settings = {}) {
  const server = await Server.start(
    t,
    { "jrs.keys-file": "{folder}/secret", "jrs.allow-weak-secret": "yes", "jrs.max-lifetime": 0, ...settings },
    { secret: SECRET },
  );
  const { client } = await connected(t, server);
  const old = await listening(t, application(jwtRedisSession({ client, secret: SECRET, ...options })));
  const migrated = await listening(t, application(jrsSession({ client })));
  return { server, old, migrated };
}

/** The client library that jwt-redis-session was written for. */
async function connected(t, server) {
  const connection = await STANDALONE["redis 2"](server.port);
  t.after(connection.close);
  return connection;
}

/** An application that uses the methods of jwt-redis-session as its documentation does. */
function application(middleware) {
  const app = express();
  app.use(middleware, express.json());
  const answering = (res, next, answer) => (error, value) => (error ? next(error) : answer(res, value));

  app.post("/", (req, res, next) => {
    const { user, owner } = req.body;
    req.session.user = user;
    const claims = owner === undefined ? { role: "editor" } : { role: "editor", sub: owner };
    req.session.create(
      claims,
      answering(res, next, (res, token) => res.json(token)),
    );
  });
  app.get("/", (req, res) => {
    if (!req.session.id) return res.json(null);
    res.json({ ...req.session.toJSON(), role: req.session.claims.role });
  });
  app.put("/:item", (req, res, next) => {
    req.session.cart = [...(req.session.cart ?? []), req.params.item];
    req.session.update(answering(res, next, (res) => res.sendStatus(204)));
  });
  app.delete("/", (req, res, next) => {
    req.session.destroy(answering(res, next, (res) => res.sendStatus(204)));
  });
  return app;
}

async function request(app, method, path, token, body) {
  const headers = { "content-type": "application/json", "x-access-token": token };
  return fetch(app + path, { method, headers, body: body && JSON.stringify(body) });
}

async function login(app, user, owner) {
  return (await request(app, "POST", "/", "", { user, owner })).json();
}

async function session(app, token) {
  return (await request(app, "GET", "/", token)).json();
}

async function add(app, token, item) {
  assert.equal((await request(app, "PUT", `/${item}`, token)).status, 204);
}

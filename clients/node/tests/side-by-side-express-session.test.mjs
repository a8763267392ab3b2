// express-session with connect-redis, used as in their documentation, and this package: the same scenarios in the same
// Express application. docs/clients/compared.md has the results.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisStore } from "connect-redis";
import express from "express";
import expressSession from "express-session";
import { jrsSession } from "jrs-session";

import { Browser, listening } from "./support/browser.mjs";
import { STANDALONE } from "./support/clients.mjs";
import { Server } from "./support/server.mjs";

const SIDES = {
  "express-session": (client) =>
    expressSession({
      store: new RedisStore({ client }),
      secret: "a secret of the test",
      resave: false,
      saveUninitialized: false,
    }),
  "jrs-session": (client) => jrsSession({ client, cookie: true, autoSave: true }),
};

/** An application with the sessions of a side. Its requests to /slow read the session, and wait there for `open`. */
async function setup(t, side) {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const [arrived, open] = [resolvers(), resolvers()];
  const app = express();
  app.use(SIDES[side](client));
  app.post("/slow", async (req, res) => {
    arrived.resolve();
    await open.promise;
    req.session.slow = true;
    res.json({});
  });
  app.post("/set/:name", (req, res) => {
    req.session[req.params.name] = true;
    res.json({});
  });
  app.post("/login-by-field", (req, res) => {
    req.session.user = "ann";
    res.json({});
  });
  /** With express-session as in its section "User login". */
  app.post("/login", async (req, res, next) => {
    if (side === "jrs-session") {
      await req.session.logIn("ann");
      req.session.user = "ann";
      return res.json({});
    }
    req.session.regenerate((error) => {
      if (error) return next(error);
      req.session.user = "ann";
      req.session.save((error) => (error ? next(error) : res.json({})));
    });
  });
  app.post("/logout", (req, res, next) => {
    req.session.destroy((error) => (error ? next(error) : res.json({})));
  });
  app.get("/", (req, res) => {
    const { user, cart, fast, slow } = req.session;
    res.json({ user, cart, fast, slow });
  });
  app.use((error, _req, res, _next) => res.status(500).json({ error: error.code ?? error.message }));
  const browser = new Browser(await listening(t, app));
  return { browser, arrived: arrived.promise, open: open.resolve };
}

function resolvers() {
  const made = {};
  made.promise = new Promise((resolve) => Object.assign(made, { resolve }));
  return made;
}

/** Sends a request to /slow, and `meanwhile` while it waits. Resolves to the responses of both. */
async function overlapping({ browser, arrived, open }, meanwhile) {
  const slow = browser.copy().request("POST", "/slow");
  await arrived;
  const other = await meanwhile();
  open();
  return [await slow, other];
}

async function login(browser, path = "/login") {
  assert.equal((await browser.request("POST", path)).status, 200);
}

/** Two requests at the same time change two fields. Resolves to the session afterwards. */
async function twoChanges(t, side) {
  const world = await setup(t, side);
  await login(world.browser);
  const responses = await overlapping(world, () => world.browser.request("POST", "/set/fast"));
  assert.deepEqual(
    responses.map(({ status }) => status),
    [200, 200],
  );
  return (await world.browser.request("GET", "/")).body;
}

test("lost update: express-session stores the whole session, so the later request undoes the earlier one", async (t) => {
  assert.deepEqual(await twoChanges(t, "express-session"), { user: "ann", slow: true });
});

test("lost update: jrs-session sends the changed fields, and both stay", async (t) => {
  assert.deepEqual(await twoChanges(t, "jrs-session"), { user: "ann", fast: true, slow: true });
});

/** A user logs out while another request of the session runs. Resolves to what the old cookie still opens. */
async function logoutMeanwhile(t, side) {
  const world = await setup(t, side);
  await login(world.browser);
  const old = world.browser.copy();
  const responses = await overlapping(world, () => world.browser.request("POST", "/logout"));
  assert.deepEqual(
    responses.map(({ status }) => status),
    [200, 200],
  );
  return (await old.request("GET", "/")).body;
}

test("resurrection: with express-session, a slow request that changes the session undoes a logout", async (t) => {
  assert.deepEqual(await logoutMeanwhile(t, "express-session"), { user: "ann", slow: true });
});

test("resurrection: with jrs-session, a session stays destroyed", async (t) => {
  assert.deepEqual(await logoutMeanwhile(t, "jrs-session"), {});
});

/** An attacker plants the cookie of an anonymous session, and the victim logs in with it. */
async function planted(t, side, path) {
  const { browser: victim } = await setup(t, side);
  await victim.request("POST", "/set/cart");
  const attacker = victim.copy();
  await login(victim, path);
  return [victim, attacker].map(async (browser) => (await browser.request("GET", "/")).body);
}

test("fixation: express-session keeps the id if the login only sets a field", async (t) => {
  const [, attacker] = await Promise.all(await planted(t, "express-session", "/login-by-field"));
  assert.deepEqual(attacker, { user: "ann", cart: true });
});

test("fixation: express-session holds with regenerate, which empties the session", async (t) => {
  const [victim, attacker] = await Promise.all(await planted(t, "express-session", "/login"));
  assert.deepEqual(attacker, {});
  assert.deepEqual(victim, { user: "ann" });
});

test("fixation: jrs-session keeps the token if the login only sets a field, like any package", async (t) => {
  const [, attacker] = await Promise.all(await planted(t, "jrs-session", "/login-by-field"));
  assert.deepEqual(attacker, { user: "ann", cart: true });
});

test("fixation: jrs-session holds with logIn, and the fields stay", async (t) => {
  const [victim, attacker] = await Promise.all(await planted(t, "jrs-session", "/login"));
  assert.deepEqual(attacker, {});
  assert.deepEqual(victim, { user: "ann", cart: true });
});

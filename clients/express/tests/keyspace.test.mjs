// The keyspace is the server's setting, and can change while applications run. The package knows of it by the first words
// of the server's errors, never by their sentences: here the client's errors have none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jrsSession } from "jrs-session";

import { STANDALONE, withoutSentences } from "./support/clients.mjs";
import { until } from "./support/patience.mjs";
import { Server, keySet } from "./support/server.mjs";
import { visit } from "./support/visit.mjs";

const FILES = {
  "keys.json": keySet("users"),
  "admin.json": keySet("admins"),
  "realms.toml": '[realm.admin]\nkeys-file = "{folder}/admin.json"\nkeyspace = "admin:"\n',
};

/** A server with two realms, and the middleware of one, which has learnt its keyspace more than a second ago. */
async function started(t) {
  const settings = { "jrs.keys-file": "{folder}/keys.json", "jrs.realms-file": "{folder}/realms.toml" };
  const server = await Server.start(t, settings, FILES);
  const { client: connected, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const client = withoutSentences(connected);
  const middleware = jrsSession({ client });
  await visit(middleware, (await login(middleware)).jwt);
  await new Promise((resolve) => setTimeout(resolve, 1050)); // by the middleware's clock, which nobody can set
  return { server, client, middleware };
}

async function login(middleware) {
  const session = await visit(middleware);
  session.owner = "ann";
  await session.create();
  return session;
}

/** How often the server was asked for its realms. */
async function asked(server) {
  return Number(/jrs.realms:calls=(\d+)/i.exec(await server.send("INFO", "commandstats"))?.[1] ?? 0);
}

test("sessions are found at once under a keyspace that is new", async (t) => {
  const { server, middleware } = await started(t);
  await server.send("CONFIG", "SET", "jrs.keyspace", "app:");
  const created = [await login(middleware), await login(middleware), await login(middleware)];
  const before = await asked(server);
  const sessions = await Promise.all(created.map(({ jwt }) => visit(middleware, jwt)));
  assert.deepEqual(sessions.map(({ id }) => id), created.map(({ id }) => id));
  for (const { id } of sessions) assert.equal(await server.send("EXISTS", `app:${id}`), 1);
  assert.equal((await asked(server)) - before, 1, "they ask once, together");
  assert.equal(await sessions[0].update(), "OK");
});

test("so are those that are ended by their id", async (t) => {
  const { server, middleware } = await started(t);
  await server.send("CONFIG", "SET", "jrs.keyspace", "app:");
  const session = await login(middleware);
  const [listed] = await session.sessions();
  assert.equal(await listed.destroy(), 1);
  assert.equal(await server.send("EXISTS", `app:${session.id}`), 0);
});

test("tokens that are refused make no request ask", async (t) => {
  const { server, middleware } = await started(t);
  const { jwt } = await login(middleware);
  const before = await asked(server);
  for (let count = 0; count < 20; count += 1) assert.deepEqual((await visit(middleware, `${jwt}x`)).toJSON(), {});
  assert.equal((await asked(server)) - before, 0);
});

test("a user who may not ask for the realms any more hears what was wrong with the token", async (t) => {
  const { server, client, middleware } = await started(t);
  const { jwt } = await login(jrsSession({ client, realm: "admin" }));
  await server.send("ACL", "SETUSER", "default", "-jrs.realms");
  assert.deepEqual((await visit(middleware, jwt)).toJSON(), {});
  await server.send("ACL", "SETUSER", "default", "+jrs.realms");
});

test("tokens of another realm do not make every request ask", async (t) => {
  const { server, client, middleware } = await started(t);
  const { jwt } = await login(jrsSession({ client, realm: "admin" }));
  const [before, start] = [await asked(server), performance.now()];
  for (let count = 0; count < 20; count += 1) assert.deepEqual((await visit(middleware, jwt)).toJSON(), {});
  const questions = (await asked(server)) - before;
  assert.ok(questions <= 1 + (performance.now() - start) / 1000, `${questions}: not more than once a second`);
});

test("expired sessions, bad tokens and outages are told apart by their words", async (t) => {
  const { server, client, middleware } = await started(t);
  const { jwt } = await login(middleware);
  await server.send("CONFIG", "SET", "jrs.max-lifetime", "1");
  const session = await visit(middleware, jwt);
  await until("the session is too old", async () => !(await visit(middleware, jwt)).id);
  assert.equal(await session.touch(), 0);
  await server.send("CONFIG", "SET", "jrs.max-lifetime", "2592000");
  assert.deepEqual((await visit(middleware, "ey.ey.ey")).toJSON(), {});
  await server.send("REPLICAOF", "127.0.0.1", "1");
  await assert.rejects(visit(middleware, jwt), { message: "READONLY (a sentence)" });
  assert.deepEqual((await visit(jrsSession({ client, failOpen: true }), jwt)).toJSON(), {});
});

// The keyspace is a setting of the server, and can change while applications run. The package detects this by the first word
// of an error, not by the sentence behind it: the client of these tests replaces all sentences.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jrsSession } from "jrs-session";

import { STANDALONE, withoutSentences } from "./support/clients.mjs";
import { requestSession } from "./support/requests.mjs";
import { keySet, Server } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

const FILES = {
  "keys.json": keySet("users"),
  "admin.json": keySet("admins"),
  "realms.toml": '[realm.admin]\nkeys-file = "{folder}/admin.json"\nkeyspace = "admin:"\n',
};

/** A server with two realms, and the middleware of one. Its last request for the keyspace is more than a second old. */
async function setup(t) {
  const settings = { "jrs.keys-file": "{folder}/keys.json", "jrs.realms-file": "{folder}/realms.toml" };
  const server = await Server.start(t, settings, FILES);
  const { client: connected, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const client = withoutSentences(connected);
  const middleware = jrsSession({ client });
  await requestSession(middleware, (await login(middleware)).jwt);
  const { now } = performance;
  t.mock.method(performance, "now", () => now.call(performance) + 1050);
  return { server, client, middleware };
}

async function login(middleware) {
  const session = await requestSession(middleware);
  session.owner = "ann";
  await session.create();
  return session;
}

/** How many times the realms were requested. */
async function realmsRequests(server) {
  return Number(/jrs.realms:calls=(\d+)/i.exec(await server.send("INFO", "commandstats"))?.[1] ?? 0);
}

test("sessions are found at once after the keyspace was changed", async (t) => {
  const { server, middleware } = await setup(t);
  await server.send("CONFIG", "SET", "jrs.keyspace", "app:");
  const created = [await login(middleware), await login(middleware), await login(middleware)];
  const before = await realmsRequests(server);
  const sessions = await Promise.all(created.map(({ jwt }) => requestSession(middleware, jwt)));
  assert.deepEqual(
    sessions.map(({ id }) => id),
    created.map(({ id }) => id),
  );
  for (const { id } of sessions) assert.equal(await server.send("EXISTS", `app:${id}`), 1);
  assert.equal((await realmsRequests(server)) - before, 1, "one request for all of them");
  assert.equal(await sessions[0].update(), "OK");
});

test("a listed session can be destroyed after the keyspace was changed", async (t) => {
  const { server, middleware } = await setup(t);
  await server.send("CONFIG", "SET", "jrs.keyspace", "app:");
  const session = await login(middleware);
  const [listed] = await session.sessions();
  assert.equal(await listed.destroy(), 1);
  assert.equal(await server.send("EXISTS", `app:${session.id}`), 0);
});

test("refused tokens do not request the keyspace again", async (t) => {
  const { server, middleware } = await setup(t);
  const { jwt } = await login(middleware);
  const before = await realmsRequests(server);
  for (let n = 0; n < 20; n += 1) assert.deepEqual((await requestSession(middleware, `${jwt}x`)).toJSON(), {});
  assert.equal((await realmsRequests(server)) - before, 0);
});

test("a token of another realm gives an empty session even if JRS.REALMS is not permitted any more", async (t) => {
  const { server, client, middleware } = await setup(t);
  const { jwt } = await login(jrsSession({ client, realm: "admin" }));
  await server.send("ACL", "SETUSER", "default", "-jrs.realms");
  assert.deepEqual((await requestSession(middleware, jwt)).toJSON(), {});
  await server.send("ACL", "SETUSER", "default", "+jrs.realms");
});

test("tokens of another realm request the keyspace at most once a second", async (t) => {
  const { server, client, middleware } = await setup(t);
  const { jwt } = await login(jrsSession({ client, realm: "admin" }));
  const [before, start] = [await realmsRequests(server), performance.now()];
  for (let n = 0; n < 20; n += 1) assert.deepEqual((await requestSession(middleware, jwt)).toJSON(), {});
  const count = (await realmsRequests(server)) - before;
  assert.ok(count <= 1 + (performance.now() - start) / 1000, `${count} requests`);
});

test("expired sessions, refused tokens and unavailability are distinguished by the first word of the error", async (t) => {
  const { server, client, middleware } = await setup(t);
  const { jwt } = await login(middleware);
  const session = await requestSession(middleware, jwt);
  await server.send("CONFIG", "SET", "jrs.max-lifetime", "1");
  await until("the session has reached its max-lifetime", async () => !(await requestSession(middleware, jwt)).id);
  assert.equal(await session.touch(), 0);
  await server.send("CONFIG", "SET", "jrs.max-lifetime", "2592000");
  assert.deepEqual((await requestSession(middleware, "ey.ey.ey")).toJSON(), {});
  await server.send("REPLICAOF", "127.0.0.1", "1");
  await assert.rejects(requestSession(middleware, jwt), { message: "READONLY (a sentence)" });
  assert.deepEqual((await requestSession(jrsSession({ client, failOpen: true }), jwt)).toJSON(), {});
});

// The middleware's options.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { SessionError, jrsSession } from "jrs-session";

import { STANDALONE } from "./support/clients.mjs";
import { Server, keySet } from "./support/server.mjs";
import { middlewareOf, visit } from "./support/visit.mjs";

test("settings of the server are refused with the place where they belong", async (t) => {
  const server = await Server.start(t);
  const places = { secret: /jrs\.keys-file/, keyspace: /jrs\.keyspace/, algorithm: /jrs\.algorithm/, maxAge: /jrs\.max-age/ };
  for (const [name, place] of Object.entries(places)) {
    const made = middlewareOf(t, STANDALONE["redis 5"], server.port, { [name]: "x" });
    await assert.rejects(made, (error) => error instanceof TypeError && place.test(error.message));
  }
});

test("a client is required, and one that is known", () => {
  for (const options of [undefined, {}, { client: null }, { client: "redis://localhost" }, { client: {} }]) {
    assert.throws(() => jrsSession(options), TypeError);
  }
  assert.throws(() => jrsSession({ client: new EventEmitter() }), /none of redis \(node-redis\) or ioredis/);
});

test("unknown options and bad values are refused", async (t) => {
  const server = await Server.start(t);
  for (const options of [{ requestkey: "x" }, { timeout: -1 }, { timeout: "1s" }, { timeout: NaN }]) {
    await assert.rejects(middlewareOf(t, STANDALONE["redis 5"], server.port, options), TypeError);
  }
});

test("requestKey names the session in the request", async (t) => {
  const server = await Server.start(t);
  const middleware = await middlewareOf(t, STANDALONE["redis 5"], server.port, { requestKey: "jwtSession" });
  const request = { headers: {} };
  await new Promise((resolve) => middleware(request, {}, resolve));
  assert.equal(typeof request.jwtSession.create, "function");
  assert.equal(request.session, undefined);
});

test("each realm's middleware takes its own tokens alone", async (t) => {
  const realms = '[realm.admin]\nkeys-file = "{folder}/admin.json"\nkeyspace = "admin:"\nmax-age = 600\n';
  const server = await Server.start(
    t,
    { "jrs.keys-file": "{folder}/keys.json", "jrs.realms-file": "{folder}/realms.toml" },
    { "keys.json": keySet("users"), "admin.json": keySet("admins"), "realms.toml": realms },
  );
  const users = await middlewareOf(t, STANDALONE["redis 5"], server.port);
  const admins = await middlewareOf(t, STANDALONE["ioredis 5"], server.port, { realm: "admin" });
  const session = await visit(admins);
  session.owner = "ann";
  const token = await session.create();
  assert.equal(await server.send("EXISTS", `admin:${session.id}`), 1);
  assert.equal((await visit(admins, token)).id, session.id);
  assert.equal((await visit(users, token)).id, undefined);
  assert.equal(await session.touch(), 600);

  const companion = await visit(users);
  companion.owner = "ann";
  await companion.create();
  assert.deepEqual((await session.sessions()).map(({ id }) => id), [session.id]);
  assert.equal(await session.destroyAll(), 1);
  assert.equal(await companion.touch(), 86_400);
});

test("a realm that the server does not have is an error", async (t) => {
  const server = await Server.start(t);
  const middleware = await middlewareOf(t, STANDALONE["redis 5"], server.port, { realm: "admin" });
  const session = await visit(middleware);
  await assert.rejects(session.create(), /no realm/);
  const other = await visit(await middlewareOf(t, STANDALONE["redis 5"], server.port));
  await assert.rejects(visit(middleware, await other.create()), /no realm 'admin'/);
});

test("errors of the package are SessionErrors with a code", async (t) => {
  const server = await Server.start(t);
  const session = await visit(await middlewareOf(t, STANDALONE["redis 5"], server.port));
  const error = await session.touch().catch((error) => error);
  assert.ok(error instanceof SessionError && error instanceof Error);
  assert.deepEqual([error.name, error.code], ["SessionError", "INVALID_SESSION"]);
});

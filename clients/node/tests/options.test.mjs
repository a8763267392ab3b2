// The options of the middleware.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { jrsSession, SessionError } from "jrs-session";
import * as redis5 from "redis-5";
import * as redis6 from "redis-6";

import { STANDALONE } from "./support/clients.mjs";
import { middlewareOf, requestSession } from "./support/requests.mjs";
import { keySet, Server } from "./support/server.mjs";

/** A client that no test sends a command with. */
const CLIENT = { sendCommand: () => Promise.reject(new Error("unexpected command")) };

test("an option that is a setting of the server is refused with the name of the setting", async (t) => {
  const server = await Server.start(t);
  const places = {
    secret: /jrs\.keys-file/,
    keyspace: /jrs\.keyspace/,
    algorithm: /jrs\.algorithm/,
    maxAge: /jrs\.max-age/,
  };
  for (const [name, place] of Object.entries(places)) {
    const made = middlewareOf(t, STANDALONE["redis 5"], server.port, { [name]: "x" });
    await assert.rejects(made, (error) => error instanceof TypeError && place.test(error.message));
  }
});

test("a client of a supported library is required", () => {
  for (const options of [undefined, {}, { client: null }, { client: "redis://localhost" }]) {
    assert.throws(() => jrsSession(options), { name: "TypeError", message: /a Redis client is required/ });
  }
  for (const client of [{}, new EventEmitter()]) {
    assert.throws(() => jrsSession({ client }), {
      name: "TypeError",
      message: /must be a client of redis \(node-redis\) or ioredis/,
    });
  }
});

for (const [name, redis] of Object.entries({ "redis 5": redis5, "redis 6": redis6 })) {
  test(`${name}: unsupported clients of the library are refused with what to use`, () => {
    const legacy = redis.createClient().legacy();
    assert.throws(() => jrsSession({ client: legacy }), {
      name: "TypeError",
      message: /the client itself, not .* legacy\(\)/,
    });
    const sentinel = redis.createSentinel({ name: "main", sentinelRootNodes: [{ host: "127.0.0.1", port: 1 }] });
    const cluster = redis.createCluster({ rootNodes: [] });
    for (const right of [redis.createClient(), redis.createClientPool(), cluster, sentinel]) {
      assert.equal(typeof jrsSession({ client: right }), "function");
    }
  });
}

test("unknown options are refused, also with names of Object.prototype", () => {
  for (const name of ["requestkey", "constructor", "toString", "hasOwnProperty", "valueOf"]) {
    const message = `jrs-session: unknown option '${name}'`;
    assert.throws(() => jrsSession({ client: CLIENT, [name]: "x" }), { name: "TypeError", message });
  }
});

test("options of the wrong type are refused", () => {
  const wrong = {
    realm: ["", null, 1, ["a"]],
    requestKey: ["", null, Symbol("s"), false],
    requestArg: ["", null, true, 0, ["token"]],
    cookie: ["", null, false, 1, ["sid"]],
    bearer: ["false", 0, null],
    failOpen: ["no", 1, null],
    timeout: [-1, "1s", "100", NaN, Infinity, 2 ** 31, null],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const expected = { name: "TypeError", message: new RegExp(`^jrs-session: '${name}' must be `) };
      assert.throws(() => jrsSession({ client: CLIENT, [name]: value }), expected);
    }
    assert.equal(typeof jrsSession({ client: CLIENT, [name]: undefined }), "function");
  }
  for (const timeout of [0, 1, 2 ** 31 - 1]) jrsSession({ client: CLIENT, timeout });
});

test("at least one source of tokens is required", () => {
  assert.throws(() => jrsSession({ client: CLIENT, requestArg: false }), {
    name: "TypeError",
    message: /'cookie' or 'bearer'/,
  });
  for (const place of [{ cookie: "sid" }, { cookie: true }, { bearer: true }])
    jrsSession({ client: CLIENT, requestArg: false, ...place });
});

test("requestKey is the name of the session in the request", async (t) => {
  const server = await Server.start(t);
  const middleware = await middlewareOf(t, STANDALONE["redis 5"], server.port, { requestKey: "jwtSession" });
  const request = { headers: {} };
  await new Promise((resolve) => middleware(request, {}, resolve));
  assert.equal(typeof request.jwtSession.create, "function");
  assert.equal(request.session, undefined);
});

test("the middleware of a realm accepts tokens of this realm only", async (t) => {
  const realms = '[realm.admin]\nkeys-file = "{folder}/admin.json"\nkeyspace = "admin:"\nmax-age = 600\n';
  const server = await Server.start(
    t,
    { "jrs.keys-file": "{folder}/keys.json", "jrs.realms-file": "{folder}/realms.toml" },
    { "keys.json": keySet("users"), "admin.json": keySet("admins"), "realms.toml": realms },
  );
  const users = await middlewareOf(t, STANDALONE["redis 5"], server.port);
  const admins = await middlewareOf(t, STANDALONE["ioredis 5"], server.port, { realm: "admin" });
  const session = await requestSession(admins);
  session.owner = "ann";
  const token = await session.create();
  assert.equal(await server.send("EXISTS", `admin:${session.id}`), 1);
  assert.equal((await requestSession(admins, token)).id, session.id);
  assert.equal((await requestSession(users, token)).id, undefined);
  assert.equal(await session.touch(), 600);

  const other = await requestSession(users);
  other.owner = "ann";
  await other.create();
  assert.deepEqual(
    (await session.sessions()).map(({ id }) => id),
    [session.id],
  );
  assert.equal(await session.destroyAll(), 1);
  assert.equal(await other.touch(), 86_400);
});

test("an unknown realm is an error", async (t) => {
  const server = await Server.start(t);
  const middleware = await middlewareOf(t, STANDALONE["redis 5"], server.port, { realm: "admin" });
  const session = await requestSession(middleware);
  await assert.rejects(session.create(), /no realm/);
  const other = await requestSession(await middlewareOf(t, STANDALONE["redis 5"], server.port));
  await assert.rejects(requestSession(middleware, await other.create()), /no realm 'admin'/);
});

test("errors of the package are of the class SessionError and have a code", async (t) => {
  const server = await Server.start(t);
  const session = await requestSession(await middlewareOf(t, STANDALONE["redis 5"], server.port));
  const error = await session.touch().catch((error) => error);
  assert.ok(error instanceof SessionError && error instanceof Error);
  assert.deepEqual([error.name, error.code], ["SessionError", "INVALID_SESSION"]);
});

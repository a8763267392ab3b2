// What each method does, answers and refuses.
import assert from "node:assert/strict";
import { test } from "node:test";

import { STANDALONE } from "./support/clients.mjs";
import { until } from "./support/patience.mjs";
import { Server } from "./support/server.mjs";
import { middlewareOf, visit } from "./support/visit.mjs";

async function started(t, options) {
  const server = await Server.start(t);
  const middleware = await middlewareOf(t, STANDALONE["redis 5"], server.port, options);
  return { server, middleware };
}

/** Calls a method with a callback and answers with what the callback is given. */
function called(session, method, ...rest) {
  return new Promise((resolve) => {
    const returned = session[method](...rest, (...given) => resolve({ given, returned }));
  });
}

test("each method answers through a callback", async (t) => {
  const { middleware } = await started(t);
  const session = await visit(middleware);
  session.owner = "ann";
  const { given: [error, token], returned } = await called(session, "create");
  assert.equal(error, null);
  assert.equal(returned, undefined);
  assert.equal((await visit(middleware, token)).id, session.id);

  assert.deepEqual((await called(session, "update")).given, [null, "OK"]);
  assert.deepEqual((await called(session, "save")).given, [null, session.jwt]);
  assert.deepEqual((await called(session, "merge", { a: 1 })).given, [null, "OK"]);
  assert.deepEqual((await called(session, "reload")).given, [null, undefined]);
  assert.deepEqual((await called(session, "touch")).given, [null, 86_400]);
  const rotated = (await called(session, "rotate")).given;
  assert.equal(rotated[1], session.jwt);
  assert.equal((await called(session, "rotate", { reauth: true })).given[1], session.jwt);
  const [, [listed]] = (await called(session, "sessions")).given;
  assert.equal(listed.id, session.id);
  assert.deepEqual((await called(session, "destroyAll", { keepCurrent: true })).given, [null, 0]);
  assert.deepEqual((await called(session, "destroyAll")).given, [null, 1]);
  assert.deepEqual((await called(session, "destroy")).given, [null, 0]);
  assert.deepEqual((await called(listed, "destroy")).given, [null, 0]);
  assert.equal((await called(session, "create", { role: "editor" })).given[1], session.jwt);
  assert.equal((await called(session, "create", null)).given[1], session.jwt);
});

test("each method but those that begin or end a session needs a session", async (t) => {
  const { middleware } = await started(t);
  const session = await visit(middleware);
  for (const method of ["update", "merge", "reload", "touch", "rotate", "sessions", "destroyAll"]) {
    const rest = method === "merge" ? [{}] : [];
    await assert.rejects(async () => session[method](...rest), { code: "INVALID_SESSION", message: "Invalid session ID" });
    const { given } = await called(session, method, ...rest);
    assert.equal(given.length, 1);
    assert.equal(given[0].message, "Invalid session ID");
  }
  assert.equal(await session.destroy(), 0);
  assert.deepEqual((await called(session, "destroy")).given, [null, 0]);
});

test("an error of Redis reaches the caller as it is", async (t) => {
  const { server, middleware } = await started(t);
  const session = await visit(middleware);
  await assert.rejects(session.create({ jti: "mine" }), /^Error: ERR the claim 'jti' is reserved|reserved/);
  assert.equal(session.id, undefined);
  await session.create();
  await server.send("CONFIG", "SET", "jrs.max-data-size", "100");
  session.text = "x".repeat(101);
  await assert.rejects(session.update(), /TOOBIG/);
  assert.match((await called(session, "update")).given[0].message, /TOOBIG/);
});

test("a session that has ended stays so", async (t) => {
  const { server, middleware } = await started(t);
  const token = await (await visit(middleware)).create();
  const [one, other] = [await visit(middleware, token), await visit(middleware, token)];
  assert.equal(await one.destroy(), 1);
  for (const method of ["update", "reload", "rotate"]) await assert.rejects(other[method](), { code: "SESSION_ENDED" });
  await assert.rejects(other.merge({ a: 1 }), { code: "SESSION_ENDED" });
  assert.equal(other.a, undefined);
  assert.equal(await other.touch(), 0);
  assert.equal(await other.destroy(), 0);
  assert.equal(await server.send("DBSIZE"), 0);
});

/** How a session's time runs out while a request has it. */
const EXPIRIES = {
  "its token's exp": { claims: () => ({ exp: Math.ceil(Date.now() / 1000) + 1 }) },
  "max-lifetime": { settings: { "jrs.max-lifetime": 1 } },
};

for (const [name, { claims = () => ({}), settings }] of Object.entries(EXPIRIES)) {
  test(`a session that ${name} has ended is like any that has ended`, async (t) => {
    const server = await Server.start(t, settings);
    const middleware = await middlewareOf(t, STANDALONE["redis 5"], server.port);
    const login = await visit(middleware);
    login.owner = "ann";
    const token = await login.create(claims());
    const session = await visit(middleware, token);
    await until("it has expired", () => server.send("JRS.PEEK", token).then((reply) => reply === null, () => true));
    await assert.rejects(session.destroyAll({ keepCurrent: true }), { code: "SESSION_ENDED" });
    for (const method of ["update", "reload", "rotate"]) await assert.rejects(session[method](), { code: "SESSION_ENDED" });
    await assert.rejects(session.merge({ a: 1 }), { code: "SESSION_ENDED" });
    assert.equal(await session.touch(), 0);
    assert.equal(typeof (await session.destroy()), "number");
    assert.deepEqual((await visit(middleware, token)).toJSON(), {});
  });
}

test("reload takes over what others have changed and removed, and leaves what was never written", async (t) => {
  const { middleware } = await started(t);
  const session = await visit(middleware);
  Object.assign(session, { kept: 1, removed: 2, changed: 3 });
  const token = await session.create();
  const reader = await visit(middleware, token);
  reader.draft = "not written";
  await session.merge({ removed: null, changed: 4, added: 5 });
  await reader.reload();
  assert.deepEqual({ ...reader, id: 0, claims: 0, jwt: 0 }, {
    kept: 1, changed: 4, added: 5, draft: "not written", id: 0, claims: 0, jwt: 0,
  });
});

test("merge changes the fields as it changes the data", async (t) => {
  const { server, middleware } = await started(t);
  const session = await visit(middleware);
  Object.assign(session, { cart: { book: 1, pen: 2 }, name: "Zoë", list: [1, 2] });
  await session.create();
  session.draft = "not written";
  const when = new Date(0);
  await session.merge({ cart: { pen: null, ink: 3 }, name: { first: "Zoë" }, list: [3], when });
  const expected = { cart: { book: 1, ink: 3 }, name: { first: "Zoë" }, list: [3], when: when.toJSON() };
  assert.deepEqual(await server.stored(session.id), expected);
  assert.deepEqual({ ...session, id: 0, claims: 0, jwt: 0 }, { ...expected, draft: "not written", id: 0, claims: 0, jwt: 0 });
});

test("reading a session puts off its end, and so does touch", async (t) => {
  const { server, middleware } = await started(t);
  const session = await visit(middleware);
  const token = await session.create();
  const key = `sess:${session.id}`;
  await server.send("EXPIRE", key, "100");
  await session.reload();
  assert.ok((await server.send("TTL", key)) <= 100);
  await visit(middleware, token);
  assert.ok((await server.send("TTL", key)) > 86_000);
  await server.send("EXPIRE", key, "100");
  assert.equal(await session.touch(), 86_400);
});

test("a created session is like one that was read", async (t) => {
  const { middleware } = await started(t);
  const session = await visit(middleware);
  session.owner = 42;
  session.name = "Zoë";
  const token = await session.create({ role: "editor" });
  const read = await visit(middleware, token);
  assert.deepEqual(session.toJSON(), read.toJSON());
  assert.deepEqual([read.owner, read.claims.sub, read.claims.role, read.jwt], ["42", "42", "editor", token]);
});

test("what a callback throws is not taken for an error of the session", async (t) => {
  const { middleware } = await started(t);
  const session = await visit(middleware);
  t.after(() => process.setUncaughtExceptionCaptureCallback(null));
  const thrown = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
  let calls = 0;
  session.create(() => {
    calls += 1;
    throw new Error("the application's own");
  });
  assert.equal((await thrown).message, "the application's own");
  assert.equal(calls, 1);
});

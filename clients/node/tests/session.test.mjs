// What each method does, its result, and its errors.
import assert from "node:assert/strict";
import { test } from "node:test";

import { STANDALONE } from "./support/clients.mjs";
import { middlewareOf, requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

async function setup(t, options) {
  const server = await Server.start(t);
  const middleware = await middlewareOf(t, STANDALONE["redis 5"], server.port, options);
  return { server, middleware };
}

/** Calls a method with a callback. Resolves to the arguments of the callback and the return value of the method. */
function callWithCallback(session, method, ...rest) {
  return new Promise((resolve) => {
    const returned = session[method](...rest, (...given) => resolve({ given, returned }));
  });
}

test("each method passes its result to the callback", async (t) => {
  const { middleware } = await setup(t);
  const session = await requestSession(middleware);
  session.owner = "ann";
  const {
    given: [error, token],
    returned,
  } = await callWithCallback(session, "create");
  assert.equal(error, null);
  assert.equal(returned, undefined);
  assert.equal((await requestSession(middleware, token)).id, session.id);

  assert.deepEqual((await callWithCallback(session, "update")).given, [null, "OK"]);
  assert.deepEqual((await callWithCallback(session, "save")).given, [null, session.jwt]);
  assert.deepEqual((await callWithCallback(session, "merge", { a: 1 })).given, [null, "OK"]);
  assert.deepEqual((await callWithCallback(session, "reload")).given, [null, undefined]);
  assert.deepEqual((await callWithCallback(session, "touch")).given, [null, 86_400]);
  const rotated = (await callWithCallback(session, "rotate")).given;
  assert.equal(rotated[1], session.jwt);
  assert.equal((await callWithCallback(session, "rotate", { reauth: true })).given[1], session.jwt);
  const [, [listed]] = (await callWithCallback(session, "sessions")).given;
  assert.equal(listed.id, session.id);
  const [, page] = (await callWithCallback(session, "sessions", { after: listed.id })).given;
  assert.deepEqual(page, []);
  assert.deepEqual((await callWithCallback(session, "destroyAll", { keepCurrent: true })).given, [null, 0]);
  assert.deepEqual((await callWithCallback(session, "destroyAll")).given, [null, 1]);
  assert.deepEqual((await callWithCallback(session, "destroy")).given, [null, 0]);
  assert.deepEqual((await callWithCallback(listed, "destroy")).given, [null, 0]);
  assert.equal((await callWithCallback(session, "create", { role: "editor" })).given[1], session.jwt);
  assert.equal((await callWithCallback(session, "create", null)).given[1], session.jwt);
});

test("every method that needs a session fails without one", async (t) => {
  const { middleware } = await setup(t);
  const session = await requestSession(middleware);
  for (const method of ["update", "merge", "reload", "touch", "rotate", "mint", "sessions", "destroyAll"]) {
    const rest = method === "merge" ? [{}] : [];
    await assert.rejects(async () => session[method](...rest), {
      code: "INVALID_SESSION",
      message: "Invalid session ID",
    });
    const { given } = await callWithCallback(session, method, ...rest);
    assert.equal(given.length, 1);
    assert.equal(given[0].message, "Invalid session ID");
  }
  assert.equal(await session.destroy(), 0);
  assert.deepEqual((await callWithCallback(session, "destroy")).given, [null, 0]);
});

test("errors of Redis are passed on", async (t) => {
  const { server, middleware } = await setup(t);
  const session = await requestSession(middleware);
  await assert.rejects(session.create({ jti: "mine" }), /^Error: ERR the claim 'jti' is reserved|reserved/);
  assert.equal(session.id, undefined);
  await session.create();
  await server.send("CONFIG", "SET", "jrs.max-data-size", "100");
  session.text = "x".repeat(101);
  await assert.rejects(session.update(), /TOOBIG/);
  assert.match((await callWithCallback(session, "update")).given[0].message, /TOOBIG/);
});

test("a destroyed session cannot be used any more", async (t) => {
  const { server, middleware } = await setup(t);
  const token = await (await requestSession(middleware)).create();
  const [one, other] = [await requestSession(middleware, token), await requestSession(middleware, token)];
  assert.equal(await one.destroy(), 1);
  for (const method of ["update", "reload", "rotate"]) await assert.rejects(other[method](), { code: "SESSION_ENDED" });
  await assert.rejects(other.merge({ a: 1 }), { code: "SESSION_ENDED" });
  assert.equal(other.a, undefined);
  assert.equal(await other.touch(), 0);
  assert.equal(await other.destroy(), 0);
  assert.equal(await server.send("DBSIZE"), 0);
});

/** The limits by which a session can expire during a request. */
const EXPIRIES = {
  "the claim exp": { claims: () => ({ exp: Math.ceil(Date.now() / 1000) + 1 }) },
  "max-lifetime": { settings: { "jrs.max-lifetime": 1 } },
};

for (const [name, { claims = () => ({}), settings }] of Object.entries(EXPIRIES)) {
  test(`a session that has expired by ${name} is like a destroyed one`, async (t) => {
    const server = await Server.start(t, settings);
    const middleware = await middlewareOf(t, STANDALONE["redis 5"], server.port);
    const login = await requestSession(middleware);
    login.owner = "ann";
    const token = await login.create(claims());
    const session = await requestSession(middleware, token);
    await until("the session has expired", () =>
      server.send("JRS.PEEK", token).then(
        (reply) => reply === null,
        () => true,
      ),
    );
    await assert.rejects(session.destroyAll({ keepCurrent: true }), { code: "SESSION_ENDED" });
    for (const method of ["update", "reload", "rotate"])
      await assert.rejects(session[method](), { code: "SESSION_ENDED" });
    await assert.rejects(session.merge({ a: 1 }), { code: "SESSION_ENDED" });
    assert.equal(await session.touch(), 0);
    assert.equal(typeof (await session.destroy()), "number");
    assert.deepEqual((await requestSession(middleware, token)).toJSON(), {});
  });
}

test("reload applies changes of other requests, and keeps fields that were never stored", async (t) => {
  const { middleware } = await setup(t);
  const session = await requestSession(middleware);
  Object.assign(session, { kept: 1, removed: 2, changed: 3 });
  const token = await session.create();
  const reader = await requestSession(middleware, token);
  reader.draft = "not saved";
  await session.merge({ removed: null, changed: 4, added: 5 });
  await reader.reload();
  assert.deepEqual(
    { ...reader, id: 0, claims: 0, jwt: 0 },
    {
      kept: 1,
      changed: 4,
      added: 5,
      draft: "not saved",
      id: 0,
      claims: 0,
      jwt: 0,
    },
  );
});

test("merge changes the fields and the stored data in the same way", async (t) => {
  const { server, middleware } = await setup(t);
  const session = await requestSession(middleware);
  Object.assign(session, { cart: { book: 1, pen: 2 }, name: "Zoë", list: [1, 2] });
  await session.create();
  session.draft = "not saved";
  const when = new Date(0);
  await session.merge({ cart: { pen: null, ink: 3 }, name: { first: "Zoë" }, list: [3], when });
  const expected = { cart: { book: 1, ink: 3 }, name: { first: "Zoë" }, list: [3], when: when.toJSON() };
  assert.deepEqual(await server.stored(session.id), expected);
  assert.deepEqual(
    { ...session, id: 0, claims: 0, jwt: 0 },
    { ...expected, draft: "not saved", id: 0, claims: 0, jwt: 0 },
  );
});

test("reading a session extends it, and so does touch", async (t) => {
  const { server, middleware } = await setup(t);
  const session = await requestSession(middleware);
  const token = await session.create();
  const key = `sess:${session.id}`;
  await server.send("EXPIRE", key, "100");
  await session.reload();
  assert.ok((await server.send("TTL", key)) <= 100);
  await requestSession(middleware, token);
  assert.ok((await server.send("TTL", key)) > 86_000);
  await server.send("EXPIRE", key, "100");
  assert.equal(await session.touch(), 86_400);
});

test("a created session has the same properties as a read one", async (t) => {
  const { middleware } = await setup(t);
  const session = await requestSession(middleware);
  session.owner = 42;
  session.name = "Zoë";
  const token = await session.create({ role: "editor" });
  const read = await requestSession(middleware, token);
  assert.deepEqual(session.toJSON(), read.toJSON());
  assert.deepEqual([read.owner, read.claims.sub, read.claims.role, read.jwt], ["42", "42", "editor", token]);
});

test("an exception of a callback is not an error of the session", async (t) => {
  const { middleware } = await setup(t);
  const session = await requestSession(middleware);
  t.after(() => process.setUncaughtExceptionCaptureCallback(null));
  const thrown = new Promise((resolve) => process.setUncaughtExceptionCaptureCallback(resolve));
  let calls = 0;
  session.create(() => {
    calls += 1;
    throw new Error("thrown by the callback");
  });
  assert.equal((await thrown).message, "thrown by the callback");
  assert.equal(calls, 1);
});

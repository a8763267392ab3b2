// Which properties of a session are stored as data.
import assert from "node:assert/strict";
import { test } from "node:test";
import { reservedMembers } from "jrs-session";

import { STANDALONE } from "./support/clients.mjs";
import { middlewareOf, requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";

async function setup(t, options) {
  const server = await Server.start(t);
  return { server, middleware: await middlewareOf(t, STANDALONE["redis 5"], server.port, options) };
}

/** The names of the methods and accessors of a session. */
function reservedNames(session) {
  return Object.getOwnPropertyNames(Object.getPrototypeOf(session)).filter((name) => name !== "constructor");
}

test("values that JSON cannot hold are not stored", async (t) => {
  const { server, middleware } = await setup(t);
  const session = await requestSession(middleware);
  Object.assign(session, {
    text: "ä\u{1f600}",
    when: new Date(0),
    nothing: undefined,
    none: null,
    method: () => 1,
    deep: { f: () => 1 },
  });
  session[Symbol("s")] = 1;
  const expected = { text: "ä\u{1f600}", when: "1970-01-01T00:00:00.000Z", none: null, deep: {} };
  await session.create();
  assert.deepEqual(await server.stored(session.id), expected);
  await session.update();
  assert.deepEqual(await server.stored(session.id), expected);
  session.big = 1n;
  await assert.rejects(session.update(), TypeError);
});

test("id, claims, jwt and owner are not stored in the data", async (t) => {
  const { server, middleware } = await setup(t);
  const session = await requestSession(middleware);
  session.owner = "ann";
  session.name = "Ann";
  const read = await requestSession(middleware, await session.create());
  await read.update();
  assert.deepEqual(await server.stored(read.id), { name: "Ann" });
  assert.deepEqual(read.toJSON(), { name: "Ann", claims: read.claims, jwt: read.jwt });
});

test("assigning id, claims or jwt is an error when the session is saved", async (t) => {
  const { server, middleware } = await setup(t);
  for (const name of ["id", "claims", "jwt"]) {
    for (const value of ["mine", 0, null, { jti: "x" }]) {
      const session = await requestSession(middleware);
      session[name] = value;
      const refused = { code: "RESERVED_NAME", message: new RegExp(`'${name}'`) };
      await assert.rejects(session.create(), refused);
      assert.equal(await server.send("DBSIZE"), 0);

      delete session[name];
      const token = await session.create();
      session[name] = value;
      session.note = "new";
      const looksEmpty = !value && name !== "claims"; // an empty id or jwt means that there is no session
      await assert.rejects(session.update(), looksEmpty ? { code: "INVALID_SESSION" } : refused);
      await assert.rejects(session.save(), refused);
      assert.throws(() => session.toJSON(), refused);
      assert.deepEqual(await server.stored((await requestSession(middleware, token)).id), {});
      await (await requestSession(middleware, token)).destroy();
    }
  }
});

test("the token of another session cannot be assigned", async (t) => {
  const { server, middleware } = await setup(t);
  const [mine, other] = [await requestSession(middleware), await requestSession(middleware)];
  await mine.create();
  await other.create();
  Object.assign(mine, { id: other.id, claims: other.claims, jwt: other.jwt });
  for (const method of ["update", "touch", "reload", "rotate", "destroy"]) {
    await assert.rejects(mine[method](), { code: "RESERVED_NAME" });
  }
  assert.equal(await server.send("DBSIZE"), 2);
});

test("stored members called id, claims or jwt are in reservedMembers, and are kept", async (t) => {
  const { server, middleware } = await setup(t);
  const session = await requestSession(middleware);
  const token = await session.create();
  const stored = { id: 5, claims: ["a"], jwt: "none", name: "Ann" };
  await server.send("SET", `sess:${session.id}`, JSON.stringify(stored));
  const read = await requestSession(middleware, token);
  assert.deepEqual([read.id, read.name, read.jwt], [session.id, "Ann", token]);
  assert.deepEqual(read[reservedMembers], { id: 5, claims: ["a"], jwt: "none" });
  read.name = "Zoë";
  await read.update();
  assert.deepEqual(await server.stored(read.id), { ...stored, name: "Zoë" });
  await read.merge({ name: "Ann" });
  await read.reload();
  assert.deepEqual(read[reservedMembers].id, 5);
  delete read[reservedMembers].id;
  await read.update();
  assert.deepEqual(await server.stored(read.id), { claims: ["a"], jwt: "none", name: "Ann" });
});

test("a patch with a value that JSON cannot hold is refused", async (t) => {
  const { server, middleware } = await setup(t);
  const session = await requestSession(middleware);
  const kept = { x: 1, deep: { y: [1] } };
  Object.assign(session, structuredClone(kept));
  await session.create();
  const values = [
    NaN,
    Infinity,
    -Infinity,
    undefined,
    () => 1,
    Symbol("s"),
    1n,
    new Date(NaN),
    new Number(NaN),
    { toJSON: () => undefined },
  ];
  for (const value of values) {
    for (const patch of [{ x: value }, { deep: { y: value } }, { x: [value] }, { x: [{ a: value }] }]) {
      const member = "x" in patch ? "x" : "deep";
      await assert.rejects(session.merge(patch), { name: "TypeError", message: new RegExp(`'${member}'`) });
    }
  }
  assert.deepEqual(await server.stored(session.id), kept);
  assert.deepEqual({ x: session.x, deep: session.deep }, kept);
  const date = new Date(0);
  await session.merge({ x: null, when: date, deep: { y: null, z: [null, { a: null }] } });
  assert.deepEqual(await server.stored(session.id), { when: date.toJSON(), deep: { z: [null, { a: null }] } });
});

test("a field with the name of a method is refused", async (t) => {
  const { server, middleware } = await setup(t);
  const names = reservedNames(await requestSession(middleware));
  assert.ok(names.includes("create") && names.includes("owner"));
  for (const name of names.filter((name) => name !== "owner")) {
    const session = await requestSession(middleware);
    if (name !== "create") {
      session[name] = "a field";
      await assert.rejects(session.create(), { code: "RESERVED_NAME", message: new RegExp(`'${name}'`) });
      delete session[name];
    }
    await session.create();
    session[name] = "a field";
    if (name !== "update") await assert.rejects(session.update(), { code: "RESERVED_NAME" });
    if (name !== "toJSON") assert.throws(() => session.toJSON(), { code: "RESERVED_NAME" });
    delete session[name];
    assert.deepEqual(await server.stored(session.id), {});
  }
});

test("a patch cannot change reserved names", async (t) => {
  const { server, middleware } = await setup(t);
  const session = await requestSession(middleware);
  await session.create();
  for (const name of [...reservedNames(session), "id", "claims", "jwt"]) {
    await assert.rejects(session.merge({ [name]: 1 }), { code: "RESERVED_NAME" });
  }
  for (const patch of [[1], "text", null, 1]) await assert.rejects(session.merge(patch), TypeError);
  assert.deepEqual(await server.stored(session.id), {});
});

test("a stored member with the name of a method is an error", async (t) => {
  const { server, middleware } = await setup(t);
  const session = await requestSession(middleware);
  const token = await session.create();
  for (const name of reservedNames(session)) {
    await server.send("SET", `sess:${session.id}`, JSON.stringify({ [name]: 1 }));
    await assert.rejects(requestSession(middleware, token), {
      code: "RESERVED_NAME",
      message: new RegExp(`'${name}'`),
    });
  }
});

test("members called __proto__ and constructor are ordinary data", async (t) => {
  const { server, middleware } = await setup(t);
  const session = await requestSession(middleware);
  const token = await session.create();
  const data = '{"__proto__":{"admin":true},"constructor":1,"toString":2}';
  await server.send("SET", `sess:${session.id}`, data);
  const read = await requestSession(middleware, token);
  assert.equal(read.admin, undefined);
  assert.equal(typeof read.update, "function");
  await read.update();
  assert.equal(await server.send("GET", `sess:${session.id}`), data);
  await read.merge(JSON.parse('{"__proto__":{"user":true},"constructor":null}'));
  assert.equal(read.user, undefined);
  assert.equal(await server.send("GET", `sess:${session.id}`), '{"__proto__":{"admin":true,"user":true},"toString":2}');
  await read.update();
  assert.equal(await server.send("GET", `sess:${session.id}`), '{"__proto__":{"admin":true,"user":true},"toString":2}');
});

test("stored data must be a JSON object", async (t) => {
  const { server, middleware } = await setup(t);
  const session = await requestSession(middleware);
  const token = await session.create();
  for (const data of ["not JSON", "[1]", '"text"', "null", ""]) {
    await server.send("SET", `sess:${session.id}`, data);
    await assert.rejects(requestSession(middleware, token), SyntaxError);
  }
});

test("toJSON leaves out the token if the option cookie is set", async (t) => {
  const { middleware } = await setup(t, { cookie: "session" });
  const session = await requestSession(middleware);
  await session.create();
  assert.deepEqual(session.toJSON(), { claims: session.claims });
});

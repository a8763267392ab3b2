// What of a session is data, and what is not.
import assert from "node:assert/strict";
import { test } from "node:test";

import { STANDALONE } from "./support/clients.mjs";
import { Server } from "./support/server.mjs";
import { middlewareOf, visit } from "./support/visit.mjs";

async function started(t, options) {
  const server = await Server.start(t);
  return { server, middleware: await middlewareOf(t, STANDALONE["redis 5"], server.port, options) };
}

/** The names that a session needs for itself. */
function reservedNames(session) {
  return Object.getOwnPropertyNames(Object.getPrototypeOf(session)).filter((name) => name !== "constructor");
}

test("what JSON drops is dropped", async (t) => {
  const { server, middleware } = await started(t);
  const session = await visit(middleware);
  Object.assign(session, { text: "ä\u{1f600}", when: new Date(0), nothing: undefined, none: null, method: () => 1, deep: { f() {} } });
  session[Symbol("s")] = 1;
  const expected = { text: "ä\u{1f600}", when: "1970-01-01T00:00:00.000Z", none: null, deep: {} };
  await session.create();
  assert.deepEqual(await server.stored(session.id), expected);
  await session.update();
  assert.deepEqual(await server.stored(session.id), expected);
  session.big = 1n;
  await assert.rejects(session.update(), TypeError);
});

test("id, claims, jwt and owner are no data", async (t) => {
  const { server, middleware } = await started(t);
  const session = await visit(middleware);
  session.owner = "ann";
  session.name = "Ann";
  const read = await visit(middleware, await session.create());
  await read.update();
  assert.deepEqual(await server.stored(read.id), { name: "Ann" });
  assert.deepEqual(read.toJSON(), { name: "Ann", claims: read.claims, jwt: read.jwt });
});

test("fields that are named like a method are refused", async (t) => {
  const { server, middleware } = await started(t);
  const names = reservedNames(await visit(middleware));
  assert.ok(names.includes("create") && names.includes("owner"));
  for (const name of names.filter((name) => name !== "owner")) {
    const session = await visit(middleware);
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

test("a patch cannot reach what is no data", async (t) => {
  const { server, middleware } = await started(t);
  const session = await visit(middleware);
  await session.create();
  for (const name of [...reservedNames(session), "id", "claims", "jwt"]) {
    await assert.rejects(session.merge({ [name]: 1 }), { code: "RESERVED_NAME" });
  }
  for (const patch of [[1], "text", null, 1]) await assert.rejects(session.merge(patch), TypeError);
  assert.deepEqual(await server.stored(session.id), {});
});

test("stored members that would hide a method are an error, not a loss", async (t) => {
  const { server, middleware } = await started(t);
  const session = await visit(middleware);
  const token = await session.create();
  for (const name of reservedNames(session)) {
    await server.send("SET", `sess:${session.id}`, JSON.stringify({ [name]: 1 }));
    await assert.rejects(visit(middleware, token), { code: "RESERVED_NAME", message: new RegExp(`'${name}'`) });
  }
});

test("members called __proto__ and constructor are data like others", async (t) => {
  const { server, middleware } = await started(t);
  const session = await visit(middleware);
  const token = await session.create();
  const data = '{"__proto__":{"admin":true},"constructor":1,"toString":2}';
  await server.send("SET", `sess:${session.id}`, data);
  const read = await visit(middleware, token);
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

test("data that is no JSON object is an error", async (t) => {
  const { server, middleware } = await started(t);
  const session = await visit(middleware);
  const token = await session.create();
  for (const data of ["not JSON", "[1]", '"text"', "null", ""]) {
    await server.send("SET", `sess:${session.id}`, data);
    await assert.rejects(visit(middleware, token), SyntaxError);
  }
});

test("a token that is kept in a cookie stays out of toJSON", async (t) => {
  const { middleware } = await started(t, { cookie: "session" });
  const session = await visit(middleware);
  await session.create();
  assert.deepEqual(session.toJSON(), { claims: session.claims });
});

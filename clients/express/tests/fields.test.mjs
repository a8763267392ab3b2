// What of a session is data, and what is not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { reservedMembers } from "jrs-session";

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

test("what the application puts in the place of id, claims or jwt is refused, not lost", async (t) => {
  const { server, middleware } = await started(t);
  for (const name of ["id", "claims", "jwt"]) {
    for (const value of ["mine", 0, null, { jti: "x" }]) {
      const session = await visit(middleware);
      session[name] = value;
      const refused = { code: "RESERVED_NAME", message: new RegExp(`'${name}'`) };
      await assert.rejects(session.create(), refused);
      assert.equal(await server.send("DBSIZE"), 0);

      delete session[name];
      const token = await session.create();
      session[name] = value;
      session.note = "new";
      const unnamed = !value && name !== "claims"; // as if the application had said that there is no session
      await assert.rejects(session.update(), unnamed ? { code: "INVALID_SESSION" } : refused);
      await assert.rejects(session.save(), refused);
      assert.throws(() => session.toJSON(), refused);
      assert.deepEqual(await server.stored((await visit(middleware, token)).id), {});
      await (await visit(middleware, token)).destroy();
    }
  }
});

test("another session's token cannot be put in place of one's own", async (t) => {
  const { server, middleware } = await started(t);
  const [mine, other] = [await visit(middleware), await visit(middleware)];
  await mine.create();
  await other.create();
  Object.assign(mine, { id: other.id, claims: other.claims, jwt: other.jwt });
  for (const method of ["update", "touch", "reload", "rotate", "destroy"]) {
    await assert.rejects(mine[method](), { code: "RESERVED_NAME" });
  }
  assert.equal(await server.send("DBSIZE"), 2);
});

test("stored members called id, claims or jwt stay within reach, and stay stored", async (t) => {
  const { server, middleware } = await started(t);
  const session = await visit(middleware);
  const token = await session.create();
  const stored = { id: 5, claims: ["a"], jwt: "none", name: "Ann" };
  await server.send("SET", `sess:${session.id}`, JSON.stringify(stored));
  const read = await visit(middleware, token);
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

test("a patch with a value that JSON cannot hold is refused, and removes nothing", async (t) => {
  const { server, middleware } = await started(t);
  const session = await visit(middleware);
  const kept = { x: 1, deep: { y: [1] } };
  Object.assign(session, structuredClone(kept));
  await session.create();
  const values = [NaN, Infinity, -Infinity, undefined, () => 1, Symbol("s"), 1n, new Date(NaN), new Number(NaN), { toJSON() {} }];
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

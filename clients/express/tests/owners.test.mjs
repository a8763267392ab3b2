// Sessions that belong to somebody.
import assert from "node:assert/strict";
import { test } from "node:test";

import { STANDALONE } from "./support/clients.mjs";
import { Server } from "./support/server.mjs";
import { middlewareOf, visit } from "./support/visit.mjs";

async function started(t) {
  const server = await Server.start(t);
  const middleware = await middlewareOf(t, STANDALONE["redis 5"], server.port);
  /** A new session of somebody, as the next request finds it. */
  async function login(owner, fields = {}) {
    const session = Object.assign(await visit(middleware), fields);
    session.owner = owner;
    return visit(middleware, await session.create());
  }
  return { server, middleware, login };
}

test("the owner is that of the token", async (t) => {
  const { middleware, login } = await started(t);
  assert.equal((await visit(middleware)).owner, "");
  const session = await login("user:42");
  assert.deepEqual([session.owner, session.claims.sub], ["user:42", "user:42"]);
  assert.ok(session.id.startsWith("{user:42}:"));
  assert.equal((await login(7)).owner, "7");
  for (const owner of [{}, null, undefined, true, ["a"]]) await assert.rejects(login(owner), { code: "BAD_OWNER" });
  await assert.rejects(login("{a}"), /brace/);
});

test("a claim sub is the owner, unless one is assigned", async (t) => {
  const { middleware } = await started(t);
  const session = await visit(middleware);
  await session.create({ sub: "user:42", role: "editor" });
  assert.deepEqual([session.owner, session.claims.role], ["user:42", "editor"]);
  for (const sub of [{}, null, true]) await assert.rejects(session.create({ sub }), { code: "BAD_OWNER" });
});

test("a claim sub goes before an owner that was only read, not before one that was assigned", async (t) => {
  const { middleware, login } = await started(t);
  const session = await login("ann");
  const token = await session.create({ sub: "bob", role: "editor" });
  assert.deepEqual([session.owner, session.claims.sub, session.claims.role], ["bob", "bob", "editor"]);
  assert.equal((await visit(middleware, token)).owner, "bob");

  session.owner = "eve";
  await assert.rejects(session.create({ sub: "bob" }), { code: "TWO_OWNERS", message: /'sub'/ });
  assert.deepEqual([session.owner, session.jwt], ["eve", token], "nothing has happened");
  session.owner = 42;
  await session.create({ sub: "42" });
  assert.equal(session.owner, "42");
  session.owner = "";
  await assert.rejects(session.create({ sub: "bob" }), { code: "TWO_OWNERS" }, "nobody was assigned, too");
});

test("an owner that was assigned by mistake is shown as nobody", async (t) => {
  const { login } = await started(t);
  const session = await login("ann");
  session.owner = undefined;
  assert.equal(session.owner, "");
  for (const method of ["create", "rotate"]) await assert.rejects(session[method](), { code: "BAD_OWNER" });
  await assert.rejects(session.update(), { code: "OWNER_CHANGED" });
});

/** Every way in which a session can end, for the request that it belongs to. */
const ENDS = {
  destroy: (session) => session.destroy(),
  destroyAll: (session) => session.destroyAll(),
  "destroy in the list": async (session) => (await session.sessions())[0].destroy(),
  "destroy elsewhere, seen by update": async (session, again) => {
    await again.destroy();
    await assert.rejects(session.update(), { code: "SESSION_ENDED" });
  },
  "destroy elsewhere, seen by touch": async (session, again) => {
    await again.destroy();
    assert.equal(await session.touch(), 0);
  },
};

for (const [name, end] of Object.entries(ENDS)) {
  test(`${name}: the next session of the request is nobody's, and has the fields`, async (t) => {
    const { middleware, login } = await started(t);
    const session = await login("ann", { cart: ["book"] });
    await end(session, await visit(middleware, session.jwt));
    assert.equal(session.owner, "");
    await assert.rejects(session.sessions(), { code: "NO_OWNER" });
    const read = await visit(middleware, await session.create());
    assert.deepEqual([read.owner, read.claims.sub, read.cart], ["", undefined, ["book"]]);
    await session.destroy();
    session.owner = "bob";
    assert.equal((await visit(middleware, await session.create())).owner, "bob");
  });
}

test("update and merge do not change the owner, rotate does", async (t) => {
  const { middleware, login } = await started(t);
  const session = await login("ann", { cart: ["book"] });
  const [oldToken, oldId] = [session.jwt, session.id];
  session.owner = "bob";
  await assert.rejects(session.update(), { code: "OWNER_CHANGED" });
  await assert.rejects(session.merge({ a: 1 }), { code: "OWNER_CHANGED" });
  const token = await session.rotate();
  assert.notEqual(session.id, oldId);
  assert.deepEqual([session.owner, session.jwt, session.claims.sub], ["bob", token, "bob"]);
  assert.equal((await visit(middleware, oldToken)).id, undefined);
  assert.deepEqual((await visit(middleware, token)).cart, ["book"]);
  session.owner = "bob";
  await session.update();
});

test("rotate gives an anonymous session an owner and claims", async (t) => {
  const { middleware } = await started(t);
  const session = await visit(middleware);
  session.cart = ["book"];
  await session.create({ step: 1 });
  session.owner = "ann";
  const token = await session.rotate({ claims: { role: "editor" }, reauth: true });
  const read = await visit(middleware, token);
  assert.deepEqual([read.owner, read.claims.role, read.cart], ["ann", "editor", ["book"]]);
  assert.equal(typeof read.claims.auth_time, "number");
});

test("sessions lists the owner's, and each can be ended", async (t) => {
  const { middleware, login } = await started(t);
  const phone = await login("ann", { device: "phone" });
  const laptop = await login("ann", { device: "laptop" });
  await login("bob");
  const before = Date.now();
  const [first, second, ...others] = await laptop.sessions();
  assert.equal(others.length, 0);
  assert.deepEqual([first.id, first.data, first.current], [phone.id, { device: "phone" }, false]);
  assert.deepEqual([second.id, second.data, second.current], [laptop.id, { device: "laptop" }, true]);
  assert.ok(first.created instanceof Date && Math.abs(first.created - before) < 60_000);
  assert.ok(first.ttl > 86_000 && first.ttl <= 86_400);
  assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(first))), ["id", "created", "ttl", "data", "current"]);

  assert.equal(await first.destroy(), 1);
  assert.equal(await first.destroy(), 0);
  assert.equal((await visit(middleware, phone.jwt)).id, undefined);
  assert.deepEqual((await laptop.sessions()).map(({ id }) => id), [laptop.id]);
});

test("a list shows sessions also whose key something else has written", async (t) => {
  const { server, login } = await started(t);
  const session = await login("ann", { device: "laptop" });
  const others = [await login("ann"), await login("ann"), await login("ann")];
  await server.send("SET", `sess:${others[0].id}`, "no JSON", "KEEPTTL");
  await server.send("SET", `sess:${others[1].id}`, '["no", "object"]', "KEEPTTL");
  await server.send("PERSIST", `sess:${others[2].id}`);
  const listed = await session.sessions();
  assert.deepEqual(listed.map(({ data }) => data), [{ device: "laptop" }, {}, {}, {}]);
  assert.deepEqual(listed.map(({ ttl }) => ttl === null), [false, false, false, true]);
  assert.equal(await listed[1].destroy(), 1);
});

test("destroyAll ends the owner's sessions, and spares this one if asked", async (t) => {
  const { middleware, login } = await started(t);
  const mine = await Promise.all([login("ann"), login("ann"), login("ann")]);
  const bobs = await login("bob");
  assert.equal(await mine[0].destroyAll({ keepCurrent: true }), 2);
  assert.equal(await mine[0].touch(), 86_400);
  assert.equal(await mine[0].destroyAll(), 1);
  for (const { jwt } of mine) assert.equal((await visit(middleware, jwt)).id, undefined);
  assert.equal((await visit(middleware, bobs.jwt)).id, bobs.id);
});

test("an owner that is assigned opens nobody else's sessions", async (t) => {
  const { login } = await started(t);
  const anns = await login("ann");
  const mallorys = await login("mallory");
  mallorys.owner = "ann";
  assert.deepEqual((await mallorys.sessions()).map(({ id }) => id), [mallorys.id]);
  assert.equal(await mallorys.destroyAll(), 1);
  assert.equal(await anns.touch(), 86_400);
});

test("a session of nobody has no companions", async (t) => {
  const { middleware } = await started(t);
  const session = await visit(middleware);
  await session.create();
  await assert.rejects(session.sessions(), { code: "NO_OWNER" });
  await assert.rejects(session.destroyAll(), { code: "NO_OWNER" });
});

// Sessions with an owner.
import assert from "node:assert/strict";
import { test } from "node:test";

import { STANDALONE } from "./support/clients.mjs";
import { middlewareOf, requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";

async function setup(t) {
  const server = await Server.start(t);
  const middleware = await middlewareOf(t, STANDALONE["redis 5"], server.port);
  /** A new session of an owner, as the next request finds it. */
  async function login(owner, fields = {}) {
    const session = Object.assign(await requestSession(middleware), fields);
    session.owner = owner;
    return requestSession(middleware, await session.create());
  }
  return { server, middleware, login };
}

test("the owner is the claim sub of the token", async (t) => {
  const { middleware, login } = await setup(t);
  assert.equal((await requestSession(middleware)).owner, "");
  const session = await login("user:42");
  assert.deepEqual([session.owner, session.claims.sub], ["user:42", "user:42"]);
  assert.ok(session.id.startsWith("{user:42}:"));
  assert.equal((await login(7)).owner, "7");
  for (const owner of [{}, null, undefined, true, ["a"]]) await assert.rejects(login(owner), { code: "BAD_OWNER" });
  await assert.rejects(login("{a}"), /brace/);
});

test("the claim sub of create becomes the owner", async (t) => {
  const { middleware } = await setup(t);
  const session = await requestSession(middleware);
  await session.create({ sub: "user:42", role: "editor" });
  assert.deepEqual([session.owner, session.claims.role], ["user:42", "editor"]);
  for (const sub of [{}, null, true]) await assert.rejects(session.create({ sub }), { code: "BAD_OWNER" });
});

test("the claim sub overrides a stored owner, but not an assigned one", async (t) => {
  const { middleware, login } = await setup(t);
  const session = await login("ann");
  const token = await session.create({ sub: "bob", role: "editor" });
  assert.deepEqual([session.owner, session.claims.sub, session.claims.role], ["bob", "bob", "editor"]);
  assert.equal((await requestSession(middleware, token)).owner, "bob");

  session.owner = "eve";
  await assert.rejects(session.create({ sub: "bob" }), { code: "TWO_OWNERS", message: /'sub'/ });
  assert.deepEqual([session.owner, session.jwt], ["eve", token], "nothing has changed");
  session.owner = 42;
  await session.create({ sub: "42" });
  assert.equal(session.owner, "42");
  session.owner = "";
  await assert.rejects(session.create({ sub: "bob" }), { code: "TWO_OWNERS" }, "an empty owner was assigned");
});

test("an invalid assigned owner is shown as an empty string", async (t) => {
  const { login } = await setup(t);
  const session = await login("ann");
  session.owner = undefined;
  assert.equal(session.owner, "");
  for (const method of ["create", "rotate"]) await assert.rejects(session[method](), { code: "BAD_OWNER" });
  await assert.rejects(session.update(), { code: "OWNER_CHANGED" });
});

/** The ways in which a session can be destroyed, seen from one request. */
const DESTROYS = {
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

for (const [name, destroy] of Object.entries(DESTROYS)) {
  test(`${name}: the next session of the request is anonymous and keeps the fields`, async (t) => {
    const { middleware, login } = await setup(t);
    const session = await login("ann", { cart: ["book"] });
    await destroy(session, await requestSession(middleware, session.jwt));
    assert.equal(session.owner, "");
    await assert.rejects(session.sessions(), { code: "NO_OWNER" });
    const read = await requestSession(middleware, await session.create());
    assert.deepEqual([read.owner, read.claims.sub, read.cart], ["", undefined, ["book"]]);
    await session.destroy();
    session.owner = "bob";
    assert.equal((await requestSession(middleware, await session.create())).owner, "bob");
  });
}

test("rotate changes the owner, update and merge do not", async (t) => {
  const { middleware, login } = await setup(t);
  const session = await login("ann", { cart: ["book"] });
  const [oldToken, oldId] = [session.jwt, session.id];
  session.owner = "bob";
  await assert.rejects(session.update(), { code: "OWNER_CHANGED" });
  await assert.rejects(session.merge({ a: 1 }), { code: "OWNER_CHANGED" });
  const token = await session.rotate();
  assert.notEqual(session.id, oldId);
  assert.deepEqual([session.owner, session.jwt, session.claims.sub], ["bob", token, "bob"]);
  assert.equal((await requestSession(middleware, oldToken)).id, undefined);
  assert.deepEqual((await requestSession(middleware, token)).cart, ["book"]);
  session.owner = "bob";
  await session.update();
});

test("rotate gives an anonymous session an owner and claims", async (t) => {
  const { middleware } = await setup(t);
  const session = await requestSession(middleware);
  session.cart = ["book"];
  await session.create({ step: 1 });
  session.owner = "ann";
  const token = await session.rotate({ claims: { role: "editor" }, reauth: true });
  const read = await requestSession(middleware, token);
  assert.deepEqual([read.owner, read.claims.role, read.cart], ["ann", "editor", ["book"]]);
  assert.equal(typeof read.claims.auth_time, "number");
});

test("sessions lists the sessions of the owner, and each can be destroyed", async (t) => {
  const { middleware, login } = await setup(t);
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
  assert.equal((await requestSession(middleware, phone.jwt)).id, undefined);
  assert.deepEqual(
    (await laptop.sessions()).map(({ id }) => id),
    [laptop.id],
  );
});

test("sessions lists page by page", async (t) => {
  const { login } = await setup(t);
  const all = [await login("ann", { n: 1 }), await login("ann", { n: 2 }), await login("ann", { n: 3 })];
  const [session] = all;
  const pages = [{ limit: 2 }, { limit: 2, after: all[1].id }, { after: all[0].id }, { limit: 1, after: all[2].id }];
  const listed = [];
  for (const page of pages) listed.push((await session.sessions(page)).map(({ data }) => data.n));
  assert.deepEqual(listed, [[1, 2], [3], [2, 3], []]);
  await assert.rejects(session.sessions({ limit: 0 }), /^Error: ERR /);
});

test("sessions also lists sessions whose key another program has written", async (t) => {
  const { server, login } = await setup(t);
  const session = await login("ann", { device: "laptop" });
  const others = [await login("ann"), await login("ann"), await login("ann")];
  await server.send("SET", `sess:${others[0].id}`, "no JSON", "KEEPTTL");
  await server.send("SET", `sess:${others[1].id}`, '["no", "object"]', "KEEPTTL");
  await server.send("PERSIST", `sess:${others[2].id}`);
  const listed = await session.sessions();
  assert.deepEqual(
    listed.map(({ data }) => data),
    [{ device: "laptop" }, {}, {}, {}],
  );
  assert.deepEqual(
    listed.map(({ ttl }) => ttl === null),
    [false, false, false, true],
  );
  assert.equal(await listed[1].destroy(), 1);
});

test("destroyAll destroys the sessions of the owner, and keeps this one if told to", async (t) => {
  const { middleware, login } = await setup(t);
  const mine = await Promise.all([login("ann"), login("ann"), login("ann")]);
  const bobs = await login("bob");
  assert.equal(await mine[0].destroyAll({ keepCurrent: true }), 2);
  assert.equal(await mine[0].touch(), 86_400);
  assert.equal(await mine[0].destroyAll(), 1);
  for (const { jwt } of mine) assert.equal((await requestSession(middleware, jwt)).id, undefined);
  assert.equal((await requestSession(middleware, bobs.jwt)).id, bobs.id);
});

test("an assigned owner gives no access to the sessions of that owner", async (t) => {
  const { login } = await setup(t);
  const anns = await login("ann");
  const mallorys = await login("mallory");
  mallorys.owner = "ann";
  assert.deepEqual(
    (await mallorys.sessions()).map(({ id }) => id),
    [mallorys.id],
  );
  assert.equal(await mallorys.destroyAll(), 1);
  assert.equal(await anns.touch(), 86_400);
});

test("an anonymous session has no sessions to list or destroy", async (t) => {
  const { middleware } = await setup(t);
  const session = await requestSession(middleware);
  await session.create();
  await assert.rejects(session.sessions(), { code: "NO_OWNER" });
  await assert.rejects(session.destroyAll(), { code: "NO_OWNER" });
});

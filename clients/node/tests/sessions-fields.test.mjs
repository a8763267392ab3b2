// Lists of sessions with some values of their data.
import assert from "node:assert/strict";
import { test } from "node:test";

import { CLUSTER, STANDALONE } from "./support/clients.mjs";
import { Cluster } from "./support/cluster.mjs";
import { middlewareOf, requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";

const POINTERS = ["/device", "/place/city", "/list/1", "/a~1b", "/missing/too"];

/** Logs a user in on a device. Resolves to the session. */
async function login(middleware, owner, fields) {
  const session = Object.assign(await requestSession(middleware), fields);
  session.owner = owner;
  await session.create();
  return session;
}

async function setup(t, connect = STANDALONE["redis 5"]) {
  const server = await Server.start(t);
  return { server, middleware: await middlewareOf(t, connect, server.port) };
}

/** Lists the values of two sessions. */
async function listsFields(middleware, owner) {
  const phone = await login(middleware, owner, {
    device: "phone",
    place: { city: "Zürich" },
    list: [1, { two: 2 }],
    "a/b": "a slash",
    secret: "is not listed",
  });
  const laptop = await login(middleware, owner, { device: null, place: "nowhere", list: [] });
  const [first, second, ...others] = await phone.sessions({ fields: POINTERS });
  assert.deepEqual(others, []);
  assert.deepEqual(first.fields, {
    "/device": "phone",
    "/place/city": "Zürich",
    "/list/1": { two: 2 },
    "/a~1b": "a slash",
  });
  assert.deepEqual(second.fields, { "/device": null }, "JSON null is a value; a missing value is missing");
  assert.deepEqual([first.id, first.current, second.id, second.current], [phone.id, true, laptop.id, false]);
  assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(first))), ["id", "created", "ttl", "fields", "current"]);
  assert.ok(first.created instanceof Date && first.ttl > 86_000);
  assert.ok(!JSON.stringify(first).includes("is not listed"));
  assert.equal(await second.destroy(), 1);
  assert.equal(await first.destroy(), 1);
  assert.equal(phone.owner, "", "the session of the request was destroyed");
}

for (const [name, connect] of Object.entries(STANDALONE)) {
  test(`${name}: sessions lists the values of JSON Pointers`, async (t) => {
    const { middleware } = await setup(t, connect);
    await listsFields(middleware, "ann");
  });
}

test("in a cluster, the list is requested from the node of the owner", async (t) => {
  const cluster = await Cluster.start(t);
  for (const [name, connect] of Object.entries(CLUSTER)) {
    const middleware = await middlewareOf(t, connect, cluster.ports);
    const before = await cluster.redirections();
    for (const owner of ["ann", "bob", "carol", "dave", "eve", "frank"]) await listsFields(middleware, owner);
    assert.deepEqual(await cluster.redirections(), before, name);
  }
});

test("fields, limit and after can be combined, and the last argument may be a callback", async (t) => {
  const { middleware } = await setup(t);
  const all = [];
  for (const device of ["a", "b", "c"]) all.push(await login(middleware, "ann", { device }));
  const options = { fields: ["/device"], limit: 1, after: all[0].id };
  const page = await all[0].sessions(options);
  assert.deepEqual(
    page.map(({ fields }) => fields),
    [{ "/device": "b" }],
  );
  const [error, same] = await new Promise((resolve) => all[0].sessions(options, (...given) => resolve(given)));
  assert.deepEqual([error, same[0].id, same[0].fields], [null, all[1].id, { "/device": "b" }]);
});

test("without pointers nothing of the data is listed, and the empty pointer is all of it", async (t) => {
  const { server, middleware } = await setup(t);
  const session = await login(middleware, "ann", { device: "phone", __proto__: null });
  const [nothing] = await session.sessions({ fields: [] });
  assert.deepEqual([nothing.id, nothing.fields, "data" in nothing], [session.id, {}, false]);
  const [all] = await session.sessions({ fields: [""] });
  assert.deepEqual(all.fields, { "": { device: "phone" } });
  await server.send("SET", `sess:${session.id}`, '{"__proto__":{"a":1}}', "KEEPTTL");
  for (const [pointer, value] of [
    ["/__proto__/a", "1"],
    ["/__proto__", '{"a":1}'],
  ]) {
    const [odd] = await session.sessions({ fields: [pointer] });
    assert.equal(JSON.stringify(odd.fields), `{"${pointer}":${value}}`);
  }
  await assert.rejects(session.sessions({ fields: ["/a", "/a/b"] }), /overlap/);
});

test("a text that is not a JSON Pointer is refused", async (t) => {
  const { middleware } = await setup(t);
  const session = await login(middleware, "ann", {});
  await assert.rejects(session.sessions({ fields: ["device"] }), /^Error: (ERR|BADDATA) /);
});

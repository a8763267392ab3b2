// The common cases in Fastify, and what only Fastify has.
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import createFastify5 from "fastify";
import createFastify4 from "fastify-4";
import { jrsSession } from "jrs-session/fastify";

import { testFramework } from "./support/cases/index.mjs";
import { STANDALONE } from "./support/clients.mjs";
import { fastify, fastifyV4 } from "./support/frameworks/fastify.mjs";
import { cookieOf } from "./support/responses.mjs";
import { Server } from "./support/server.mjs";

testFramework("Fastify 5", fastify);
testFramework("Fastify 4", fastifyV4);

const VERSIONS = { "Fastify 5": createFastify5, "Fastify 4": createFastify4 };

async function redis(t) {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  return { server, client };
}

for (const [name, createFastify] of Object.entries(VERSIONS)) {
  test(`${name}: the plugin applies to the instance that registers it, and below`, async (t) => {
    const { client } = await redis(t);
    const app = createFastify({ forceCloseConnections: true });
    t.after(() => app.close());
    app.get("/outside", async (request) => ({ has: request.session !== undefined }));
    app.register(async (part) => {
      part.register(jrsSession, { client, cookie: true });
      part.get("/beside", async (request) => ({ has: request.session !== undefined }));
      part.register(async (inner) => inner.get("/below", async (request) => ({ has: request.session !== undefined })));
    });
    const has = async (url) => (await app.inject(url)).json().has;
    assert.deepEqual([await has("/outside"), await has("/beside"), await has("/below")], [false, true, true]);
    assert.ok(!app.hasDecorator("getSession"));
  });

  test(`${name}: two plugins with their own sessions`, async (t) => {
    const { client } = await redis(t);
    const app = createFastify({ forceCloseConnections: true });
    t.after(() => app.close());
    app.register(jrsSession, { client, cookie: "shop", autoSave: true });
    app.register(jrsSession, { client, cookie: "admin", autoSave: true, requestKey: "adminSession" });
    app.post("/", async (request) => {
      request.session.cart = [];
      request.adminSession.role = "editor";
      return {};
    });
    const { headers } = await app.inject({ method: "POST", url: "/" });
    const [shop, admin] = headers["set-cookie"].map(cookieOf);
    assert.deepEqual([shop.name, admin.name].sort(), ["admin", "shop"]);
    const cookie = [shop, admin].map(({ name, value }) => `${name}=${value}`).join("; ");
    assert.deepEqual((await app.getSession({ headers: { cookie } })).cart, []);
    assert.equal((await app.getAdminSession({ headers: { cookie } })).role, "editor");

    const twice = createFastify();
    t.after(() => twice.close());
    twice.register(jrsSession, { client, cookie: true });
    twice.register(jrsSession, { client, cookie: true });
    await assert.rejects(async () => twice.ready(), { code: "FST_ERR_DEC_ALREADY_PRESENT" });
  });

  test(`${name}: hooks and the error handler have the session`, async (t) => {
    const { server, client } = await redis(t);
    const app = createFastify({ forceCloseConnections: true });
    t.after(() => app.close());
    app.register(jrsSession, { client, cookie: true });
    app.after(() => app.addHook("onRequest", async ({ session }) => assert.equal(session.owner, "ann")));
    app.post("/", async () => "");
    app.setErrorHandler((error, { session }, reply) => reply.send({ code: error.code, owner: session.owner }));
    const cookie = `__Host-session=${await server.send("JRS.CREATE", "ann", "{}")}`;
    const headers = { cookie, "content-type": "application/json" };
    const response = await app.inject({ method: "POST", url: "/", headers, payload: "not JSON" });
    assert.equal(response.json().owner, "ann");
  });
}

for (const [name, createFastify] of Object.entries(VERSIONS)) {
  test(`${name}: streams of all kinds, and a Response, are saved after their last chunk`, async (t) => {
    const { server, client } = await redis(t);
    const app = createFastify({ forceCloseConnections: true });
    t.after(() => app.close());
    app.register(jrsSession, { client, cookie: true, autoSave: true });
    async function* body(session) {
      yield Buffer.from("a");
      session.late = (session.late ?? 0) + 1;
      yield Buffer.from("b");
    }
    app.post("/", async () => "");
    app.get("/node", async ({ session }, reply) => {
      session.early = true;
      return reply.send(Readable.from(body(session)));
    });
    app.get("/web", async ({ session }, reply) => reply.send(ReadableStream.from(body(session))));
    app.get("/response", async ({ session }, reply) => {
      await session.rotate();
      const headers = [
        ["vary", "Accept"],
        ["set-cookie", "own=1"],
        ["set-cookie", "own=2"],
      ];
      return reply.send(new Response(ReadableStream.from(body(session)), { status: 201, headers }));
    });
    const node = await app.inject("/node");
    const { name: cookie, value } = cookieOf(node.headers["set-cookie"]);
    const headers = { cookie: `${cookie}=${value}` };
    const { id } = await app.getSession({ headers });
    assert.deepEqual([node.body, await server.stored(id)], ["ab", { early: true, late: 1 }]);
    assert.equal((await app.inject({ url: "/web", headers })).body, "ab");
    assert.equal((await server.stored(id)).late, 2);
    const response = await app.inject({ url: "/response", headers });
    assert.deepEqual([response.statusCode, response.body, response.headers.vary], [201, "ab", "Accept, Cookie"]);
    assert.deepEqual(response.headers["set-cookie"].slice(0, 2), ["own=1", "own=2"]);
    const rotated = cookieOf(response.headers["set-cookie"][2]);
    const session = await app.getSession({ headers: { cookie: `${rotated.name}=${rotated.value}` } });
    assert.equal(session.late, 3);
  });

  test(`${name}: a session that cannot be saved stops the stream of the application`, async (t) => {
    const { client } = await redis(t);
    const app = createFastify({ forceCloseConnections: true });
    t.after(() => app.close());
    app.register(jrsSession, { client, cookie: true, autoSave: true });
    const source = new Readable({ read: () => undefined });
    const closed = new Promise((resolve) => source.on("close", resolve));
    const cancelled = new Promise((resolve) => {
      app.get("/web", async ({ session }, reply) => {
        session.touch = "is reserved";
        return reply.send(new Response(new ReadableStream({ cancel: resolve }), { status: 201 }));
      });
    });
    app.get("/node", async ({ session }, reply) => {
      session.touch = "is reserved";
      return reply.send(source);
    });
    for (const path of ["/node", "/web"]) {
      const response = await app.inject(path);
      assert.deepEqual([response.statusCode, response.json().code], [500, "RESERVED_NAME"]);
    }
    await Promise.all([closed, cancelled]);
  });

  test(`${name}: a client that goes away stops the stream of the application`, async (t) => {
    const { client } = await redis(t);
    const app = createFastify({ forceCloseConnections: true });
    t.after(() => app.close());
    app.register(jrsSession, { client, cookie: true, autoSave: true });
    const source = new Readable({ read: () => undefined });
    const closed = new Promise((resolve) => source.on("close", resolve));
    app.get("/", async (_request, reply) => reply.send(source));
    await app.listen({ port: 0, host: "127.0.0.1" });
    source.push("first");
    const abort = new AbortController();
    const response = await fetch(`http://127.0.0.1:${app.server.address().port}/`, { signal: abort.signal });
    assert.equal(response.status, 200);
    abort.abort();
    await closed;
  });
}

test("invalid options refuse the registration", async () => {
  for (const options of [{}, { client: {} }, { client: {}, secret: "abc123" }, undefined]) {
    const app = createFastify5();
    app.register(jrsSession, options);
    await assert.rejects(async () => app.ready(), { name: "TypeError", message: /^jrs-session: / });
  }
});

test("getSession of a request without a response", async (t) => {
  const { server, client } = await redis(t);
  const app = createFastify5();
  t.after(() => app.close());
  await app.register(jrsSession, { client, cookie: true, requestArg: "accessToken", timeout: 500 });
  const token = await server.send("JRS.CREATE", "ann", '{"name":"Ann"}');
  const ownerOf = async (request) => (await app.getSession(request)).owner;
  assert.equal(await ownerOf({ headers: { cookie: `__Host-session=${token}` } }), "ann");
  assert.equal(await ownerOf({ headers: { "x-access-token": token } }), "ann");
  assert.equal(await ownerOf({ headers: {}, url: `/socket?accessToken=${token}` }), "ann");
  assert.equal(await ownerOf({ headers: {}, url: "/socket" }), "");
  const session = await app.getSession({ headers: { cookie: `__Host-session=${token}` } });
  await session.merge({ name: "Anna" });
  assert.equal((await server.stored(session.id)).name, "Anna");
  await server.stop();
  await assert.rejects(ownerOf({ headers: { cookie: `__Host-session=${token}` } }));
});

test("a route that answers with reply.hijack() saves the session itself", async (t) => {
  const { server, client } = await redis(t);
  const app = createFastify5();
  t.after(() => app.close());
  app.register(jrsSession, { client, cookie: true, autoSave: true });
  app.get("/", async (request, reply) => {
    request.session.seen = true;
    await request.session.save();
    reply.hijack();
    reply.raw.end("raw");
  });
  assert.equal((await app.inject("/")).body, "raw");
  assert.equal(await server.send("DBSIZE"), 1);
});

// When Redis fails.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jrsSession } from "jrs-session";

import { STANDALONE } from "./support/clients.mjs";
import { until } from "./support/patience.mjs";
import { Server } from "./support/server.mjs";
import { middlewareOf, visit } from "./support/visit.mjs";

for (const [name, connect] of Object.entries(STANDALONE)) {
  test(`${name}: requests fail while Redis is down, and work when it is back`, async (t) => {
    const server = await Server.start(t, { appendonly: "yes", appendfsync: "always" });
    const { client, close } = await connect(server.port);
    t.after(close);
    const middleware = jrsSession({ client, timeout: 200 });
    const silent = jrsSession({ client, timeout: 200, failOpen: true });
    const session = await visit(jrsSession({ client }));
    const token = await session.create();

    await server.stop();
    await assert.rejects(visit(middleware, token), Error);
    assert.equal((await visit(middleware)).id, undefined, "a request without a token does not need Redis");
    assert.deepEqual((await visit(silent, token)).toJSON(), {}, "failOpen: an empty session");
    await assert.rejects(session.update(), Error, "what the application itself asks for is never hidden");

    await server.run();
    const back = await until("the client is back", () => visit(middleware, token).catch(() => undefined));
    assert.equal(back.id, session.id);
  });
}

test("a server that does not answer is given up after the timeout", async (t) => {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const middleware = jrsSession({ client, timeout: 100 });
  const token = await (await visit(jrsSession({ client }))).create();
  const session = await until("a quick answer", () => visit(middleware, token).catch(() => undefined));
  await server.send("CLIENT", "PAUSE", "2000");
  const requests = await Promise.allSettled(Array.from({ length: 10 }, () => visit(middleware, token)));
  assert.deepEqual(requests.map(({ reason }) => reason?.code), Array(10).fill("TIMEOUT"));
  await assert.rejects(session.update(), { code: "TIMEOUT", message: /within 100 ms/ });
  const again = await until("the server answers again", () => visit(middleware, token).catch(() => undefined));
  assert.equal(again.id, session.id);
});

test("an answer that came while the application was busy is not given up", async (t) => {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 2"](server.port);
  t.after(close);
  const token = await (await visit(jrsSession({ client }))).create();
  const middleware = jrsSession({ client, timeout: 100 });
  await until("a quick answer", () => visit(middleware, token).catch(() => undefined));
  const reading = visit(middleware, token);
  await new Promise(setImmediate); // by now the command is sent
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
  assert.equal(typeof (await reading).id, "string");
});

test("what is wrong with Redis itself is an error, too", async (t) => {
  const server = await Server.start(t);
  const middleware = await middlewareOf(t, STANDALONE["redis 5"], server.port);
  const session = await visit(middleware);
  const token = await session.create();
  await server.send("DEL", `sess:${session.id}`);
  assert.equal((await visit(middleware, token)).id, undefined);
  await server.send("LPUSH", `sess:${session.id}`, "x");
  await assert.rejects(visit(middleware, token), /WRONGTYPE/);
  await server.send("ACL", "SETUSER", "default", "-jrs.get");
  await assert.rejects(visit(middleware, token), /NOPERM/);
});

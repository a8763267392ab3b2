// What happens while Redis is unavailable.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jrsSession } from "jrs-session";

import { STANDALONE } from "./support/clients.mjs";
import { middlewareOf, requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

for (const [name, connect] of Object.entries(STANDALONE)) {
  test(`${name}: requests fail while Redis is down, and work again afterwards`, async (t) => {
    const server = await Server.start(t, { appendonly: "yes", appendfsync: "always" });
    const { client, close } = await connect(server.port);
    t.after(close);
    const middleware = jrsSession({ client, timeout: 200 });
    const silent = jrsSession({ client, timeout: 200, failOpen: true });
    const session = await requestSession(jrsSession({ client }));
    const token = await session.create();

    await server.stop();
    await assert.rejects(requestSession(middleware, token), Error);
    assert.equal((await requestSession(middleware)).id, undefined, "a request without a token does not need Redis");
    assert.deepEqual((await requestSession(silent, token)).toJSON(), {}, "failOpen: an empty session");
    await assert.rejects(session.update(), Error, "failOpen does not apply to methods that the application calls");

    await server.run();
    const back = await until("the client is connected again", () =>
      requestSession(middleware, token).catch(() => undefined),
    );
    assert.equal(back.id, session.id);
  });
}

test("a command fails after the timeout if the server does not reply", async (t) => {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const middleware = jrsSession({ client, timeout: 100 });
  const token = await (await requestSession(jrsSession({ client }))).create();
  const session = await until("a quick reply", () => requestSession(middleware, token).catch(() => undefined));
  await server.send("CLIENT", "PAUSE", "2000");
  const requests = await Promise.allSettled(Array.from({ length: 10 }, () => requestSession(middleware, token)));
  assert.deepEqual(
    requests.map(({ reason }) => reason?.code),
    Array(10).fill("TIMEOUT"),
  );
  await assert.rejects(session.update(), { code: "TIMEOUT", message: /within 100 ms/ });
  const again = await until("the server replies again", () => requestSession(middleware, token).catch(() => undefined));
  assert.equal(again.id, session.id);
});

test("a reply that arrived while the process was busy is not a timeout", async (t) => {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 2"](server.port);
  t.after(close);
  const token = await (await requestSession(jrsSession({ client }))).create();
  const middleware = jrsSession({ client, timeout: 100 });
  await until("a quick reply", () => requestSession(middleware, token).catch(() => undefined));
  const reading = requestSession(middleware, token);
  await new Promise(setImmediate); // the command is sent by now
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
  assert.equal(typeof (await reading).id, "string");
});

test("errors of the server fail the request", async (t) => {
  const server = await Server.start(t);
  const middleware = await middlewareOf(t, STANDALONE["redis 5"], server.port);
  const session = await requestSession(middleware);
  const token = await session.create();
  await server.send("DEL", `sess:${session.id}`);
  assert.equal((await requestSession(middleware, token)).id, undefined);
  await server.send("LPUSH", `sess:${session.id}`, "x");
  await assert.rejects(requestSession(middleware, token), /WRONGTYPE/);
  await server.send("ACL", "SETUSER", "default", "-jrs.get");
  await assert.rejects(requestSession(middleware, token), /NOPERM/);
});

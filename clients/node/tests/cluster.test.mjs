// In a Redis Cluster every command is sent directly to the node of its session.
import assert from "node:assert/strict";
import { test } from "node:test";

import { CLUSTER } from "./support/clients.mjs";
import { Cluster } from "./support/cluster.mjs";
import { middlewareOf, requestSession } from "./support/requests.mjs";

/** Enough that each of the three nodes almost certainly gets some of them. */
const OWNERS = Array.from({ length: 60 }, (_, number) => `user:${number}`);

test("in a cluster", async (t) => {
  const cluster = await Cluster.start(t);

  await t.test("the counters show a redirection", async () => {
    const before = await cluster.redirections();
    const replies = await Promise.allSettled(cluster.nodes.map((node) => node.send("JRS.CREATE", "ann", "{}")));
    const after = await cluster.redirections();
    const redirected = replies.map(({ status }) => (status === "rejected" ? 1 : 0));
    assert.deepEqual(
      after.map((count, node) => count - before[node]),
      redirected,
    );
    assert.equal(redirected.filter((count) => count === 1).length, 2);
    await Promise.allSettled(cluster.nodes.map((node) => node.send("JRS.DESTROYALL", "ann")));
  });

  for (const [name, connect] of Object.entries(CLUSTER)) {
    await t.test(`${name}: no request is redirected`, async (t) => {
      const middleware = await middlewareOf(t, connect, cluster.ports);
      const before = await cluster.redirections();
      const sessions = await Promise.all(
        OWNERS.map(async (owner) => {
          const session = await requestSession(middleware);
          session.owner = owner;
          return requestSession(middleware, await session.create());
        }),
      );
      assert.ok(
        (await cluster.sessions()).every((count) => count > 0),
        "every node has sessions",
      );

      await Promise.all(sessions.map(useAndDestroy));
      assert.deepEqual(await cluster.sessions(), [0, 0, 0]);
      assert.deepEqual(await cluster.redirections(), before);
    });

    await t.test(`${name}: anonymous sessions are spread over the nodes`, async (t) => {
      const middleware = await middlewareOf(t, connect, cluster.ports);
      const before = await cluster.redirections();
      const tokens = await Promise.all(OWNERS.map(async () => (await requestSession(middleware)).create()));
      assert.ok(
        (await cluster.sessions()).every((count) => count > 0),
        "every node has sessions",
      );
      for (const token of tokens) {
        const session = await requestSession(middleware, token);
        assert.equal(session.owner, "");
        await assert.rejects(session.sessions(), { code: "NO_OWNER" });
        await session.update();
        assert.equal(await session.destroy(), 1);
      }
      assert.deepEqual(await cluster.redirections(), before);
    });
  }

  await t.test("an owner with the prefix of anonymous sessions is refused", async (t) => {
    const session = await requestSession(await middlewareOf(t, CLUSTER["redis 5"], cluster.ports));
    session.owner = "anonymous:ann";
    await assert.rejects(session.create(), { code: "BAD_OWNER" });
  });

  await t.test("a login whose owner is in another slot replaces the session by a new one", async (t) => {
    const middleware = await middlewareOf(t, CLUSTER["ioredis 5"], cluster.ports);
    const token = await (await requestSession(middleware)).create();
    const session = await requestSession(middleware, token);
    session.owner = "user:42";
    await assert.rejects(session.rotate(), /CROSSSLOT/);
    await session.destroy();
    await session.create();
    assert.equal((await requestSession(middleware, session.jwt)).owner, "user:42");
    assert.equal((await requestSession(middleware, token)).id, undefined);
    await session.destroy();
  });
});

/** Calls every method, and destroys the session. */
async function useAndDestroy(session, number) {
  assert.equal(session.owner, OWNERS[number]);
  session.number = number;
  await session.update();
  await session.merge({ merged: true });
  await session.reload();
  assert.deepEqual([session.number, session.merged], [number, true]);
  assert.equal(await session.touch(), 86_400);
  await session.rotate();
  assert.equal(typeof (await session.mint({ audience: "orders", claims: { iss: "shop" } })), "string");
  const [listed] = await session.sessions();
  assert.equal(listed.id, session.id);
  assert.equal(await session.destroyAll({ keepCurrent: true }), 0);
  assert.equal(await listed.destroy(), 1);
  assert.equal(await session.destroy(), 0);
}

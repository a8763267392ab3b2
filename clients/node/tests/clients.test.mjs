// All methods, with each client library.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jrsSession } from "jrs-session";

import { STANDALONE } from "./support/clients.mjs";
import { middlewareOf, requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

for (const [name, connect] of Object.entries(STANDALONE)) {
  test(`${name}: the methods of a session`, async (t) => {
    const server = await Server.start(t);
    const middleware = await middlewareOf(t, connect, server.port);

    const login = await requestSession(middleware);
    assert.equal(login.id, undefined);
    Object.assign(login, { name: "Zoë", cart: ["book"] });
    login.owner = "user:42";
    const token = await login.create({ role: "editor" });

    const session = await requestSession(middleware, token);
    assert.equal(session.id, login.id);
    assert.equal(session.owner, "user:42");
    assert.equal(session.jwt, token);
    assert.equal(session.claims.role, "editor");
    assert.deepEqual(session.cart, ["book"]);

    session.cart.push("pen");
    await session.update();
    assert.deepEqual(await server.stored(session.id), { name: "Zoë", cart: ["book", "pen"] });
    await session.merge({ name: null, seen: true });
    assert.deepEqual(await server.stored(session.id), { cart: ["book", "pen"], seen: true });
    await login.reload();
    assert.deepEqual([login.name, login.cart, login.seen], [undefined, ["book", "pen"], true]);
    assert.equal(await session.touch(), 86_400);

    const rotated = await session.rotate();
    assert.equal((await requestSession(middleware, token)).id, undefined);
    assert.equal((await requestSession(middleware, rotated)).seen, true);
    const other = await requestSession(middleware);
    other.owner = "user:42";
    await other.create();
    assert.deepEqual(
      (await session.sessions()).map(({ id, current }) => [id, current]).sort(),
      [
        [session.id, true],
        [other.id, false],
      ].sort(),
    );
    assert.equal(await session.destroyAll({ keepCurrent: true }), 1);
    assert.equal(await session.destroy(), 1);
    assert.equal(await session.destroy(), 0);
    assert.equal((await requestSession(middleware, rotated)).id, undefined);
  });

  test(`${name}: a refused token gives an empty session`, async (t) => {
    const server = await Server.start(t);
    const middleware = await middlewareOf(t, connect, server.port);
    const token = await (await requestSession(middleware)).create();
    for (const bad of ["", "x", `${token}x`, token.replace(/\.[^.]*\./, ".e30.")]) {
      assert.deepEqual((await requestSession(middleware, bad)).toJSON(), {});
    }
  });
}

for (const name of ["redis 2 with a prefix", "redis 3 with a prefix"]) {
  test(`${name}: other commands of the application keep the prefix`, async (t) => {
    const server = await Server.start(t);
    const { client, close } = await STANDALONE[name](server.port);
    t.after(close);
    // Two middlewares with one client, and both kinds of commands alternately, before and after it is ready.
    const middlewares = [jrsSession({ client }), jrsSession({ client, bearer: true })];
    const set = (key) =>
      new Promise((resolve, reject) => client.set(key, "1", (error) => (error ? reject(error) : resolve())));
    for (const when of ["early", "late"]) {
      const sessions = await Promise.all(middlewares.map((middleware) => requestSession(middleware)));
      await Promise.all([sessions[0].create(), set(`${when}:1`), sessions[1].create(), set(`${when}:2`)]);
      for (const { id } of sessions) assert.equal(await server.send("EXISTS", `sess:${id}`), 1);
    }
    assert.equal(await server.send("EXISTS", "app:early:1", "app:early:2", "app:late:1", "app:late:2"), 4);
  });

  test(`${name}: sessions work again after the connection was lost`, async (t) => {
    const server = await Server.start(t);
    const middleware = await middlewareOf(t, STANDALONE[name], server.port);
    const token = await (await requestSession(middleware)).create();
    await server.send("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    // A command that was already sent is lost. The client queues the next ones until it is connected again.
    const found = await until("the client is connected again", () =>
      requestSession(middleware, token).catch(() => undefined),
    );
    assert.equal(typeof found.id, "string");
  });
}

// The whole surface with each client library.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jrsSession } from "jrs-session";

import { STANDALONE } from "./support/clients.mjs";
import { until } from "./support/patience.mjs";
import { Server } from "./support/server.mjs";
import { middlewareOf, visit } from "./support/visit.mjs";

for (const [name, connect] of Object.entries(STANDALONE)) {
  test(`${name}: a session from its creation to its end`, async (t) => {
    const server = await Server.start(t);
    const middleware = await middlewareOf(t, connect, server.port);

    const login = await visit(middleware);
    assert.equal(login.id, undefined);
    Object.assign(login, { name: "Zoë", cart: ["book"] });
    login.owner = "user:42";
    const token = await login.create({ role: "editor" });

    const session = await visit(middleware, token);
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
    assert.equal((await visit(middleware, token)).id, undefined);
    assert.equal((await visit(middleware, rotated)).seen, true);
    const other = await visit(middleware);
    other.owner = "user:42";
    await other.create();
    assert.deepEqual((await session.sessions()).map(({ id, current }) => [id, current]).sort(), [
      [session.id, true],
      [other.id, false],
    ].sort());
    assert.equal(await session.destroyAll({ keepCurrent: true }), 1);
    assert.equal(await session.destroy(), 1);
    assert.equal(await session.destroy(), 0);
    assert.equal((await visit(middleware, rotated)).id, undefined);
  });

  test(`${name}: a refused token is an empty session`, async (t) => {
    const server = await Server.start(t);
    const middleware = await middlewareOf(t, connect, server.port);
    const token = await (await visit(middleware)).create();
    for (const bad of ["", "x", `${token}x`, token.replace(/\.[^.]*\./, ".e30.")]) {
      assert.deepEqual((await visit(middleware, bad)).toJSON(), {});
    }
  });
}

for (const name of ["redis 2 with a prefix", "redis 3 with a prefix"]) {
  test(`${name}: the application's own commands keep the prefix`, async (t) => {
    const server = await Server.start(t);
    const { client, close } = await STANDALONE[name](server.port);
    t.after(close);
    // Two middlewares of one client, and commands of both kinds by turns, before it is ready and after.
    const middlewares = [jrsSession({ client }), jrsSession({ client, bearer: true })];
    const set = (key) => new Promise((resolve, reject) => client.set(key, "1", (error) => (error ? reject(error) : resolve())));
    for (const when of ["early", "late"]) {
      const sessions = await Promise.all(middlewares.map((middleware) => visit(middleware)));
      await Promise.all([sessions[0].create(), set(`${when}:1`), sessions[1].create(), set(`${when}:2`)]);
      for (const { id } of sessions) assert.equal(await server.send("EXISTS", `sess:${id}`), 1);
    }
    assert.equal(await server.send("EXISTS", "app:early:1", "app:early:2", "app:late:1", "app:late:2"), 4);
  });

  test(`${name}: a session can be used after the connection was lost`, async (t) => {
    const server = await Server.start(t);
    const middleware = await middlewareOf(t, STANDALONE[name], server.port);
    const token = await (await visit(middleware)).create();
    await server.send("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
    // A command that was on its way is lost; the next ones wait in the client until it is connected again.
    const found = await until("the client is back", () => visit(middleware, token).catch(() => undefined));
    assert.equal(typeof found.id, "string");
  });
}

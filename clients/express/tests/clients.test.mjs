// The whole surface with each client library.
import assert from "node:assert/strict";
import { test } from "node:test";

import { STANDALONE } from "./support/clients.mjs";
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

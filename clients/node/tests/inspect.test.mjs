// What console.log shows of a session.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { STANDALONE } from "./support/clients.mjs";
import { middlewareOf, requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";

test("console.log shows the id, the owner and the fields of a session, but not its token", async (t) => {
  const server = await Server.start(t);
  const middleware = await middlewareOf(t, STANDALONE["redis 5"], server.port);
  const session = await requestSession(middleware);
  assert.equal(inspect(session), "Session { owner: '' }");
  Object.assign(session, { owner: "ann", cart: ["book"] });
  const token = await session.create({ role: "editor" });
  const read = await requestSession(middleware, token);
  for (const shown of [session, { request: { session } }, read, [read]]) {
    for (const options of [{ depth: 9 }, { depth: 9, showHidden: true, getters: true }]) {
      const text = inspect(shown, options);
      assert.ok(!text.includes(token.slice(-20)), text);
      for (const part of ["'ann'", session.id, "cart: [ 'book'", "role: 'editor'"])
        assert.ok(text.includes(part), text);
    }
  }
  session.touch = "reserved";
  assert.ok(inspect(session).includes("touch: 'reserved'"), "also of a session that cannot be saved");
  assert.equal(session.jwt, token);
});

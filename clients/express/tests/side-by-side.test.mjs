// jwt-redis-session and this package on one server: each does to a session what the other does, and both answer alike.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jrsSession } from "jrs-session";
import jwtRedisSession from "jwt-redis-session";

import { STANDALONE } from "./support/clients.mjs";
import { Server } from "./support/server.mjs";

const SECRET = "0123456789abcdef0123456789abcdef";

async function started(t) {
  const server = await Server.start(t, { "jrs.keys-file": "{folder}/secret" }, { secret: SECRET });
  const { client, close } = await STANDALONE["redis 2"](server.port);
  t.after(close);
  return { server, legacy: jwtRedisSession({ client, secret: SECRET }), jrs: jrsSession({ client }) };
}

/** The session of a request, as both packages find it. */
function visit(middleware, token) {
  const request = { get: () => undefined, query: { accessToken: token } };
  return new Promise((resolve, reject) => {
    middleware(request, {}, (error) => (error ? reject(error) : resolve(request.session)));
  });
}

/** What a method hands to its callback. */
function call(session, method, ...rest) {
  return new Promise((resolve) => session[method](...rest, (...given) => resolve(given)));
}

/** A session's life as an application of jwt-redis-session sees it; tokens, ids and times are replaced. */
async function life(create, use) {
  const seen = [];
  const session = await visit(create);
  seen.push(Object.keys(session), session.toJSON());
  seen.push((await call(session, "touch"))[0].message, (await call(session, "update"))[0].message);
  Object.assign(session, { name: "Zoë", cart: [1], gone: undefined, method() {}, when: new Date(0) });
  const [error, token] = await call(session, "create", { role: "editor" });
  seen.push(error, typeof token, typeof session.id);

  const read = await visit(use, token);
  seen.push(Object.keys(read).sort(), read.claims.role, read.jwt === token, read.id === session.id);
  seen.push(JSON.parse(JSON.stringify(read)));
  read.cart.push(2);
  delete read.name;
  seen.push(await call(read, "update"), Boolean((await call(read, "touch"))[1]));
  const again = await visit(create, token);
  again.draft = 1;
  seen.push((await call(again, "reload"))[0] ?? null, JSON.parse(JSON.stringify(again)));
  seen.push(await call(again, "destroy"), await call(again, "destroy"), typeof again.id);
  seen.push(Boolean((await call(again, "touch"))[1]), Object.keys(await visit(use, token)));
  return JSON.parse(JSON.stringify(seen), (name, value) =>
    name === "jwt" ? "a token" : name === "jti" || name === "iat" ? "of this session" : name === "kid" ? undefined : value,
  );
}

test("both answer alike, and each uses what the other has made", async (t) => {
  const { legacy, jrs } = await started(t);
  const expected = await life(legacy, legacy);
  assert.deepEqual(await life(jrs, jrs), expected);
  assert.deepEqual(await life(legacy, jrs), expected);
  assert.deepEqual(await life(jrs, legacy), expected);
});

test("a field called id, which jwt-redis-session drops without a word, is refused", async (t) => {
  const { legacy, jrs } = await started(t);
  assert.equal((await call(Object.assign(await visit(legacy), { id: "mine" }), "create"))[0], null);
  const [error] = await call(Object.assign(await visit(jrs), { id: "mine" }), "create");
  assert.equal(error.code, "RESERVED_NAME");
});

test("of what jwt-redis-session stores, claims and token are dropped by the next update", async (t) => {
  const { server, legacy, jrs } = await started(t);
  const session = Object.assign(await visit(legacy), { name: "Zoë" });
  const [, token] = await call(session, "create");
  await call(await visit(legacy, token), "update");
  assert.deepEqual(Object.keys(await server.stored(session.id)).sort(), ["claims", "jwt", "name"]);
  await (await visit(jrs, token)).update();
  assert.deepEqual(await server.stored(session.id), { name: "Zoë" });
});

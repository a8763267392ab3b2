// jwt-redis-session and this package on one server: both have the same effects and results.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jrsSession } from "jrs-session";
import jwtRedisSession from "jwt-redis-session";

import { STANDALONE } from "./support/clients.mjs";
import { Server } from "./support/server.mjs";

const SECRET = "0123456789abcdef0123456789abcdef";

async function setup(t) {
  const server = await Server.start(t, { "jrs.keys-file": "{folder}/secret" }, { secret: SECRET });
  const { client, close } = await STANDALONE["redis 2"](server.port);
  t.after(close);
  return { server, legacy: jwtRedisSession({ client, secret: SECRET }), jrs: jrsSession({ client }) };
}

/** The session of a request. Works with the middlewares of both packages. */
function requestSession(middleware, token) {
  const request = { get: () => undefined, query: { accessToken: token } };
  return new Promise((resolve, reject) => {
    middleware(request, {}, (error) => (error ? reject(error) : resolve(request.session)));
  });
}

/** The arguments that a method passes to its callback. */
function call(session, method, ...rest) {
  return new Promise((resolve) => session[method](...rest, (...given) => resolve(given)));
}

/** Results of all methods of jwt-redis-session, on a session that `create` creates and `use` uses, without random values. */
async function results(create, use) {
  const found = [];
  const session = await requestSession(create);
  found.push(Object.keys(session), session.toJSON());
  found.push((await call(session, "touch"))[0].message, (await call(session, "update"))[0].message);
  Object.assign(session, { name: "Zoë", cart: [1], gone: undefined, method: () => 1, when: new Date(0) });
  const [error, token] = await call(session, "create", { role: "editor" });
  found.push(error, typeof token, typeof session.id);

  const read = await requestSession(use, token);
  found.push(Object.keys(read).sort(), read.claims.role, read.jwt === token, read.id === session.id);
  found.push(JSON.parse(JSON.stringify(read)));
  read.cart.push(2);
  delete read.name;
  found.push(await call(read, "update"), Boolean((await call(read, "touch"))[1]));
  const again = await requestSession(create, token);
  again.draft = 1;
  found.push((await call(again, "reload"))[0] ?? null, JSON.parse(JSON.stringify(again)));
  found.push(await call(again, "destroy"), await call(again, "destroy"), typeof again.id);
  found.push(Boolean((await call(again, "touch"))[1]), Object.keys(await requestSession(use, token)));
  return JSON.parse(JSON.stringify(found), (name, value) =>
    name === "jwt"
      ? "a token"
      : name === "jti" || name === "iat"
        ? "of this session"
        : name === "kid"
          ? undefined
          : value,
  );
}

test("both packages have the same results, also with sessions of the other", async (t) => {
  const { legacy, jrs } = await setup(t);
  const expected = await results(legacy, legacy);
  assert.deepEqual(await results(jrs, jrs), expected);
  assert.deepEqual(await results(legacy, jrs), expected);
  assert.deepEqual(await results(jrs, legacy), expected);
});

test("a field called id is refused; jwt-redis-session drops it silently", async (t) => {
  const { legacy, jrs } = await setup(t);
  assert.equal((await call(Object.assign(await requestSession(legacy), { id: "mine" }), "create"))[0], null);
  const [error] = await call(Object.assign(await requestSession(jrs), { id: "mine" }), "create");
  assert.equal(error.code, "RESERVED_NAME");
});

test("update removes the claims and the token that jwt-redis-session stores in the data", async (t) => {
  const { server, legacy, jrs } = await setup(t);
  const session = Object.assign(await requestSession(legacy), { name: "Zoë" });
  const [, token] = await call(session, "create");
  await call(await requestSession(legacy, token), "update");
  assert.deepEqual(Object.keys(await server.stored(session.id)).sort(), ["claims", "jwt", "name"]);
  await (await requestSession(jrs, token)).update();
  assert.deepEqual(await server.stored(session.id), { name: "Zoë" });
});

// Access tokens for other services.
import assert from "node:assert/strict";
import { test } from "node:test";

import { STANDALONE } from "./support/clients.mjs";
import { middlewareOf, requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";
import { decoded } from "./support/tokens.mjs";

const ISSUER = "https://login.example";
const ORDERS = "https://orders.example";

async function setup(t, connect = STANDALONE["redis 5"], settings = { "jrs.issuer": ISSUER }) {
  const server = await Server.start(t, settings);
  const middleware = await middlewareOf(t, connect, server.port);
  const session = await requestSession(middleware);
  session.owner = "ann";
  await session.create();
  return { server, middleware, session };
}

for (const [name, connect] of Object.entries(STANDALONE)) {
  test(`${name}: mint signs an access token, which is not a session token`, async (t) => {
    const { middleware, session } = await setup(t, connect);
    const { id, jwt } = session;
    const token = await session.mint({ audience: ORDERS, expiresIn: 60, claims: { scope: "orders:read" } });
    const [header, claims] = decoded(token);
    assert.equal(header.typ, "at+jwt");
    const { iss, sub, aud, sid, scope } = claims;
    assert.deepEqual(
      { iss, sub, aud, sid, scope },
      { iss: ISSUER, sub: "ann", aud: ORDERS, sid: id, scope: "orders:read" },
    );
    assert.equal(claims.exp - claims.iat, 60);
    assert.equal((await requestSession(middleware, token)).id, undefined);
    assert.deepEqual([session.id, session.jwt], [id, jwt], "the session keeps its own token");
  });
}

test("mint without options uses the settings of the realm", async (t) => {
  const settings = { "jrs.issuer": ISSUER, "jrs.audience": "shop", "jrs.access-token-age": 120 };
  const { session } = await setup(t, STANDALONE["redis 5"], settings);
  for (const options of [[], [{}], [undefined]]) {
    const [, claims] = decoded(await session.mint(...options));
    assert.deepEqual([claims.aud, claims.exp - claims.iat], ["shop", 120]);
  }
  for (const options of [[], [{ expiresIn: 60 }]]) {
    const token = await new Promise((resolve, reject) =>
      session.mint(...options, (error, value) => (error ? reject(error) : resolve(value))),
    );
    const [, claims] = decoded(token);
    assert.equal(claims.exp - claims.iat, options.length > 0 ? 60 : 120);
  }
});

test("mint extends the session, as reading it does", async (t) => {
  const { server, session } = await setup(t);
  const key = `sess:${session.id}`;
  await server.send("EXPIRE", key, "100");
  await session.mint({ audience: ORDERS });
  assert.ok((await server.send("TTL", key)) > 86_000);
});

test("mint of a destroyed session fails, and the next session of the request is anonymous", async (t) => {
  const { middleware, session } = await setup(t);
  const other = await requestSession(middleware, session.jwt);
  await other.destroy();
  await assert.rejects(session.mint({ audience: ORDERS }), { code: "SESSION_ENDED" });
  assert.equal(session.owner, "");
});

test("mint needs a session with a stored owner", async (t) => {
  const { server, middleware } = await setup(t);
  const calls = async () => /jrs\.mint:calls=(\d+)/i.exec(await server.send("INFO", "commandstats"))?.[1];
  const session = await requestSession(middleware);
  await assert.rejects(session.mint(), { code: "INVALID_SESSION" });
  await session.create();
  await assert.rejects(session.mint({ audience: ORDERS }), { code: "NO_OWNER" });
  session.owner = "ann";
  await assert.rejects(session.mint({ audience: ORDERS }), { code: "OWNER_CHANGED" });
  assert.equal(await calls(), undefined, "no command was sent");
  await session.rotate();
  const [, { sub }] = decoded(await session.mint({ audience: ORDERS }));
  assert.equal(sub, "ann");
});

test("errors of the server are passed on, and may name an option", async (t) => {
  const { session } = await setup(t);
  await assert.rejects(session.mint({ audience: ORDERS, expiresIn: 86_400 }), /^Error: ERR .*3600/);
  await assert.rejects(session.mint({ audience: ORDERS, expiresIn: 1.5 }), /^Error: ERR /);
  await assert.rejects(session.mint(), /^Error: ERR .*pass AUDIENCE/);
  await assert.rejects(session.mint({ audience: "" }), /^Error: ERR AUDIENCE /);
  await assert.rejects(session.mint({ audience: ORDERS, claims: { sid: "x" } }), /^Error: ERR .*'sid'/);
});

test("a field that is called mint is refused", async (t) => {
  const { server, middleware, session } = await setup(t);
  await assert.rejects(session.merge({ mint: 1 }), { code: "RESERVED_NAME" });
  await server.send("SET", `sess:${session.id}`, '{"mint":1}', "KEEPTTL");
  await assert.rejects(requestSession(middleware, session.jwt), { code: "RESERVED_NAME" });
});

// What failOpen hides: that Redis fails, and nothing else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SessionError, jrsSession } from "jrs-session";

import { STANDALONE } from "./support/clients.mjs";
import { Server } from "./support/server.mjs";
import { middlewareOf, visit } from "./support/visit.mjs";

const STATES = ["BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "NOREPLICAS", "OOM", "READONLY", "TRYAGAIN"];

for (const name of ["redis 3", "redis 5", "ioredis 6"]) {
  test(`${name}: mistakes reach the application`, async (t) => {
    const server = await Server.start(t);
    const connect = STANDALONE[name];
    const open = await middlewareOf(t, connect, server.port, { failOpen: true });
    const session = await visit(open);
    const token = await session.create();
    assert.equal((await visit(open, token)).id, session.id);
    assert.deepEqual((await visit(open, `${token}x`)).toJSON(), {}, "a token that is no good is no mistake");

    const nowhere = await middlewareOf(t, connect, server.port, { failOpen: true, realm: "nowhere" });
    await assert.rejects(visit(nowhere, token), (error) => error instanceof SessionError && error.code === "NO_REALM");

    const key = `sess:${session.id}`;
    await server.send("SET", key, '{"update":1}');
    await assert.rejects(visit(open, token), { code: "RESERVED_NAME" });
    await server.send("SET", key, "no JSON");
    await assert.rejects(visit(open, token), SyntaxError);
    await server.send("SET", key, "{}");
    await server.send("ACL", "SETUSER", "default", "-jrs.get");
    await assert.rejects(visit(open, token), /NOPERM/);
    await server.send("ACL", "SETUSER", "default", "+jrs.get");
    await server.send("DEL", key);
    await server.send("LPUSH", key, "x");
    await assert.rejects(visit(open, token), /WRONGTYPE/);
  });

  test(`${name}: so does a server without the module`, async (t) => {
    const server = await Server.start(t, { "enable-module-command": "yes" });
    const open = await middlewareOf(t, STANDALONE[name], server.port, { failOpen: true });
    const token = await (await visit(open)).create();
    await server.send("MODULE", "UNLOAD", "jrs");
    await assert.rejects(visit(open, token), /unknown command/i);
  });

  test(`${name}: a replica that has lost its master is Redis failing`, async (t) => {
    const server = await Server.start(t);
    const { client, close } = await STANDALONE[name](server.port);
    t.after(close);
    const open = jrsSession({ client, failOpen: true });
    const token = await (await visit(open)).create();
    await server.send("REPLICAOF", "127.0.0.1", "1");
    assert.deepEqual((await visit(open, token)).toJSON(), {});
    await assert.rejects(visit(jrsSession({ client }), token), /READONLY/);
  });
}

test("of the server's own states, each is Redis failing, and no other word is", async () => {
  const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.x`;
  for (const [words, hidden] of [[STATES, true], [["NOKEYS", "NOPERM", "NOAUTH", "WRONGPASS", "ERR", "MOVED", "TOOBIG"], false]]) {
    for (const word of words) {
      const client = { sendCommand: () => Promise.reject(new Error(`${word} says the server`)) };
      const request = visit(jrsSession({ client, failOpen: true }), token);
      if (hidden) assert.deepEqual((await request).toJSON(), {});
      else await assert.rejects(request, new RegExp(word));
      await assert.rejects(visit(jrsSession({ client }), token), new RegExp(word));
    }
  }
});

test("what clients say of a connection is Redis failing", async () => {
  const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.x`;
  const messages = ["", "ETIMEDOUT", "connect ECONNREFUSED 127.0.0.1:6379", "JRS.GET can't be processed. The connection is already closed."];
  for (const message of messages) {
    const client = { sendCommand: () => Promise.reject(new Error(message)) };
    assert.deepEqual((await visit(jrsSession({ client, failOpen: true }), token)).toJSON(), {});
  }
});

// What failOpen hides: that Redis fails, and nothing else.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as redis4 from "redis-4";
import * as redis5 from "redis-5";
import * as redis6 from "redis-6";
import { SessionError, jrsSession } from "jrs-session";

import { STANDALONE } from "./support/clients.mjs";
import { until } from "./support/patience.mjs";
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
    const server = await Server.start(t);
    const token = await (await visit(await middlewareOf(t, STANDALONE[name], server.port))).create();
    const bare = await Server.startBare(t);
    const open = await middlewareOf(t, STANDALONE[name], bare.port, { failOpen: true });
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

test("what a mistake in a program throws is none of Redis's failures", async () => {
  const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.x`;
  for (const Mistake of [TypeError, RangeError, SyntaxError, ReferenceError]) {
    const client = { sendCommand: () => Promise.reject(new Mistake("says the program")) };
    await assert.rejects(visit(jrsSession({ client, failOpen: true }), token), Mistake);
  }
  const client = { sendCommand: () => Promise.resolve("no session") };
  await assert.rejects(visit(jrsSession({ client, failOpen: true }), token), TypeError);
});

for (const [name, { createCluster }] of Object.entries({ "redis 4": redis4, "redis 5": redis5, "redis 6": redis6 })) {
  test(`${name}: a cluster that was never reached is Redis failing`, async () => {
    const once = { reconnectStrategy: false };
    const rootNodes = [{ socket: { port: 1, host: "127.0.0.1", ...once } }];
    const client = createCluster({ rootNodes, defaults: { socket: once } });
    client.on("error", () => undefined);
    const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.x`;
    const visits = async () => {
      for (const round of [1, 2]) {
        assert.deepEqual((await visit(jrsSession({ client, failOpen: true }), token)).toJSON(), {}, `visit ${round}`);
        await assert.rejects(visit(jrsSession({ client }), token), /has not reached the cluster/);
      }
    };
    await Promise.all([assert.rejects(client.connect()), visits()]);
    await visits();
  });

  test(`${name}: so is a slot that no node serves`, async (t) => {
    const server = await Server.start(t, { "cluster-enabled": "yes", "cluster-require-full-coverage": "no" });
    await server.send("CLUSTER", "ADDSLOTSRANGE", "0", "9999");
    await until("the cluster is up", async () => (await server.send("CLUSTER", "INFO")).includes("cluster_state:ok"));
    const client = createCluster({ rootNodes: [{ socket: { port: server.port, host: "127.0.0.1" } }] });
    client.on("error", () => undefined);
    await client.connect();
    t.after(() => (client.destroy ?? client.disconnect).call(client));
    const token = `x.${Buffer.from('{"jti":"{foo}:1"}').toString("base64url")}.x`; // slot 12182
    assert.deepEqual((await visit(jrsSession({ client, failOpen: true }), token)).toJSON(), {});
    await assert.rejects(visit(jrsSession({ client }), token), /no node of the cluster serves|CLUSTERDOWN/);
  });
}

for (const name of ["redis 4", "redis 5", "redis 6"]) {
  const redis = { "redis 4": redis4, "redis 5": redis5, "redis 6": redis6 }[name];
  const rootNodes = [{ socket: { port: 1, host: "127.0.0.1" } }];
  const made = { createClient: [{}], createCluster: [{ rootNodes }], createClientPool: [{}] };
  for (const [create, given] of Object.entries(made).filter(([create]) => create in redis)) {
    test(`${name}: ${create} without connect() is a mistake`, async () => {
      const client = redis[create](...given);
      client.on("error", () => undefined);
      const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.x`;
      for (const failOpen of [true, false]) {
        const request = visit(jrsSession({ client, failOpen }), token);
        await assert.rejects(request, { code: "NOT_CONNECTED", message: /connect\(\)/ });
      }
    });
  }

  test(`${name}: a client that was closed, or has given up, is Redis failing`, async (t) => {
    const server = await Server.start(t);
    const client = redis.createClient({ socket: { port: server.port, host: "127.0.0.1", reconnectStrategy: false } });
    client.on("error", () => undefined);
    const open = jrsSession({ client, failOpen: true }); // before it is connected
    await client.connect();
    await server.stop();
    await until("the client has given up", () => !client.isOpen);
    const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.x`;
    assert.deepEqual((await visit(open, token)).toJSON(), {});
    await assert.rejects(visit(jrsSession({ client }), token), (error) => error.code !== "NOT_CONNECTED");
  });
}

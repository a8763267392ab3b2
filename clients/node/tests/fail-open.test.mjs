// failOpen hides that Redis is unavailable, and nothing else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jrsSession, SessionError } from "jrs-session";
import * as redis4 from "redis-4";
import * as redis5 from "redis-5";
import * as redis6 from "redis-6";

import { STANDALONE } from "./support/clients.mjs";
import { middlewareOf, requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

const STATES = [
  "BUSY",
  "CLUSTERDOWN",
  "LOADING",
  "MASTERDOWN",
  "MISCONF",
  "NOREPLICAS",
  "OOM",
  "READONLY",
  "TRYAGAIN",
  "UNBLOCKED",
];

for (const name of ["redis 3", "redis 5", "ioredis 6"]) {
  test(`${name}: failOpen does not hide mistakes`, async (t) => {
    const server = await Server.start(t);
    const connect = STANDALONE[name];
    const open = await middlewareOf(t, connect, server.port, { failOpen: true });
    const session = await requestSession(open);
    const token = await session.create();
    assert.equal((await requestSession(open, token)).id, session.id);
    assert.deepEqual((await requestSession(open, `${token}x`)).toJSON(), {}, "a refused token is not a mistake");

    const nowhere = await middlewareOf(t, connect, server.port, { failOpen: true, realm: "nowhere" });
    await assert.rejects(
      requestSession(nowhere, token),
      (error) => error instanceof SessionError && error.code === "NO_REALM",
    );

    const key = `sess:${session.id}`;
    await server.send("SET", key, '{"update":1}');
    await assert.rejects(requestSession(open, token), { code: "RESERVED_NAME" });
    await server.send("SET", key, "no JSON");
    await assert.rejects(requestSession(open, token), SyntaxError);
    await server.send("SET", key, "{}");
    await server.send("ACL", "SETUSER", "default", "-jrs.get");
    await assert.rejects(requestSession(open, token), /NOPERM/);
    await server.send("ACL", "SETUSER", "default", "+jrs.get");
    await server.send("DEL", key);
    await server.send("LPUSH", key, "x");
    await assert.rejects(requestSession(open, token), /WRONGTYPE/);
  });

  test(`${name}: failOpen does not hide a server without the module`, async (t) => {
    const server = await Server.start(t);
    const token = await (await requestSession(await middlewareOf(t, STANDALONE[name], server.port))).create();
    const bare = await Server.startBare(t);
    const open = await middlewareOf(t, STANDALONE[name], bare.port, { failOpen: true });
    await assert.rejects(requestSession(open, token), /unknown command/i);
  });

  test(`${name}: failOpen hides a replica without its master`, async (t) => {
    const server = await Server.start(t);
    const { client, close } = await STANDALONE[name](server.port);
    t.after(close);
    const open = jrsSession({ client, failOpen: true });
    const token = await (await requestSession(open)).create();
    await server.send("REPLICAOF", "127.0.0.1", "1");
    assert.deepEqual((await requestSession(open, token)).toJSON(), {});
    await assert.rejects(requestSession(jrsSession({ client }), token), /READONLY/);
  });
}

test("failOpen hides the states of an unavailable server, and no other errors of a server", async () => {
  const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.x`;
  for (const [words, hidden] of [
    [STATES, true],
    [["NOKEYS", "NOPERM", "NOAUTH", "WRONGPASS", "ERR", "MOVED", "TOOBIG"], false],
  ]) {
    for (const word of words) {
      const client = { sendCommand: () => Promise.reject(new Error(`${word} a sentence`)) };
      const request = requestSession(jrsSession({ client, failOpen: true }), token);
      if (hidden) assert.deepEqual((await request).toJSON(), {});
      else await assert.rejects(request, new RegExp(word));
      await assert.rejects(requestSession(jrsSession({ client }), token), new RegExp(word));
    }
  }
});

test("failOpen hides connection errors of clients", async () => {
  const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.x`;
  const messages = [
    "",
    "ETIMEDOUT",
    "connect ECONNREFUSED 127.0.0.1:6379",
    "JRS.GET can't be processed. The connection is already closed.",
  ];
  for (const message of messages) {
    const client = { sendCommand: () => Promise.reject(new Error(message)) };
    assert.deepEqual((await requestSession(jrsSession({ client, failOpen: true }), token)).toJSON(), {});
  }
});

test("failOpen does not hide errors that a mistake in a program throws", async () => {
  const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.x`;
  for (const Mistake of [TypeError, RangeError, SyntaxError, ReferenceError]) {
    const client = { sendCommand: () => Promise.reject(new Mistake("a sentence")) };
    await assert.rejects(requestSession(jrsSession({ client, failOpen: true }), token), Mistake);
  }
  const client = { sendCommand: () => Promise.resolve("no session") };
  await assert.rejects(requestSession(jrsSession({ client, failOpen: true }), token), TypeError);
});

for (const [name, { createCluster }] of Object.entries({ "redis 4": redis4, "redis 5": redis5, "redis 6": redis6 })) {
  test(`${name}: failOpen hides a cluster that was never reached`, async () => {
    const once = { reconnectStrategy: false };
    const rootNodes = [{ socket: { port: 1, host: "127.0.0.1", ...once } }];
    const client = createCluster({ rootNodes, defaults: { socket: once } });
    client.on("error", () => undefined);
    const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.x`;
    const requests = async () => {
      for (const round of [1, 2]) {
        assert.deepEqual(
          (await requestSession(jrsSession({ client, failOpen: true }), token)).toJSON(),
          {},
          `request ${round}`,
        );
        await assert.rejects(requestSession(jrsSession({ client }), token), /has not reached the cluster/);
      }
    };
    await Promise.all([assert.rejects(client.connect()), requests()]);
    await requests();
  });

  test(`${name}: failOpen hides a slot that no node serves`, async (t) => {
    const server = await Server.start(t, { "cluster-enabled": "yes", "cluster-require-full-coverage": "no" });
    await server.send("CLUSTER", "ADDSLOTSRANGE", "0", "9999");
    await until("the cluster is up", async () => (await server.send("CLUSTER", "INFO")).includes("cluster_state:ok"));
    const client = createCluster({ rootNodes: [{ socket: { port: server.port, host: "127.0.0.1" } }] });
    client.on("error", () => undefined);
    await client.connect();
    t.after(() => (client.destroy ?? client.disconnect).call(client));
    const token = `x.${Buffer.from('{"jti":"{foo}:1"}').toString("base64url")}.x`; // slot 12182
    assert.deepEqual((await requestSession(jrsSession({ client, failOpen: true }), token)).toJSON(), {});
    await assert.rejects(requestSession(jrsSession({ client }), token), /no node of the cluster serves|CLUSTERDOWN/);
  });
}

for (const name of ["redis 4", "redis 5", "redis 6"]) {
  const redis = { "redis 4": redis4, "redis 5": redis5, "redis 6": redis6 }[name];
  const rootNodes = [{ socket: { port: 1, host: "127.0.0.1" } }];
  const made = { createClient: [{}], createCluster: [{ rootNodes }], createClientPool: [{}] };
  for (const [create, given] of Object.entries(made).filter(([create]) => create in redis)) {
    test(`${name}: failOpen does not hide ${create} without connect()`, async () => {
      const client = redis[create](...given);
      client.on("error", () => undefined);
      const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.x`;
      for (const failOpen of [true, false]) {
        const request = requestSession(jrsSession({ client, failOpen }), token);
        await assert.rejects(request, { code: "NOT_CONNECTED", message: /connect\(\)/ });
      }
    });
  }

  test(`${name}: failOpen hides a client that was connected once and is closed`, async (t) => {
    const server = await Server.start(t);
    const client = redis.createClient({ socket: { port: server.port, host: "127.0.0.1", reconnectStrategy: false } });
    client.on("error", () => undefined);
    const open = jrsSession({ client, failOpen: true }); // before the client is connected
    await client.connect();
    await server.stop();
    await until("the client is closed", () => !client.isOpen);
    const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.x`;
    assert.deepEqual((await requestSession(open, token)).toJSON(), {});
    await assert.rejects(requestSession(jrsSession({ client }), token), (error) => error.code !== "NOT_CONNECTED");
  });
}

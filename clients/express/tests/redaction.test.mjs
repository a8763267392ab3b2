// What errors hold: never a token, nor session data.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { jrsSession } from "jrs-session";

import { CLUSTER, STANDALONE } from "./support/clients.mjs";
import { Cluster } from "./support/cluster.mjs";
import { until } from "./support/patience.mjs";
import { Server } from "./support/server.mjs";
import { visit } from "./support/visit.mjs";

const CLAIM = "a-claim-of-the-token";
const DATA = "0123456789-the-card's-number";

/** All that a logger could find: hidden and nested properties too. */
function shown(error) {
  return `${inspect(error, { depth: 20, showHidden: true, maxStringLength: Infinity })} ${error.stack}`;
}

/** An error that holds neither the arguments nor the beginning of one. */
function isClean(secrets) {
  return (error) => {
    for (const secret of [...secrets, DATA, CLAIM]) {
      for (let at = 0; at + 16 <= secret.length; at += 4) {
        assert.ok(!shown(error).includes(secret.slice(at, at + 16)), "the error holds a piece of an argument");
      }
    }
    return error instanceof Error && error.message.length > 0;
  };
}

/** Every command of a session, each of which is to fail. */
async function failsCleanly(session, middleware) {
  const { jwt } = session;
  session.card = DATA;
  const clean = isClean([jwt]);
  await assert.rejects(visit(middleware, jwt), clean);
  await assert.rejects(session.update(), clean);
  await assert.rejects(session.merge({ card: DATA }), clean);
  await assert.rejects(session.create({ note: CLAIM }), clean);
  await assert.rejects(session.touch(), clean);
  await assert.rejects(session.rotate({ claims: { note: CLAIM } }), clean);
  await assert.rejects(session.destroyAll({ keepCurrent: true }), clean);
  await assert.rejects(session.destroy(), clean);
}

/** The middleware of a client, and a session of an owner. */
async function started(t, connect, ports) {
  const { client, close } = await connect(ports);
  t.after(close);
  const middleware = jrsSession({ client, timeout: 300 });
  const session = await visit(middleware);
  session.owner = "ann";
  await session.create();
  return { middleware, session };
}

for (const [name, connect] of Object.entries(STANDALONE)) {
  test(`${name}: errors of the server, of its silence and of its absence`, async (t) => {
    const server = await Server.start(t);
    const { middleware, session } = await started(t, connect, server.port);
    await server.send("ACL", "SETUSER", "default", "-@all", "+ping", "+info", "+acl");
    await failsCleanly(session, middleware);
    await server.send("ACL", "SETUSER", "default", "+@all");
    await server.send("CONFIG", "SET", "jrs.max-data-size", "10");
    session.card = DATA;
    await assert.rejects(session.update(), isClean([session.jwt]));
    await server.stop();
    await failsCleanly(session, middleware);
  });
}

for (const name of ["redis 3", "redis 5", "ioredis 6"]) {
  test(`${name}: a server without the module quotes what it was sent`, async (t) => {
    const module = await Server.start(t);
    const { session } = await started(t, STANDALONE[name], module.port);
    const bare = await Server.startBare(t);
    const { client, close } = await STANDALONE[name](bare.port);
    t.after(close);
    const request = visit(jrsSession({ client }), session.jwt);
    await assert.rejects(request, (error) => isClean([session.jwt])(error) && /unknown command/i.test(error.message));
    const fresh = await visit(jrsSession({ client }));
    fresh.card = DATA;
    await assert.rejects(fresh.create({ note: CLAIM }), (error) => isClean([])(error) && /unknown command/i.test(error.message));
  });
}

test("clusters: errors of the nodes, and of their absence", async (t) => {
  const cluster = await Cluster.start(t);
  const sessions = {};
  for (const [name, connect] of Object.entries(CLUSTER)) sessions[name] = await started(t, connect, cluster.ports);
  for (const { session, middleware } of Object.values(sessions)) {
    const key = `sess:${session.id}`;
    const holder = await until("the node of the session", async () => {
      for (const node of cluster.nodes) if (await node.send("EXISTS", key).catch(() => 0)) return node;
      return undefined;
    });
    await holder.send("DEL", key);
    await holder.send("LPUSH", key, "x");
    await assert.rejects(visit(middleware, session.jwt), isClean([session.jwt]));
  }
  for (const node of cluster.nodes) await node.stop();
  for (const { session, middleware } of Object.values(sessions)) await failsCleanly(session, middleware);
});

test("whatever a client attaches to its errors", async () => {
  const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.signature-of-it`;
  const command = () => ({ name: "jrs.get", args: ["sess:1", token] });
  const deep = Object.assign(new Error(`at ${token}`), { command: command() });
  const error = Object.assign(new Error("all failed", { cause: deep }), {
    lastNodeError: Object.assign(new Error("x"), { command: command(), args: command().args }),
    previousErrors: [Object.assign(new Error(token.slice(0, 20)), { command: command() })],
    command: { ...command(), detail: { text: `sent ${token}` } },
  });
  error.self = error;
  const client = { sendCommand: ([name]) => (name === "JRS.REALMS" ? [["name", "default", "keyspace", "sess:"]] : Promise.reject(error)) };
  const request = visit(jrsSession({ client, timeout: 0 }), token);
  await assert.rejects(request, (found) => found === error && found.command.name === "jrs.get" && isClean([token])(found));
});

test("arguments that a client writes into its message, as JSON too", async () => {
  const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.signature-of-it`;
  const sendCommand = async ([name, ...args]) => {
    if (name === "JRS.REALMS") return [["name", "default", "keyspace", "sess:"]];
    if (name === "JRS.CREATE" && !args.join().includes(CLAIM)) return token;
    const short = JSON.stringify(args).slice(0, -30);
    throw Object.assign(new Error(`failed: ${JSON.stringify({ name, args })}, verbatim: ${args}`), { sent: { short } });
  };
  const session = await visit(jrsSession({ client: { sendCommand }, timeout: 0 }));
  await session.create();
  // The data contains another argument, the token.
  session.link = `/?token=${token}`;
  session.note = `"quoted"\n${DATA}`;
  session.card = DATA;
  const isExpected = (error) => error.message.startsWith("failed: ") && isClean([token])(error) && !/link|card|quoted/.test(shown(error));
  await assert.rejects(session.update(), isExpected);
  await assert.rejects(session.create({ note: CLAIM }), isExpected);
});

// Errors contain neither tokens nor session data.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { jrsSession, requireRecentAuth } from "jrs-session";

import { CLUSTER, STANDALONE } from "./support/clients.mjs";
import { Cluster } from "./support/cluster.mjs";
import { requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

const CLAIM = "a-claim-of-the-token";
const DATA = "0123456789-the-card's-number";

/** Everything that a logger could print, including hidden and nested properties. */
function printed(error) {
  return `${inspect(error, { depth: 20, showHidden: true, maxStringLength: Infinity })} ${error.stack}`;
}

/** Checks that an error contains no part of an argument. */
function isClean(secrets) {
  return (error) => {
    for (const secret of [...secrets, DATA, CLAIM]) {
      for (let at = 0; at + 16 <= secret.length; at += 4) {
        assert.ok(!printed(error).includes(secret.slice(at, at + 16)), "the error contains a part of an argument");
      }
    }
    return error instanceof Error && error.message.length > 0;
  };
}

/** Calls every method, each of which must fail. */
async function failsCleanly(session, middleware) {
  const { jwt } = session;
  session.card = DATA;
  const clean = isClean([jwt]);
  await assert.rejects(requestSession(middleware, jwt), clean);
  await assert.rejects(session.update(), clean);
  await assert.rejects(session.merge({ card: DATA }), clean);
  await assert.rejects(session.create({ note: CLAIM }), clean);
  await assert.rejects(session.touch(), clean);
  await assert.rejects(session.rotate({ claims: { note: CLAIM } }), clean);
  await assert.rejects(session.mint({ audience: DATA, claims: { note: CLAIM } }), clean);
  await assert.rejects(guarded(session), clean);
  await assert.rejects(session.destroyAll({ keepCurrent: true }), clean);
  await assert.rejects(session.destroy(), clean);
}

/** Resolves if requireRecentAuth lets a request with this session pass. Rejects with the error it passes to `next`. */
function guarded(session) {
  return new Promise((resolve, reject) => {
    requireRecentAuth(60)({ session }, {}, (error) => (error ? reject(error) : resolve()));
  });
}

/** The middleware with a client, and a session with an owner. */
async function setup(t, connect, ports) {
  const { client, close } = await connect(ports);
  t.after(close);
  const middleware = jrsSession({ client, timeout: 300 });
  const session = await requestSession(middleware);
  session.owner = "ann";
  // The timeout is short, so the reply of a busy machine may come too late.
  await until("the session is created", () => session.create().catch(() => undefined));
  return { middleware, session };
}

for (const [name, connect] of Object.entries(STANDALONE)) {
  test(`${name}: errors of the server, timeouts and connection errors`, async (t) => {
    const server = await Server.start(t);
    const { middleware, session } = await setup(t, connect, server.port);
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
  test(`${name}: a server without the module quotes the arguments`, async (t) => {
    const module = await Server.start(t);
    const { session } = await setup(t, STANDALONE[name], module.port);
    const bare = await Server.startBare(t);
    const { client, close } = await STANDALONE[name](bare.port);
    t.after(close);
    const request = requestSession(jrsSession({ client }), session.jwt);
    await assert.rejects(request, (error) => isClean([session.jwt])(error) && /unknown command/i.test(error.message));
    const fresh = await requestSession(jrsSession({ client }));
    fresh.card = DATA;
    await assert.rejects(
      fresh.create({ note: CLAIM }),
      (error) => isClean([])(error) && /unknown command/i.test(error.message),
    );
  });
}

test("clusters: errors of the nodes, and connection errors", async (t) => {
  const cluster = await Cluster.start(t);
  const sessions = {};
  for (const [name, connect] of Object.entries(CLUSTER)) sessions[name] = await setup(t, connect, cluster.ports);
  for (const { session, middleware } of Object.values(sessions)) {
    const key = `sess:${session.id}`;
    const owningNode = await until("the node of the session", async () => {
      for (const node of cluster.nodes) if (await node.send("EXISTS", key).catch(() => 0)) return node;
      return undefined;
    });
    await owningNode.send("DEL", key);
    await owningNode.send("LPUSH", key, "x");
    await assert.rejects(requestSession(middleware, session.jwt), isClean([session.jwt]));
  }
  for (const node of cluster.nodes) await node.stop();
  for (const { session, middleware } of Object.values(sessions)) await failsCleanly(session, middleware);
});

test("arguments that a client attaches to its errors are removed", async () => {
  const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.signature-of-it`;
  const command = () => ({ name: "jrs.get", args: ["sess:1", token] });
  const deep = Object.assign(new Error(`at ${token}`), { command: command() });
  const error = Object.assign(new Error("all failed", { cause: deep }), {
    lastNodeError: Object.assign(new Error("x"), { command: command(), args: command().args }),
    previousErrors: [Object.assign(new Error(token.slice(0, 20)), { command: command() })],
    command: { ...command(), detail: { text: `sent ${token}` } },
  });
  error.self = error;
  const client = {
    sendCommand: ([name]) =>
      name === "JRS.REALMS" ? [["name", "default", "keyspace", "sess:"]] : Promise.reject(error),
  };
  const request = requestSession(jrsSession({ client, timeout: 0 }), token);
  await assert.rejects(
    request,
    (found) => found === error && found.command.name === "jrs.get" && isClean([token])(found),
  );
});

test("arguments in the message of an error are removed, also inside JSON", async () => {
  const token = `x.${Buffer.from('{"jti":"1"}').toString("base64url")}.signature-of-it`;
  const sendCommand = async ([name, ...args]) => {
    if (name === "JRS.REALMS") return [["name", "default", "keyspace", "sess:"]];
    if (name === "JRS.CREATE" && !args.join().includes(CLAIM)) return token;
    const short = JSON.stringify(args).slice(0, -30);
    throw Object.assign(new Error(`failed: ${JSON.stringify({ name, args })}, verbatim: ${args}`), { sent: { short } });
  };
  const session = await requestSession(jrsSession({ client: { sendCommand }, timeout: 0 }));
  await session.create();
  // The data contains the token, which is another argument.
  session.link = `/?token=${token}`;
  session.note = `"quoted"\n${DATA}`;
  session.card = DATA;
  const isExpected = (error) =>
    error.message.startsWith("failed: ") && isClean([token])(error) && !/link|card|quoted/.test(printed(error));
  await assert.rejects(session.update(), isExpected);
  await assert.rejects(session.create({ note: CLAIM }), isExpected);
});

// Two processes of an application that use one session.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { STANDALONE } from "./support/clients.mjs";
import { middlewareOf, requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";

const PROGRAM = fileURLToPath(new URL("programs/worker.mjs", import.meta.url));

/** Starts another process with the session. Returns a function that calls a method there. */
async function worker(t, port, token) {
  const child = spawn(process.execPath, [PROGRAM, String(port), token], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value);
  const gone = once(child, "exit");
  t.after(async () => {
    child.stdin.end();
    await gone;
  });
  assert.equal(typeof (await next()).ready, "string");
  return (...call) => {
    child.stdin.write(`${JSON.stringify(call)}\n`);
    return next();
  };
}

async function setup(t) {
  const server = await Server.start(t);
  const session = await requestSession(await middlewareOf(t, STANDALONE["redis 5"], server.port));
  session.start = true;
  const token = await session.create();
  const workers = await Promise.all([worker(t, server.port, token), worker(t, server.port, token)]);
  return { server, session, workers };
}

test("concurrent merges of two processes lose no change", async (t) => {
  const {
    server,
    session,
    workers: [one, other],
  } = await setup(t);
  const count = 200;
  await Promise.all([one("mergeMany", "one", count), other("mergeMany", "other", count)]);
  const expected = { start: true };
  for (let number = 0; number < count; number += 1) {
    expected[`one${number}`] = number;
    expected[`other${number}`] = number;
  }
  assert.deepEqual(await server.stored(session.id), expected);
});

test("an update after a destroy in another process does not create the session again", async (t) => {
  const {
    server,
    workers: [one, other],
  } = await setup(t);
  assert.deepEqual(await one("destroy"), { value: 1 });
  await other("set", { late: true });
  assert.deepEqual(await other("update"), { code: "SESSION_ENDED" });
  assert.deepEqual(await other("merge", { late: true }), { code: "SESSION_ENDED" });
  assert.equal(await server.send("DBSIZE"), 0);
});

// Measures reading a session through this package beside reading it through jwt-redis-session: from one Node process,
// with 64 requests in flight, without HTTP, HS256, the same token and the same server. For each client library a process
// of its own, so that one library's code does not slow down the next, in which both are measured by turns.
//
//   node scripts/bench.mjs [--quick]
//
// Fails if a client with a floor is not that many times as fast; --quick measures too shortly to judge.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { jrsSession } from "jrs-session";
import jwtRedisSession from "jwt-redis-session";

import { STANDALONE } from "../tests/support/clients.mjs";
import { Server } from "../tests/support/server.mjs";
import { visit } from "../tests/support/visit.mjs";

const IN_FLIGHT = 64;
const SECRET = "0123456789abcdef0123456789abcdef";
const DATA = { name: "Ann Example", role: "editor", cart: [17, 42] };
/** The client that jwt-redis-session was made for. */
const LEGACY_CLIENT = "redis 2";
/** How many times as fast as jwt-redis-session this package has to be, by client. */
const FLOORS = { "redis 4": 2.5, "redis 5": 2.5 };
const CLIENTS = ["redis 2", "redis 3", "redis 4", "redis 5", "redis 6", "ioredis 5", "ioredis 6"];

const { values } = parseArgs({ options: { quick: { type: "boolean" }, client: { type: "string" }, port: { type: "string" } } });
// Short turns, so that what else the machine does falls on both alike.
const [ROUNDS, SECONDS] = values.quick ? [1, 0.1] : [31, 0.3];

if (values.client) console.log(JSON.stringify(await compare(values.client, Number(values.port))));
else await report();

/** Starts the server, measures, and stops it however that goes. */
async function report() {
  const cleanups = [];
  const whole = { after: (cleanup) => cleanups.push(cleanup) };
  try {
    const server = await Server.start(whole, { "jrs.keys-file": "{folder}/secret" }, { secret: SECRET });
    await table(server.port);
  } finally {
    for (const cleanup of cleanups) await cleanup();
  }
}

/** Prints a row for each client. */
async function table(port) {
  console.log("| jrs-session with | reads a second | jwt-redis-session with redis 2 | ratio |\n|---|---|---|---|");
  for (const client of CLIENTS) {
    const own = values.quick ? ["--quick"] : [];
    const words = [fileURLToPath(import.meta.url), ...own, "--client", client, "--port", String(port)];
    const { stdout } = await promisify(execFile)(process.execPath, words);
    const { jrs, legacy, ratio } = JSON.parse(stdout);
    console.log(`| ${client} | ${thousands(jrs)} | ${thousands(legacy)} | ${ratio.toFixed(2)} |`);
    if (!values.quick && ratio < (FLOORS[client] ?? 0)) {
      console.error(`${client}: below the floor of ${FLOORS[client]}`);
      process.exitCode = 1;
    }
  }
}

/** Medians of both packages' reads a second, and of their ratio within a round. */
async function compare(name, port) {
  const [{ client }, legacyConnection] = await Promise.all([STANDALONE[name](port), STANDALONE[LEGACY_CLIENT](port)]);
  const middleware = jrsSession({ client });
  const legacy = jwtRedisSession({ client: legacyConnection.client, secret: SECRET });
  const token = await Object.assign(await visit(middleware), DATA).create();
  await rate(middleware, token, SECONDS / 2); // to warm up
  await rate(legacy, token, SECONDS / 2);
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const jrs = await rate(middleware, token, SECONDS);
    const old = await rate(legacy, token, SECONDS);
    rounds.push({ jrs, legacy: old, ratio: jrs / old });
  }
  setImmediate(() => process.exit());
  const median = (field) => rounds.map((round) => round[field]).sort((a, b) => a - b)[ROUNDS >> 1];
  return { jrs: median("jrs"), legacy: median("legacy"), ratio: median("ratio") };
}

/** Reads a second of a session through a middleware, from requests such as Express hands it. */
async function rate(middleware, token, seconds) {
  const get = (header) => (header === "x-access-token" ? token : undefined);
  const read = () =>
    new Promise((resolve, reject) => {
      const request = { get, query: {}, body: {} };
      middleware(request, {}, (error) => {
        if (request.session.name === DATA.name) resolve();
        else reject(error ?? new Error("the session was not found"));
      });
    });
  const start = performance.now();
  const end = start + seconds * 1000;
  let count = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      for (; performance.now() < end; count += 1) await read();
    }),
  );
  return count / ((performance.now() - start) / 1000);
}

function thousands(rate) {
  return `${(rate / 1000).toFixed(1)} k`;
}

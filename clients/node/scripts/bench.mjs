// Compares reading a session with this package and with jwt-redis-session: in one Node.js process, with 64 concurrent
// requests, without HTTP, with HS256, the same token and the same server. Each client library is measured in its own
// process, so that the code of one does not slow down the next. In it, the two packages are measured alternately.
//
//   node scripts/bench.mjs [--quick]
//
// Fails if a client with a minimum ratio is below it. --quick measures too briefly for that.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { jrsSession } from "jrs-session";
import jwtRedisSession from "jwt-redis-session";

import { STANDALONE } from "../tests/support/clients.mjs";
import { requestSession } from "../tests/support/requests.mjs";
import { Server } from "../tests/support/server.mjs";

const CONCURRENCY = 64;
const SECRET = "0123456789abcdef0123456789abcdef";
const DATA = { name: "Ann Example", role: "editor", cart: [17, 42] };
/** The client that jwt-redis-session was written for. */
const LEGACY_CLIENT = "redis 2";
/** How many times as fast as jwt-redis-session this package must be, by client. */
const MIN_RATIOS = { "redis 4": 2.5, "redis 5": 2.5 };
const CLIENTS = ["redis 2", "redis 3", "redis 4", "redis 5", "redis 6", "ioredis 5", "ioredis 6"];

const { values } = parseArgs({
  options: { quick: { type: "boolean" }, client: { type: "string" }, port: { type: "string" } },
});
// Short rounds, so that other load on the machine affects both packages equally.
const [ROUNDS, SECONDS] = values.quick ? [1, 0.1] : [31, 0.3];

if (values.client) console.log(JSON.stringify(await compare(values.client, Number(values.port))));
else await report();

/** Starts the server, measures, and stops the server even after an error. */
async function report() {
  const cleanups = [];
  const test = { after: (cleanup) => cleanups.push(cleanup) };
  try {
    const server = await Server.start(test, { "jrs.keys-file": "{folder}/secret" }, { secret: SECRET });
    await table(server.port);
  } finally {
    for (const cleanup of cleanups) await cleanup();
  }
}

/** Measures each client and prints a row of the table for it. */
async function table(port) {
  console.log("| jrs-session with | reads per second | jwt-redis-session with redis 2 | ratio |\n|---|---|---|---|");
  for (const client of CLIENTS) {
    const quick = values.quick ? ["--quick"] : [];
    const words = [fileURLToPath(import.meta.url), ...quick, "--client", client, "--port", String(port)];
    const { stdout } = await promisify(execFile)(process.execPath, words);
    const { jrs, legacy, ratio } = JSON.parse(stdout);
    console.log(`| ${client} | ${thousands(jrs)} | ${thousands(legacy)} | ${ratio.toFixed(2)} |`);
    if (!values.quick && ratio < (MIN_RATIOS[client] ?? 0)) {
      console.error(`${client}: below the minimum ratio of ${MIN_RATIOS[client]}`);
      process.exitCode = 1;
    }
  }
}

/** The medians of the reads per second of both packages, and of their ratio in one round. */
async function compare(name, port) {
  const [{ client }, legacyConnection] = await Promise.all([STANDALONE[name](port), STANDALONE[LEGACY_CLIENT](port)]);
  const middleware = jrsSession({ client });
  const legacy = jwtRedisSession({ client: legacyConnection.client, secret: SECRET });
  const token = await Object.assign(await requestSession(middleware), DATA).create();
  await rate(middleware, token, SECONDS / 2); // warm-up
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

/** How many times per second a middleware reads a session, with requests as Express passes them. */
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
    Array.from({ length: CONCURRENCY }, async () => {
      for (; performance.now() < end; count += 1) await read();
    }),
  );
  return count / ((performance.now() - start) / 1000);
}

function thousands(count) {
  return `${(count / 1000).toFixed(1)} k`;
}

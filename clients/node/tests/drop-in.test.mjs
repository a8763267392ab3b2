// The tests of jwt-redis-session, unchanged, with this package in its place: with the clients that it was written for and
// with current ones.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { STANDALONE } from "./support/clients.mjs";
import { Server } from "./support/server.mjs";

const require = createRequire(import.meta.url);
const TESTS = join(dirname(require.resolve("jwt-redis-session")), "test/tests.js");
const MOCHA = require.resolve("mocha/bin/mocha.js");
const HERE = fileURLToPath(new URL(".", import.meta.url));
const NUMBER_OF_TESTS = 11;

const RUNS = [
  ...Object.keys(STANDALONE).map((client) => ({ client, express: "express" })),
  { client: "redis 2", express: "express-4" },
];

/** Copies the tests into a folder with the layout of their package, and replaces the modules that they require. */
async function copyTests(t) {
  const folder = await mkdtemp(join(tmpdir(), "jrs-drop-in-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "test/fixture"), { recursive: true });
  await copyFile(TESTS, join(folder, "test/tests.js"));
  const substitute = (place, name) =>
    writeFile(join(folder, place), `module.exports = require(${JSON.stringify(join(HERE, "drop-in", name))});\n`);
  await substitute("index.js", "constructor.cjs");
  await substitute("test/fixture/server.js", "server.cjs");
  await substitute("test/fixture/client.js", "client.cjs");
  return folder;
}

for (const { client, express } of RUNS) {
  test(`jwt-redis-session's tests pass with ${client} and ${express}`, async (t) => {
    const realm = '[realm.jwt]\nkeys-file = "{folder}/realm.json"\nkeyspace = "jwt:"\n';
    const jwk = JSON.stringify({ kty: "oct", kid: "jwt", k: Buffer.from("abc123").toString("base64url") });
    const server = await Server.start(
      t,
      { "jrs.keys-file": "{folder}/secret", "jrs.realms-file": "{folder}/realms.toml", "jrs.allow-weak-secret": "yes" },
      { secret: "abc123", "realm.json": jwk, "realms.toml": realm },
    );
    const environment = {
      ...process.env,
      NODE_PATH: join(HERE, "../node_modules"),
      REDIS_PORT: String(server.port),
      DROP_IN_CLIENT: client,
      DROP_IN_EXPRESS: express,
    };
    delete environment.NODE_TEST_CONTEXT; // the tests of mocha are not subtests of this test
    const folder = await copyTests(t);
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        MOCHA,
        "--no-config",
        "--check-leaks",
        "--exit",
        "--timeout",
        "30000",
        "--reporter",
        "json",
        join(folder, "test/tests.js"),
      ],
      { cwd: folder, env: environment, timeout: 60_000 },
    ).catch((error) => assert.fail(`${error.stdout}\n${error.stderr}`));
    const { stats } = JSON.parse(stdout.slice(stdout.indexOf("{")));
    assert.deepEqual([stats.passes, stats.failures, stats.pending], [NUMBER_OF_TESTS, 0, 0]);
  });
}

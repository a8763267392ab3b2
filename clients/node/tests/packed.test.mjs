// The result of `npm pack`: its files, and that it works in another project.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Server } from "./support/server.mjs";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const TYPESCRIPT = createRequire(import.meta.url).resolve("typescript/lib/tsc.js");

/** Packages that the consumers use, by the name that they import. */
const PACKAGES = {
  redis: "redis-5",
  "redis-4": "redis-4",
  "redis-6": "redis-6",
  ioredis: "ioredis-6",
  express: "express",
  fastify: "fastify",
  hono: "hono",
  "@types/express": "@types/express",
  "@types/node": "@types/node",
};

async function run(folder, ...words) {
  const options = { cwd: folder, timeout: 100_000 };
  const { stdout } = await promisify(execFile)(words[0], words.slice(1), options).catch((error) =>
    assert.fail(`${words.join(" ")}\n${error.stdout}\n${error.stderr}`),
  );
  return stdout.trim();
}

/** The same for an application with an old client. */
const OLD_PACKAGES = { redis: "redis-3", "@types/redis": "@types/redis", "@types/node": "@types/node" };

const STRICT = ["--strict", "--exactOptionalPropertyTypes", "--module", "nodenext", "--target", "es2022"];

/** A project in which only the packed package is installed. */
async function project(t) {
  const folder = await mkdtemp(join(tmpdir(), "jrs-packed-"));
  t.after(() => rm(folder, { recursive: true }));
  // Without scripts: dist is already built, and other tests use it at the same time.
  const [packed] = JSON.parse(
    await run(PACKAGE, "npm", "pack", "--json", "--ignore-scripts", "--pack-destination", folder),
  );
  await writeFile(join(folder, "package.json"), '{ "private": true }');
  await run(folder, "npm", "install", "--offline", "--no-audit", "--no-fund", `./${packed.filename}`);
  return { folder, files: packed.files.map(({ path }) => path) };
}

/** Copies the consumers into the project, and links the packages that they use. */
async function addConsumers(folder, packages) {
  await mkdir(join(folder, "node_modules/@types"), { recursive: true });
  for (const [name, source] of Object.entries(packages)) {
    await symlink(join(PACKAGE, "node_modules", source), join(folder, "node_modules", name));
  }
  await cp(join(PACKAGE, "tests/consumers"), folder, { recursive: true });
}

test("the package contains the code, its types, and nothing else", async (t) => {
  const { folder, files } = await project(t);
  const others = files.filter((path) => !/^dist\/(esm|cjs)\/.*\.(js|d\.ts)$/.test(path));
  assert.deepEqual(others.sort(), ["LICENSE", "README.md", "dist/cjs/package.json", "package.json"]);
  const installed = JSON.parse(await readFile(join(folder, "node_modules/jrs-session/package.json"), "utf8"));
  assert.equal(installed.dependencies, undefined);
  const locked = JSON.parse(await readFile(join(folder, "package-lock.json"), "utf8"));
  assert.deepEqual(Object.keys(locked.packages), ["", "node_modules/jrs-session"]);
});

test("the links of the README point to the web, to its headings, or to files of the package", async (t) => {
  const { folder, files } = await project(t);
  const readme = await readFile(join(folder, "node_modules/jrs-session/README.md"), "utf8");
  const headings = [...readme.matchAll(/^#+ (.*)$/gm)].map(
    ([, heading]) =>
      `#${heading
        .toLowerCase()
        .replace(/[^a-z0-9 _-]/g, "")
        .replaceAll(" ", "-")}`,
  );
  const links = [...readme.matchAll(/\]\(([^)]*)\)/g)].map(([, link]) => link);
  assert.ok(links.length > 5);
  for (const link of links) assert.ok(/^https:/.test(link) || headings.includes(link) || files.includes(link), link);
});

test("the package works in CommonJS, in ES modules and in TypeScript", async (t) => {
  const server = await Server.start(t);
  const { folder } = await project(t);
  await addConsumers(folder, PACKAGES);
  const port = String(server.port);
  assert.equal(await run(folder, "node", "commonjs.cjs", port), "ann hello");
  assert.equal(await run(folder, "node", "module.mjs", port), "ann hello");

  const sources = ["typescript.mts", "typescript.cts"];
  await run(folder, "node", TYPESCRIPT, ...STRICT, "--skipLibCheck", "--types", "node", ...sources);
  assert.equal(await run(folder, "node", "typescript.mjs", port), "42 hello true 86400 OK");
  assert.equal(await run(folder, "node", "typescript.cjs", port), "INVALID_SESSION");
});

for (const [framework, results] of Object.entries({
  core: { mts: "42 editor 2 true", cts: "ann BAD_OWNER" },
  fastify: { mts: "42 Ann Ann", cts: "42 Ann true" },
  hono: { mts: "42 Ann true", cts: "42 Ann true" },
})) {
  test(`the package works with ${framework} in CommonJS and in ES modules, with types`, async (t) => {
    const server = await Server.start(t);
    const { folder } = await project(t);
    await addConsumers(folder, PACKAGES);
    const sources = Object.keys(results).map((extension) => `${framework}.${extension}`);
    await run(folder, "node", TYPESCRIPT, ...STRICT, "--skipLibCheck", "--types", "node", ...sources);
    for (const [extension, result] of Object.entries(results)) {
      const program = `${framework}.${extension.replace("t", "j")}`;
      assert.equal(await run(folder, "node", program, String(server.port)), result, program);
    }
  });
}

test("the option client accepts a client of redis 3 as @types/redis declares it", async (t) => {
  const server = await Server.start(t);
  const { folder } = await project(t);
  await addConsumers(folder, OLD_PACKAGES);
  // Without skipLibCheck: this also checks the declarations of the package.
  await run(folder, "node", TYPESCRIPT, ...STRICT, "--types", "node", "typescript-redis-3.mts");
  assert.equal(await run(folder, "node", "typescript-redis-3.mjs", String(server.port)), "string");
});

test("an application that also uses express-session compiles as the README says", async (t) => {
  const { folder } = await project(t);
  await addConsumers(folder, { ...PACKAGES, "@types/express-session": "@types/express-session" });
  await run(
    folder,
    "node",
    TYPESCRIPT,
    ...STRICT,
    "--noEmit",
    "--skipLibCheck",
    "--types",
    "node",
    "typescript-express-session.mts",
  );
});

test("the declarations in the README compile and have the described effect", async (t) => {
  const { folder } = await project(t);
  await addConsumers(folder, PACKAGES);
  const readme = await readFile(join(folder, "node_modules/jrs-session/README.md"), "utf8");
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  assert.equal(blocks.length, 2);
  const use = `import type { Request } from "express";
    export function use({ session, jwtSession }: Request): string | undefined {
      jwtSession.cart = ["book"];
      // @ts-expect-error the field is not declared
      session.other = 1;
      return session.name;
    }`;
  await writeFile(join(folder, "readme.mts"), [...blocks, use].join("\n"));
  await run(folder, "node", TYPESCRIPT, ...STRICT, "--noEmit", "--skipLibCheck", "--types", "node", "readme.mts");
});

for (const source of ["session-data.mts", "session-data.cts"]) {
  test(`${source}: an application declares the fields of its sessions`, async (t) => {
    const { folder } = await project(t);
    await addConsumers(folder, PACKAGES);
    await run(folder, "node", TYPESCRIPT, ...STRICT, "--noEmit", "--skipLibCheck", "--types", "node", source);
  });
}

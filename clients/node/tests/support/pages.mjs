/** Runs the applications of docs/clients, exactly as they are printed there. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { Browser } from "./browser.mjs";
import { freePort } from "./server.mjs";
import { until } from "./wait.mjs";

const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));

/** What the applications import. In node_modules of the tests, some have another name. */
const LINKS = {
  redis: "redis-5",
  express: "express",
  fastify: "fastify",
  hono: "hono",
  "@hono/node-server": "@hono/node-server",
};

/** The users of the applications. */
const USERS = `
const USERS = { ann: { id: 1, name: "Ann" }, bob: { id: 2, name: "Bob" } };
export const findUser = async (name, password) => (password === "right" ? USERS[name] : undefined);
`;

/** The code blocks of a page, from a URL or path relative to this package. */
export async function codeBlocks(path) {
  const page = await readFile(join(PACKAGE, path), "utf8");
  return [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);
}

/** Starts a program, which is stopped after the test. @returns a browser that uses it */
export async function startProgram(t, code, server) {
  const folder = await mkdtemp(join(tmpdir(), "jrs-page-"));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, target] of Object.entries({ ...LINKS, "jrs-session": "" })) {
    const link = join(folder, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(target ? join(PACKAGE, "node_modules", target) : PACKAGE, link);
  }
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  await writeFile(join(folder, "users.js"), USERS);
  await writeFile(join(folder, "app.js"), code);
  const port = await freePort();
  const env = { ...process.env, PORT: String(port), REDIS_URL: `redis://127.0.0.1:${server.port}` };
  // setpriv makes the kernel kill the program when the tests end, even if they are killed.
  const words = ["--pdeathsig", "KILL", process.execPath, "app.js"];
  const program = spawn("setpriv", words, { cwd: folder, env, stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  program.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  t.after(async () => {
    if (program.exitCode !== null || program.signalCode !== null) return;
    program.kill("SIGKILL");
    await once(program, "exit");
  });
  const browser = new Browser(`http://127.0.0.1:${port}`);
  await until("the application replies", () => {
    if (program.exitCode !== null) throw new Error(errors);
    return browser.request("GET", "/").catch(() => undefined);
  });
  return browser;
}

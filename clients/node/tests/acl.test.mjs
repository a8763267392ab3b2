// The permissions in the README are sufficient, and each of them is necessary.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Redis as Ioredis6 } from "ioredis-6";
import { jrsSession } from "jrs-session";
import { createClient as createClient5 } from "redis-5";
import { createClient as createClient6 } from "redis-6";
import { requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";

const { createClient: createClient3 } = createRequire(import.meta.url)("redis-3");

const LOGIN = { username: "shop", password: "shop-password" };

/** Clients that authenticate as the ACL user. */
const CLIENTS = {
  "redis 3": async (port) => {
    const client = createClient3({ port, user: LOGIN.username, password: LOGIN.password, no_ready_check: true });
    client.on("error", () => undefined); // the server is stopped before the client
    return [client, () => client.end(false)];
  },
  "redis 5": (port) => connected(createClient5({ socket: { port }, ...LOGIN })),
  "redis 6": (port) => connected(createClient6({ socket: { port }, ...LOGIN })),
  "ioredis 6": async (port) => {
    const client = new Ioredis6({ port, ...LOGIN, enableReadyCheck: false });
    return [client, () => client.disconnect()];
  },
};

async function connected(client) {
  client.on("error", () => undefined); // the server is stopped before the client
  await client.connect();
  return [client, () => client.destroy()];
}

/** The arguments of the `ACL SETUSER` lines in the README. */
async function rules() {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  return [...readme.matchAll(/^ACL SETUSER (.*)$/gm)].map(([, words]) => words.split(" "));
}

async function setUser(server) {
  for (const words of await rules()) await server.send("ACL", "SETUSER", ...words);
}

for (const [name, connect] of Object.entries(CLIENTS)) {
  test(`${name}: the permissions in the README are sufficient`, async (t) => {
    const server = await Server.start(t);
    await setUser(server);
    const [client, close] = await connect(server.port);
    t.after(close);
    await useAll(jrsSession({ client }));
    const log = await server.send("ACL", "LOG");
    assert.deepEqual(
      log.filter((entry) => String(entry).includes("jrs")),
      [],
    );
  });
}

test("each permission in the README is necessary", async (t) => {
  const server = await Server.start(t);
  await setUser(server);
  const [client, close] = await CLIENTS["redis 5"](server.port);
  t.after(close);
  const permissions = (await rules()).flat().filter((word) => word.startsWith("+"));
  assert.equal(permissions.length, 12);
  for (const permission of permissions) {
    await server.send("ACL", "SETUSER", "shop", permission.replace("+", "-"));
    await assert.rejects(useAll(jrsSession({ client })), /NOPERM/, permission);
    await server.send("ACL", "SETUSER", "shop", permission);
  }
  await server.send("ACL", "SETUSER", "shop", "resetkeys", "~app:*");
  await assert.rejects(useAll(jrsSession({ client })), /NOPERM/);
});

/** Uses every command of a session. */
async function useAll(middleware) {
  const login = await requestSession(middleware);
  login.owner = "ann";
  await login.create();
  const session = await requestSession(middleware, login.jwt);
  await session.update();
  await session.merge({ a: 1 });
  await session.reload();
  await session.touch();
  await session.rotate();
  await session.mint({ audience: "orders", claims: { iss: "shop" } });
  const [device] = await session.sessions();
  await device.destroy();
  await session.create({ sub: "ann" });
  await session.destroyAll({ keepCurrent: true });
  await session.destroyAll();
  await session.destroy();
}

// The migration from express-session with connect-redis, with the applications in docs/migration-express-session.md.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { createClient } from "redis";

import { listening } from "../../tests/support/browser.mjs";
import { Server } from "../../tests/support/server.mjs";
import { createApp as createAfter } from "../from-express-session/after.js";
import { createApp as createBefore } from "../from-express-session/before.js";
import { createApp as createBetween } from "../from-express-session/between.js";

const FOLDER = new URL("../from-express-session/", import.meta.url);
const GUIDE = new URL("../../../../docs/migration-express-session.md", import.meta.url);

test("jrs-session and express-session both serve a session that express-session created", async (t) => {
  const { before, between } = await setup(t);
  const browser = new Browser();
  await browser.post(before, "/login/ann");
  await browser.post(before, "/cart/book");
  assert.deepEqual(await browser.read(between), { user: "ann", cart: ["book"] });
  for (const [app, item] of [
    [between, "pen"],
    [before, "ink"],
    [between, "paper"],
    [before, "glue"],
  ]) {
    await browser.post(app, `/cart/${item}`);
  }
  const expected = { user: "ann", cart: ["book", "pen", "ink", "paper", "glue"] };
  assert.deepEqual(await browser.read(between), expected);
  assert.deepEqual(await browser.read(before), expected);
});

test("concurrent requests with the old cookie all find the session", async (t) => {
  const { before, between } = await setup(t);
  const browser = new Browser();
  await browser.post(before, "/login/ann");
  const results = await Promise.all(Array.from({ length: 20 }, () => browser.copy().read(between)));
  assert.deepEqual(new Set(results.map(({ user }) => user)), new Set(["ann"]));
});

test("express-session serves a session that jrs-session created", async (t) => {
  const { before, between } = await setup(t);
  const browser = new Browser();
  await browser.post(between, "/cart/book");
  assert.deepEqual(await browser.read(before), { cart: ["book"] });
  await browser.post(between, "/login/ann");
  await browser.post(before, "/cart/pen");
  assert.deepEqual(await browser.read(before), { user: "ann", cart: ["book", "pen"] });
  assert.deepEqual(await browser.read(between), { user: "ann", cart: ["book", "pen"] });
});

test("a login in either package makes the earlier cookies invalid in both", async (t) => {
  const { before, between } = await setup(t);
  for (const [first, second] of [
    [before, between],
    [between, before],
  ]) {
    const browser = new Browser();
    await browser.post(first, "/cart/book");
    await browser.read(second);
    const attacker = browser.copy();
    await browser.post(second, "/login/ann");
    for (const app of [before, between]) {
      assert.deepEqual(await browser.read(app), { user: "ann", cart: ["book"] });
      assert.deepEqual(await attacker.copy().read(app), {});
    }
  }
});

test("a logout in either package destroys the session for both", async (t) => {
  const { before, between } = await setup(t);
  for (const app of [before, between]) {
    const browser = new Browser();
    await browser.post(before, "/login/ann");
    await browser.read(between);
    const other = browser.copy();
    await browser.post(app, "/logout");
    for (const where of [before, between]) {
      assert.deepEqual(await browser.read(where), {});
      assert.deepEqual(await other.read(where), {}, "copies of the cookies do not work either");
    }
  }
});

test("a forged old cookie does not give a session", async (t) => {
  const { before, between } = await setup(t);
  const browser = new Browser();
  await browser.post(before, "/login/ann");
  const id = /^s%3A([^.]*)\./.exec(browser.cookies.get("connect.sid"))[1];
  for (const value of [id, `s%3A${id}.`, `s%3A${id}.${"A".repeat(43)}`]) {
    const attacker = new Browser();
    attacker.cookies.set("connect.sid", value);
    assert.deepEqual(await attacker.read(between), {});
    assert.equal(attacker.cookies.has("session"), false);
  }
});

test("both packages extend the session", async (t) => {
  const { server, before, between } = await setup(t);
  const browser = new Browser();
  await browser.post(before, "/login/ann");
  const [key] = await server.send("KEYS", "sess:*");
  for (const app of [between, before]) {
    await server.send("EXPIRE", key, "100");
    await browser.read(app);
    assert.ok((await server.send("TTL", key)) > 86_000);
  }
});

test("the way back: express-session serves the sessions that jrs-session created or changed", async (t) => {
  const { before, between } = await setup(t);
  const [carried, created] = [new Browser(), new Browser()];
  await carried.post(before, "/login/ann");
  await carried.post(between, "/cart/book");
  await created.post(between, "/login/bob");
  for (const browser of [carried, created]) await browser.post(before, "/cart/pen");
  assert.deepEqual(await carried.read(before), { user: "ann", cart: ["book", "pen"] });
  assert.deepEqual(await created.read(before), { user: "bob", cart: ["pen"] });
});

test("converted sessions have an owner, and do not need the key of the migration", async (t) => {
  const { server, before, converting, after, dropMoveKey } = await setup(t);
  const [laptop, phone, late] = [new Browser(), new Browser(), new Browser()];
  for (const browser of [laptop, phone, late]) await browser.post(before, "/login/ann");
  for (const browser of [laptop, phone]) {
    await browser.read(converting);
    assert.equal(
      (await server.send("JRS.LIST", "ann")).length,
      browser === laptop ? 0 : 1,
      "only when a page is opened",
    );
    assert.equal((await browser.open(converting)).user, "ann");
  }
  assert.equal((await server.send("JRS.LIST", "ann")).length, 2);

  await dropMoveKey();
  for (const browser of [laptop, phone]) assert.equal((await browser.read(after)).user, "ann");
  assert.deepEqual(await late.read(after), {}, "a session that was not converted is lost");

  await laptop.post(after, "/cart/book");
  assert.deepEqual(await laptop.read(after), { user: "ann", cart: ["book"] });
  await laptop.post(after, "/logout/everywhere");
  assert.deepEqual(await phone.read(after), {});
});

test("tabs that are opened at the same time convert the session once", async (t) => {
  const { server, before, converting } = await setup(t);
  const browser = new Browser();
  await browser.post(before, "/login/ann");
  const tabs = await Promise.all(Array.from({ length: 5 }, () => browser.open(converting)));
  assert.ok(tabs.some(({ user }) => user === "ann"));
  assert.equal((await server.send("JRS.LIST", "ann")).length, 1);
  assert.equal((await browser.read(converting)).user, "ann");
});

test("the application after the migration has all functions of the one before", async (t) => {
  const { after } = await setup(t);
  const browser = new Browser();
  await browser.post(after, "/cart/book");
  const attacker = browser.copy();
  await browser.post(after, "/login/ann");
  assert.deepEqual(await browser.read(after), { user: "ann", cart: ["book"] });
  assert.deepEqual(await attacker.read(after), {});
  await browser.post(after, "/logout");
  assert.deepEqual(await browser.read(after), {});
});

test("a login in the session of another user does not keep its data", async (t) => {
  const { before, between, after } = await setup(t);
  for (const [first, second] of [
    [before, between],
    [between, between],
    [after, after],
  ]) {
    const browser = new Browser();
    await browser.post(first, "/login/ann");
    await browser.post(first, "/cart/book");
    const anns = browser.copy();
    await browser.post(second, "/login/bob");
    assert.deepEqual(await browser.read(second), { user: "bob" });
    assert.deepEqual(await anns.read(second), {});
  }
});

test("the code in the guide is that of these files", async () => {
  const files = await Promise.all((await readdir(FOLDER)).map((name) => readFile(new URL(name, FOLDER), "utf8")));
  const guide = await readFile(GUIDE, "utf8");
  const blocks = [...guide.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);
  assert.ok(blocks.length > 0);
  const lines = (text) =>
    text
      .split("\n")
      .map((line) => line.trim())
      .join("\n");
  for (const block of blocks)
    assert.ok(
      files.some((file) => lines(file).includes(lines(block))),
      block,
    );
});

/** A server with both keys, and the addresses of the application at each step. */
async function setup(t) {
  const [moveKey, newKey] = [randomBytes(32).toString("base64url"), randomBytes(32).toString("base64url")];
  const newOne = { kty: "oct", alg: "HS256", kid: "2026-01", k: newKey };
  const move = { kty: "oct", alg: "HS256", kid: "move", key_ops: ["verify"], k: moveKey };
  const files = {
    "both.json": JSON.stringify({ keys: [newOne, move] }),
    "new.json": JSON.stringify({ keys: [newOne] }),
  };
  const server = await Server.start(t, { "jrs.keys-file": "{folder}/both.json" }, files);
  const client = createClient({ url: `redis://127.0.0.1:${server.port}` });
  client.on("error", () => undefined); // the server is stopped before the client
  await client.connect();
  t.after(() => client.destroy());
  const options = { client, secret: "keyboard cat", moveKey };
  const [before, between, converting, after] = await Promise.all([
    listening(t, createBefore(options)),
    listening(t, createBetween(options)),
    listening(t, createBetween({ ...options, converts: true })),
    listening(t, createAfter(options)),
  ]);
  const [, keysFile] = await server.send("CONFIG", "GET", "jrs.keys-file");
  const dropMoveKey = () => server.send("CONFIG", "SET", "jrs.keys-file", keysFile.replace("both.json", "new.json"));
  return { server, before, between, converting, after, dropMoveKey };
}

/** Keeps cookies as a browser does. Cookies of a host are sent to all its ports. */
class Browser {
  cookies = new Map();

  copy() {
    const copy = new Browser();
    copy.cookies = new Map(this.cookies);
    return copy;
  }

  async read(app) {
    return JSON.parse((await this.#request(`${app}/`)).body);
  }

  /** Opens a page, as from the address bar. */
  async open(app) {
    const { status, body } = await this.#request(`${app}/`, { headers: { "sec-fetch-mode": "navigate" } });
    return status === 303 ? this.open(app) : JSON.parse(body);
  }

  async post(app, path) {
    assert.equal((await this.#request(app + path, { method: "POST" })).status, 204);
  }

  /** Without fetch, which does not let the caller set Sec-Fetch-Mode. */
  async #request(url, { method = "GET", headers = {} } = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const [response] = await once(request(url, { method, headers: { ...headers, cookie } }).end(), "response");
    for (const line of response.headers["set-cookie"] ?? []) {
      const [, name, value] = /^([^=]*)=([^;]*)/.exec(line);
      if (value === "") this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return { status: response.statusCode, body: await text(response) };
  }
}

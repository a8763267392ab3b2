// failOpen: Redis is unavailable when a request is read, and available again before the request is answered.
import assert from "node:assert/strict";
import { test } from "node:test";

import { AUTO_SAVE, setup } from "./support/auto-save.mjs";

/** A browser with a session of ann. Requests but `GET /` and `/login` are read during an interruption of Redis. */
async function interrupted(t, options = AUTO_SAVE) {
  const { server, browser } = await setup(
    t,
    (app) => {
      app.post("/login", async (req, res) => {
        await req.session.logIn(String(req.query.owner));
        res.json({ name: req.session.name });
      });
      app.use(async (_req, _res, next) => {
        await server.send("CONFIG", "SET", "min-replicas-to-write", "0");
        next();
      });
      app.post("/change", (req, res) => {
        req.session.note = 1;
        res.json({ done: true });
      });
      app.post("/save", async (req, res) => {
        await req.session.save();
        res.json({ done: true });
      });
      app.post("/read", (req, res) => res.json({ owner: req.session.owner }));
      app.post("/logout", async (req, res) => res.json({ existed: await req.session.destroy() }));
      app.post("/null", (req, res) => {
        req.session = null;
        res.json({ done: true });
      });
      app.post("/regenerate", async (req, res) => {
        await req.session.regenerate();
        req.session.note = 1;
        res.json({ done: true });
      });
      app.post("/login-late", async (req, res) => {
        req.session.name = "Bob";
        await req.session.logIn("bob");
        res.json({ done: true });
      });
    },
    { ...options, failOpen: true },
  );
  await browser.request("POST", "/login?owner=ann");
  const cookie = browser.cookies.get("sid");
  const request = async (path) => {
    await server.send("CONFIG", "SET", "min-replicas-to-write", "1");
    return browser.request("POST", path);
  };
  return { server, browser, cookie, request };
}

test("a request that reads keeps its cookie", async (t) => {
  const { browser, cookie, request } = await interrupted(t);
  assert.deepEqual((await request("/read")).body, { owner: "" });
  assert.deepEqual([browser.lines, browser.cookies.get("sid")], [[], cookie]);
});

test("changes are not saved: a new session would replace the live one", async (t) => {
  const { server, browser, cookie, request } = await interrupted(t);
  for (const path of ["/change", "/save"]) {
    const { status, body } = await request(path);
    assert.equal(status, 500, path);
    assert.match(body.error, /NOREPLICAS/, path);
    assert.deepEqual([browser.lines, browser.cookies.get("sid")], [[], cookie], path);
    assert.equal(await server.send("DBSIZE"), 1, path);
  }
  assert.equal((await browser.request("GET", "/")).status, 200);
  assert.equal(await server.send("JRS.COUNT", "ann"), 1);
});

test("a logout destroys the session", async (t) => {
  for (const path of ["/logout", "/null"]) {
    const { server, browser, request } = await interrupted(t);
    assert.equal((await request(path)).status, 200, path);
    assert.equal(await server.send("JRS.COUNT", "ann"), 0, path);
    assert.equal(browser.cookies.size, 0, path);
  }
});

test("a logout with a token that the server refuses is not an error", async (t) => {
  const { server, browser, cookie, request } = await interrupted(t);
  browser.cookies.set("sid", `${cookie}x`);
  assert.deepEqual((await request("/logout")).body, { existed: 0 });
  assert.equal(browser.cookies.size, 0);
  assert.equal(await server.send("JRS.COUNT", "ann"), 1);
});

test("a login and regenerate destroy the session, and create another one", async (t) => {
  for (const path of ["/login-late", "/regenerate"]) {
    const { server, browser, cookie, request } = await interrupted(t);
    assert.equal((await request(path)).status, 200, path);
    assert.equal(await server.send("JRS.COUNT", "ann"), 0, path);
    assert.notEqual(browser.cookies.get("sid"), cookie, path);
    const expected = path === "/login-late" ? { name: "Bob", none: false } : { note: 1, none: false };
    assert.deepEqual((await browser.request("GET", "/")).body, expected, path);
  }
});

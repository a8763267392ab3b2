// The option cookie: when the cookie is set, renewed and cleared.
import assert from "node:assert/strict";
import { test } from "node:test";

import { setup as setupApplication } from "./support/auto-save.mjs";
import { Browser } from "./support/browser.mjs";
import { calls } from "./support/server.mjs";
import { OWN_KEY, oldLogin } from "./support/tokens.mjs";

const NAME = "__Host-session";
const ATTRIBUTES = "Path=/; HttpOnly; Secure; SameSite=Lax";
const CLEARED = [`${NAME}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; ${ATTRIBUTES}`];

/** An application that calls a method of the session for `POST /method`, with the argument in the body. */
function routes(app) {
  app.post("/user/:name", async (req, res) => {
    req.session.owner = req.params.name;
    res.json({ token: await req.session.create() });
  });
  app.post("/:method", async (req, res) => {
    const argument = req.get("x-argument");
    const result = await req.session[req.params.method](...(argument ? [JSON.parse(argument)] : []));
    res.json({ result });
  });
}

const setup = (t, { options = {}, more = () => undefined, ...others } = {}) =>
  setupApplication(
    t,
    (app, client) => {
      more(app, client);
      routes(app);
    },
    { cookie: true, ...options },
    others,
  );

/** The Set-Cookie lines of a request to the application. */
async function linesOf(browser, path, argument) {
  const headers = argument ? { "x-argument": JSON.stringify(argument) } : {};
  const { status, body } = await browser.request("POST", path, { headers });
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(browser.vary, browser.lines.length > 0 ? "Cookie" : null);
  return browser.lines;
}

test("the cookie is set with a new token, and cleared with the end of the session", async (t) => {
  const { server, browser } = await setup(t);
  await browser.request("GET", "/");
  assert.deepEqual([browser.lines, browser.vary], [[], null], "a visitor gets no cookie");
  const set = new RegExp(`^${NAME}=[\\w-]+\\.[\\w-]+\\.[\\w-]+; Max-Age=86400; ${ATTRIBUTES}$`);
  const ends = { destroy: [], destroyAll: [], regenerate: [] };
  for (const end of Object.keys(ends)) {
    const [created, ...others] = await linesOf(browser, "/user/ann");
    assert.match(created, set);
    assert.deepEqual(others, []);
    assert.deepEqual(await linesOf(browser, "/touch"), [], "a fresh token is not sent again");
    assert.deepEqual(await linesOf(browser, "/merge", { a: 1 }), []);
    assert.deepEqual(await linesOf(browser, "/destroyAll", { keepCurrent: true }), []);
    const [rotated] = await linesOf(browser, "/rotate", { reauth: true });
    assert.match(rotated, set);
    assert.notEqual(rotated, created);
    assert.deepEqual(await linesOf(browser, `/${end}`), CLEARED);
    assert.equal(browser.cookies.size, 0);
    assert.deepEqual(await linesOf(browser, `/${end === "destroyAll" ? "destroy" : end}`), [], "nothing to clear");
    assert.equal(await server.send("DBSIZE"), 0);
  }
});

test("save and logIn set the cookie, and regenerate followed by save sets another", async (t) => {
  const { browser } = await setup(t, {
    more: (app) => {
      app.post("/again", async (req, res) => {
        await req.session.regenerate();
        req.session.count = 1;
        await req.session.save();
        res.json({});
      });
      app.post("/logIn/:name", async (req, res) => res.json(await req.session.logIn(req.params.name)));
    },
  });
  const tokens = new Set();
  for (const path of ["/save", "/logIn/ann", "/logIn/ann", "/logIn/bob", "/again"]) {
    assert.equal((await linesOf(browser, path)).length, 1, path);
    tokens.add(browser.cookies.get(NAME));
  }
  assert.equal(tokens.size, 5);
  assert.deepEqual((await browser.request("GET", "/")).body, { count: 1, none: false });
});

test("a request with a token is one JRS.GET, and one without a token sends no command", async (t) => {
  const { server, browser } = await setup(t);
  await linesOf(browser, "/user/ann");
  await server.send("CONFIG", "RESETSTAT");
  for (let count = 0; count < 3; count += 1) await browser.request("GET", "/");
  await new Browser(browser.address).request("GET", "/");
  const stats = await server.send("INFO", "commandstats");
  assert.deepEqual(
    [...stats.matchAll(/^cmdstat_(jrs[^:]*):calls=(\d+)/gim)].map(([, name, count]) => [name.toLowerCase(), count]),
    [["jrs.get", "3"]],
  );
});

test("the cookie of a session that is gone stays, and destroy, regenerate and null clear it", async (t) => {
  const { server, browser } = await setup(t, {
    settings: OWN_KEY.settings,
    files: OWN_KEY.files,
    more: (app) =>
      app.post("/null", (req, res) => {
        req.session = null;
        res.json({});
      }),
  });
  const expired = await oldLogin(server, "ann", {}, 40 * 86_400);
  const endings = {
    destroyed: () => server.send("FLUSHALL"),
    expired: () => browser.cookies.set(NAME, expired),
    forged: () => browser.cookies.set(NAME, `${browser.cookies.get(NAME)}x`),
    "not a token": () => browser.cookies.set(NAME, "x"),
    "of another realm": () => server.send("CONFIG", "SET", "jrs.keyspace", "other:"),
  };
  for (const [name, end] of Object.entries(endings)) {
    await linesOf(browser, "/user/ann");
    await end();
    const old = browser.cookies.get(NAME);
    assert.deepEqual((await browser.request("GET", "/")).body, { none: false });
    assert.deepEqual([browser.lines, browser.vary], [[], null], `${name}: another request may have set a new cookie`);
    for (const path of ["/destroy", "/regenerate", "/null"]) {
      browser.cookies.set(NAME, old);
      assert.deepEqual(await linesOf(browser, path), CLEARED, `${name}: ${path}`);
      assert.equal(browser.cookies.size, 0);
      assert.deepEqual(await linesOf(browser, path), [], "nothing to clear");
    }
  }
});

test("a reused token clears the cookie, in the request and in a method", async (t) => {
  const settings = { "jrs.reuse-detection": "yes" };
  const { browser } = await setup(t, {
    settings,
    more: (app) => {
      app.post("/late/:method", async (req, res) => {
        const other = new Browser(browser.address);
        other.cookies = new Map(browser.cookies);
        await other.request("POST", "/rotate");
        res.json({ code: await req.session[req.params.method]().catch(({ code }) => code) });
      });
    },
  });
  await linesOf(browser, "/user/ann");
  const thief = browser.copy();
  await linesOf(browser, "/rotate");
  assert.deepEqual((await thief.request("GET", "/")).body, { none: false });
  assert.deepEqual(thief.lines, CLEARED);
  assert.deepEqual((await browser.request("GET", "/")).body, { none: false });
  assert.deepEqual(browser.lines, CLEARED, "the session is destroyed");

  await linesOf(browser, "/user/ann");
  assert.deepEqual((await browser.request("POST", "/late/touch")).body, { code: "TOKEN_REUSED" });
  assert.deepEqual(browser.lines, CLEARED);
});

test("the cookie stays while Redis is unavailable", async (t) => {
  const { server, browser } = await setup(t, { options: { failOpen: true, timeout: 200 } });
  await linesOf(browser, "/user/ann");
  await server.stop();
  assert.deepEqual((await browser.request("GET", "/")).body, { none: false });
  assert.deepEqual(browser.lines, []);
});

test("a token in a header sets the cookie only if it is replaced, and a dead one clears none", async (t) => {
  const { browser } = await setup(t, { options: { requestArg: "accessToken" } });
  const { token } = (await browser.request("POST", "/user/ann")).body;
  const [kept] = browser.cookies.values();
  browser.cookies.clear();
  const request = async (path, jwt) => {
    await browser.request("POST", path, { headers: { "x-access-token": jwt } });
    return browser.lines;
  };
  assert.equal(kept, token);
  assert.deepEqual(await request("/touch", token), []);
  const [line] = await request("/rotate", token);
  const next = /=([^;]*)/.exec(line)[1];
  assert.deepEqual(await request("/touch", token), [], "the old token is dead, but the cookie has another");
  assert.deepEqual(await request("/touch", next), []);
  assert.deepEqual(await request("/destroy", next), CLEARED);
});

/** A browser with the cookie of a session of `age` seconds that lives for 600 seconds. */
async function returning(t, age, options = {}, settings = {}) {
  const application = await setup(t, {
    ...options,
    settings: { ...OWN_KEY.settings, "jrs.max-age": 600, ...settings },
    files: OWN_KEY.files,
  });
  const token = await oldLogin(application.server, "ann", { name: "Ann" }, age);
  application.browser.cookies.set(NAME, token);
  return { ...application, token };
}

test("the cookie is renewed as the session slides, unless the token is young or it was just renewed", async (t) => {
  const { server, browser, token } = await returning(t, 61);
  assert.equal((await browser.request("GET", "/")).body.name, "Ann");
  assert.deepEqual(browser.lines, [`${NAME}=${token}; Max-Age=600; ${ATTRIBUTES}`]);
  assert.equal(browser.vary, "Cookie");
  assert.equal((await browser.request("GET", "/")).body.name, "Ann");
  assert.deepEqual([browser.lines, browser.vary], [[], null], "at most once in a tenth of the time to live");
  assert.equal(await calls(server, "jrs.get"), 2);
  const young = await oldLogin(server, "ann", { name: "Ann" }, 30);
  browser.cookies.set(NAME, young);
  assert.equal((await browser.request("GET", "/")).body.name, "Ann");
  assert.deepEqual(browser.lines, []);
  browser.cookies.set(NAME, token);
  const other = await linesOf(browser, "/rotate");
  assert.ok(other.length === 1 && !other[0].includes(token), "a new token replaces the old one");
});

test("without persistent, the cookie has no Max-Age and is not renewed", async (t) => {
  const { browser, token } = await returning(t, 500, { options: { cookie: { persistent: false } } });
  assert.equal((await browser.request("GET", "/")).body.name, "Ann");
  assert.deepEqual(browser.lines, []);
  const [line] = await linesOf(browser, "/rotate");
  assert.ok(line.endsWith(`; ${ATTRIBUTES}`) && !line.includes("Max-Age") && !line.includes(token));
});

test("a token that another request has replaced, or whose session has ended, is not sent again", async (t) => {
  const late = (app) =>
    app.post("/late/:command", async (req, res) => {
      const [keyspace, other] = ["sess:", new Browser(browser.address)];
      other.cookies = new Map(browser.cookies);
      if (req.params.command === "rotate") await other.request("POST", "/rotate", grace);
      else await server.send("DEL", keyspace + req.session.id);
      const code = await req.session.update().catch((error) => error.code);
      res.json({ code });
    });
  const grace = { headers: { "x-argument": '{"grace":60000}' } };
  const { server, browser, token } = await returning(t, 500, { more: late });
  assert.deepEqual((await browser.request("POST", "/late/del")).body, { code: "SESSION_ENDED" });
  assert.deepEqual(browser.lines, []);

  browser.cookies.set(NAME, await oldLogin(server, "ann", { name: "Ann" }, 500));
  await browser.copy().request("POST", "/rotate", grace);
  assert.equal((await browser.request("GET", "/")).body.name, "Ann");
  assert.deepEqual(browser.lines, [], "the browser may already have the next token");
  assert.notEqual(browser.cookies.get(NAME), token);
});

test("Max-Age is the time to live of the session: its own, or that of the realm", async (t) => {
  const settings = { "jrs.max-age": 7200, "jrs.anonymous-max-age": 600 };
  const { server, browser } = await setup(t, { settings });
  const maxAge = async (path, argument) => Number(/Max-Age=(\d+)/.exec((await linesOf(browser, path, argument))[0])[1]);
  assert.equal(await maxAge("/create"), 600);
  assert.equal(await maxAge("/rotate"), 600);
  assert.equal(await maxAge("/user/ann"), 7200);
  browser.cookies.set(NAME, await server.send("JRS.CREATE", "ann", "{}", "EX", "100"));
  assert.equal(await maxAge("/rotate"), 100);
  assert.equal(await calls(server, "jrs.realms"), 1, "the realm is requested once");
});

test("the cookie of a session that lives longer is kept for 400 days", async (t) => {
  const { browser } = await setup(t, { settings: { "jrs.max-age": 40_000_000, "jrs.max-lifetime": 0 } });
  assert.match((await linesOf(browser, "/user/ann"))[0], /; Max-Age=34560000;/);
});

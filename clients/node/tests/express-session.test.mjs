// Packages for express-session, used as in their documentation.
import assert from "node:assert/strict";
import { test } from "node:test";
import flash from "connect-flash";
import { csrfSync } from "csrf-sync";
import express5 from "express";
import express4 from "express-4";
import { jrsSession } from "jrs-session";
import { Passport } from "passport";
import { Strategy } from "passport-local";

import { Browser, listening } from "./support/browser.mjs";
import { STANDALONE } from "./support/clients.mjs";
import { Server } from "./support/server.mjs";

const VERSIONS = { "Express 4": express4, "Express 5": express5 };
const AUTO_SAVE = { cookie: true, autoSave: true };

/** Express with jrsSession, and with what `build` adds. */
async function setup(t, express, build, options = AUTO_SAVE) {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const app = express();
  app.use(express.json(), jrsSession({ client, ...options }));
  build(app);
  app.use((error, _req, res, _next) => res.status(error.status ?? 500).json({ error: error.code ?? error.message }));
  return { server, browser: new Browser(await listening(t, app)) };
}

/** Passport 0.7 with passport-local. */
function passportApplication({ setCookie = (res, token) => res.json({ token }), keepSessionInfo } = {}) {
  return (app) => {
    const passport = new Passport();
    passport.use(new Strategy((name, password, done) => done(null, password === "right" && { name })));
    passport.serializeUser((req, user, done) => {
      req.session.owner = user.name; // for sessions() and destroyAll()
      done(null, user.name);
    });
    passport.deserializeUser((name, done) => done(null, { name }));
    app.use(passport.session());
    app.post("/login", passport.authenticate("local", { keepSessionInfo }), (req, res) =>
      setCookie(res, req.session.jwt),
    );
    app.post("/logout", (req, res, next) =>
      req.logout({ keepSessionInfo }, (error) => (error ? next(error) : res.json({}))),
    );
    app.post("/cart/:item", (req, res) => {
      req.session.cart = [...(req.session.cart ?? []), req.params.item];
      res.json({});
    });
    app.get("/", (req, res) => {
      res.json({ user: req.user?.name ?? null, owner: req.session.owner, cart: req.session.cart ?? [] });
    });
    app.post("/set/:field", (req, res) => {
      req.session[req.params.field] = true;
      res.json({});
    });
    app.get("/fields", (req, res) => {
      const { claims, ...fields } = req.session.toJSON();
      res.json(Object.keys(fields).sort());
    });
    app.get("/devices", async (req, res) => res.json((await req.session.sessions()).map(({ current }) => current)));
    return passport;
  };
}

const ANN = { body: { username: "ann", password: "right" } };
const ANONYMOUS = { user: null, owner: "", cart: [] };

for (const [name, express] of Object.entries(VERSIONS)) {
  test(`${name}: Passport logs in and out, with autoSave`, async (t) => {
    const { server, browser } = await setup(t, express, passportApplication());
    assert.equal(
      (await browser.request("POST", "/login", { body: { username: "ann", password: "wrong" } })).status,
      401,
    );
    assert.equal(browser.cookies.size, 0);
    await browser.request("POST", "/cart/book");
    const attacker = browser.copy();
    assert.equal((await browser.request("POST", "/login", ANN)).status, 200);
    assert.deepEqual((await browser.request("GET", "/")).body, { user: "ann", owner: "ann", cart: [] });
    assert.deepEqual(
      (await attacker.request("GET", "/")).body,
      ANONYMOUS,
      "a session that an attacker has planted does not exist any more",
    );
    await browser.request("POST", "/cart/pen");
    assert.deepEqual((await browser.request("GET", "/devices")).body, [true]);

    const old = browser.copy();
    assert.equal((await browser.request("POST", "/logout")).status, 200);
    assert.equal(browser.cookies.size, 0);
    assert.deepEqual((await browser.request("GET", "/")).body, ANONYMOUS);
    assert.deepEqual((await old.request("GET", "/")).body, ANONYMOUS);
    assert.equal(await server.send("DBSIZE"), 0, "a logout leaves no session");
    assert.equal((await browser.request("POST", "/logout")).status, 200, "a second logout is not an error");
    assert.equal(await server.send("DBSIZE"), 0);
  });

  test(`${name}: keepSessionInfo of Passport keeps the fields, not the token`, async (t) => {
    const { server, browser } = await setup(t, express, passportApplication({ keepSessionInfo: true }));
    await browser.request("POST", "/cart/book");
    const attacker = browser.copy();
    await browser.request("POST", "/login", ANN);
    assert.deepEqual((await browser.request("GET", "/")).body, { user: "ann", owner: "ann", cart: ["book"] });
    assert.deepEqual((await attacker.request("GET", "/")).body, ANONYMOUS);
    await browser.request("POST", "/logout");
    assert.deepEqual((await browser.request("GET", "/")).body, { ...ANONYMOUS, cart: ["book"] });
    assert.equal(await server.send("DBSIZE"), 1);
  });

  test(`${name}: Passport without autoSave, where the application sets the cookie`, async (t) => {
    const setCookie = (res, token) => res.cookie("sid", token, { httpOnly: true }).json({});
    const { browser } = await setup(t, express, passportApplication({ setCookie }), { cookie: "sid" });
    await browser.request("POST", "/login", ANN);
    assert.equal(browser.lines.length, 1);
    assert.deepEqual((await browser.request("GET", "/")).body, { user: "ann", owner: "ann", cart: [] });
    assert.equal((await browser.request("POST", "/logout")).status, 200);
    assert.deepEqual((await browser.request("GET", "/")).body, ANONYMOUS);
  });

  test(`${name}: Passport in the cookie mode without autoSave`, async (t) => {
    const { server, browser } = await setup(t, express, passportApplication(), { cookie: true });
    const attacker = browser.copy();
    await browser.request("POST", "/login", ANN);
    assert.match(browser.lines[0], /^__Host-session=/);
    assert.deepEqual((await browser.request("GET", "/")).body, { user: "ann", owner: "ann", cart: [] });
    assert.deepEqual((await attacker.request("GET", "/")).body, ANONYMOUS);
    assert.equal((await browser.request("POST", "/logout")).status, 200);
    assert.equal(browser.cookies.size, 0);
    assert.equal(await server.send("DBSIZE"), 0);
  });

  test(`${name}: a login with Passport while other requests run loses nothing of them`, async (t) => {
    const { browser } = await setup(t, express, passportApplication());
    await browser.request("POST", "/login", ANN);
    const items = Array.from({ length: 8 }, (_, at) => `field${at}`);
    await Promise.all(items.map((item) => browser.copy().request("POST", `/set/${item}`)));
    const { body } = await browser.request("GET", "/fields");
    assert.deepEqual(body, [...items, "passport"].sort());
    assert.deepEqual((await browser.request("GET", "/")).body, { user: "ann", owner: "ann", cart: [] });
  });

  test(`${name}: Passport, connect-flash and csrf-sync together, with a page that redirects`, async (t) => {
    const { server, browser } = await setup(t, express, (app) => {
      const { csrfSynchronisedProtection, generateToken } = csrfSync();
      app.use(flash(), csrfSynchronisedProtection);
      app.get("/form", (req, res) => res.json({ csrf: generateToken(req), messages: req.flash("error") }));
      const passport = passportApplication()(app);
      const ways = { failureRedirect: "/form", failureFlash: "wrong password", successRedirect: "/" };
      app.post("/enter", passport.authenticate("local", ways));
    });
    const { csrf } = (await browser.request("GET", "/form")).body;
    const headers = { "x-csrf-token": csrf };
    const wrong = { body: { username: "ann", password: "wrong" } };
    assert.equal((await browser.request("POST", "/enter", wrong)).status, 403);
    assert.equal((await browser.request("POST", "/enter", { ...wrong, headers })).status, 302);
    assert.deepEqual((await browser.request("GET", "/form")).body, { csrf, messages: ["wrong password"] });
    assert.deepEqual((await browser.request("GET", "/form")).body, { csrf, messages: [] });
    const guest = browser.copy();
    assert.equal((await browser.request("POST", "/enter", { ...ANN, headers })).status, 302);
    assert.deepEqual((await browser.request("GET", "/")).body, { user: "ann", owner: "ann", cart: [] });
    assert.deepEqual((await guest.request("GET", "/")).body, ANONYMOUS, "the token from before the login is dead");
    assert.equal((await browser.request("POST", "/cart/book", { headers })).status, 403, "a login ends the CSRF token");
    const next = { "x-csrf-token": (await browser.request("GET", "/form")).body.csrf };
    assert.equal((await browser.request("POST", "/cart/book", { headers: next })).status, 200);
    assert.equal(await server.send("DBSIZE"), 1);
  });

  test(`${name}: connect-flash shows a message once, also without a login`, async (t) => {
    const { browser } = await setup(t, express, (app) => {
      app.use(flash());
      app.post("/", (req, res) => {
        req.flash("info", "it is done");
        res.redirect("/");
      });
      app.get("/", (req, res) => res.json(req.flash("info")));
    });
    assert.equal((await browser.request("POST", "/")).status, 302);
    assert.deepEqual((await browser.request("GET", "/")).body, ["it is done"]);
    assert.deepEqual((await browser.request("GET", "/")).body, []);
    await browser.request("POST", "/");
    await browser.request("POST", "/");
    assert.deepEqual((await browser.request("GET", "/")).body, ["it is done", "it is done"]);
  });

  test(`${name}: csrf-sync accepts its token in the next request`, async (t) => {
    const { browser } = await setup(t, express, (app) => {
      const { csrfSynchronisedProtection, generateToken } = csrfSync();
      app.use(csrfSynchronisedProtection);
      app.get("/form", (req, res) => res.json({ csrf: generateToken(req) }));
      app.post("/form", (_req, res) => res.json({ accepted: true }));
    });
    assert.deepEqual(await browser.request("POST", "/form"), { status: 403, body: { error: "EBADCSRFTOKEN" } });
    const { csrf } = (await browser.request("GET", "/form")).body;
    const headers = { "x-csrf-token": csrf };
    assert.deepEqual((await browser.request("POST", "/form", { headers })).body, { accepted: true });
    assert.equal((await browser.request("GET", "/form")).body.csrf, csrf);
    const stranger = browser.copy();
    stranger.cookies.clear();
    assert.equal((await stranger.request("POST", "/form", { headers })).status, 403);
    assert.equal((await browser.request("POST", "/form", { headers: { "x-csrf-token": `${csrf}x` } })).status, 403);
  });
}

test("regenerate destroys the session, and save stores the next one", async (t) => {
  const seen = {};
  const { server, browser } = await setup(t, express5, (app) => {
    app.post("/begin", async (req, res) => {
      Object.assign(req.session, { owner: "ann", note: "mine" });
      res.json({ token: await req.session.save() });
    });
    app.post("/again", (req, res, next) => {
      const before = req.session;
      before.regenerate((error) => {
        if (error) return next(error);
        const { session } = req;
        Object.assign(seen, {
          other: session !== before,
          keys: Object.keys(session),
          owner: session.owner,
          note: before.note,
        });
        Object.assign(seen, { named: ["id", "claims", "jwt"].some((name) => name in before) });
        session.count = 1;
        session.save((error) => (error ? next(error) : res.json({ token: session.jwt })));
      });
    });
    app.get("/", (req, res) =>
      res.json({ note: req.session.note, count: req.session.count, owner: req.session.owner }),
    );
  });
  const { token: first } = (await browser.request("POST", "/begin")).body;
  const { token: second } = (await browser.request("POST", "/again")).body;
  assert.deepEqual(seen, { other: true, keys: [], owner: "", note: "mine", named: false });
  assert.notEqual(first, second);
  assert.deepEqual((await browser.request("GET", "/")).body, { count: 1, owner: "" });
  assert.equal(await server.send("DBSIZE"), 1);
});

// Packages that were made for express-session, as their own documentation uses them.
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
const AUTO_SAVE = { cookie: "sid", requestArg: false, autoSave: true };

/** Express with jrsSession, and what a test adds. */
async function started(t, express, build, options = AUTO_SAVE) {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const app = express();
  app.use(express.json(), jrsSession({ client, ...options }));
  build(app);
  app.use((error, req, res, next) => res.status(error.status ?? 500).json({ error: error.code ?? error.message }));
  return { server, browser: new Browser(await listening(t, app)) };
}

/** Passport 0.7 with passport-local. */
function passportApplication({ handOut = (res, token) => res.json({ token }), keepSessionInfo } = {}) {
  return (app) => {
    const passport = new Passport();
    passport.use(new Strategy((name, password, done) => done(null, password === "right" && { name })));
    passport.serializeUser((req, user, done) => {
      req.session.owner = user.name; // so that sessions() and destroyAll() know whose it is
      done(null, user.name);
    });
    passport.deserializeUser((name, done) => done(null, { name }));
    app.use(passport.session());
    app.post("/login", passport.authenticate("local", { keepSessionInfo }), (req, res) => handOut(res, req.session.jwt));
    app.post("/logout", (req, res, next) => req.logout({ keepSessionInfo }, (error) => (error ? next(error) : res.json({}))));
    app.post("/cart/:item", (req, res) => {
      req.session.cart = [...(req.session.cart ?? []), req.params.item];
      res.json({});
    });
    app.get("/", (req, res) => {
      res.json({ user: req.user?.name ?? null, owner: req.session.owner, cart: req.session.cart ?? [] });
    });
    app.get("/devices", async (req, res) => res.json((await req.session.sessions()).map(({ current }) => current)));
  };
}

const ANN = { body: { username: "ann", password: "right" } };
const NOBODY = { user: null, owner: "", cart: [] };

for (const [name, express] of Object.entries(VERSIONS)) {
  test(`${name}: Passport logs in and out, with autoSave`, async (t) => {
    const { server, browser } = await started(t, express, passportApplication());
    assert.equal((await browser.ask("POST", "/login", { body: { username: "ann", password: "wrong" } })).status, 401);
    assert.equal(browser.cookies.size, 0);
    await browser.ask("POST", "/cart/book");
    const attacker = browser.copy();
    assert.equal((await browser.ask("POST", "/login", ANN)).status, 200);
    assert.deepEqual((await browser.ask("GET", "/")).body, { user: "ann", owner: "ann", cart: [] });
    assert.deepEqual((await attacker.ask("GET", "/")).body, NOBODY, "a session that somebody has planted is gone");
    await browser.ask("POST", "/cart/pen");
    assert.deepEqual((await browser.ask("GET", "/devices")).body, [true]);

    const old = browser.copy();
    assert.equal((await browser.ask("POST", "/logout")).status, 200);
    assert.equal(browser.cookies.size, 0);
    assert.deepEqual((await browser.ask("GET", "/")).body, NOBODY);
    assert.deepEqual((await old.ask("GET", "/")).body, NOBODY);
    assert.equal(await server.send("DBSIZE"), 0, "a logout leaves nothing");
    assert.equal((await browser.ask("POST", "/logout")).status, 200, "nor is a second one an error");
    assert.equal(await server.send("DBSIZE"), 0);
  });

  test(`${name}: Passport's keepSessionInfo keeps the fields, not the token`, async (t) => {
    const { server, browser } = await started(t, express, passportApplication({ keepSessionInfo: true }));
    await browser.ask("POST", "/cart/book");
    const attacker = browser.copy();
    await browser.ask("POST", "/login", ANN);
    assert.deepEqual((await browser.ask("GET", "/")).body, { user: "ann", owner: "ann", cart: ["book"] });
    assert.deepEqual((await attacker.ask("GET", "/")).body, NOBODY);
    await browser.ask("POST", "/logout");
    assert.deepEqual((await browser.ask("GET", "/")).body, { ...NOBODY, cart: ["book"] });
    assert.equal(await server.send("DBSIZE"), 1);
  });

  test(`${name}: Passport without autoSave, where the application sets the cookie`, async (t) => {
    const handOut = (res, token) => res.cookie("sid", token, { httpOnly: true }).json({});
    const options = { cookie: "sid", requestArg: false };
    const { browser } = await started(t, express, passportApplication({ handOut }), options);
    await browser.ask("POST", "/login", ANN);
    assert.deepEqual((await browser.ask("GET", "/")).body, { user: "ann", owner: "ann", cart: [] });
    assert.equal((await browser.ask("POST", "/logout")).status, 200);
    assert.deepEqual((await browser.ask("GET", "/")).body, NOBODY);
  });

  test(`${name}: connect-flash shows a message once, also to a guest`, async (t) => {
    const { browser } = await started(t, express, (app) => {
      app.use(flash());
      app.post("/", (req, res) => {
        req.flash("info", "it is done");
        res.redirect("/");
      });
      app.get("/", (req, res) => res.json(req.flash("info")));
    });
    assert.equal((await browser.ask("POST", "/")).status, 302);
    assert.deepEqual((await browser.ask("GET", "/")).body, ["it is done"]);
    assert.deepEqual((await browser.ask("GET", "/")).body, []);
    await browser.ask("POST", "/");
    await browser.ask("POST", "/");
    assert.deepEqual((await browser.ask("GET", "/")).body, ["it is done", "it is done"]);
  });

  test(`${name}: csrf-sync finds its token again`, async (t) => {
    const { browser } = await started(t, express, (app) => {
      const { csrfSynchronisedProtection, generateToken } = csrfSync();
      app.use(csrfSynchronisedProtection);
      app.get("/form", (req, res) => res.json({ csrf: generateToken(req) }));
      app.post("/form", (req, res) => res.json({ accepted: true }));
    });
    assert.deepEqual(await browser.ask("POST", "/form"), { status: 403, body: { error: "EBADCSRFTOKEN" } });
    const { csrf } = (await browser.ask("GET", "/form")).body;
    const headers = { "x-csrf-token": csrf };
    assert.deepEqual((await browser.ask("POST", "/form", { headers })).body, { accepted: true });
    assert.equal((await browser.ask("GET", "/form")).body.csrf, csrf);
    const stranger = browser.copy();
    stranger.cookies.clear();
    assert.equal((await stranger.ask("POST", "/form", { headers })).status, 403);
    assert.equal((await browser.ask("POST", "/form", { headers: { "x-csrf-token": `${csrf}x` } })).status, 403);
  });
}

test("regenerate ends the session, and save stores the next one", async (t) => {
  const seen = {};
  const { server, browser } = await started(t, express5, (app) => {
    app.post("/begin", async (req, res) => {
      Object.assign(req.session, { owner: "ann", note: "mine" });
      res.json({ token: await req.session.save() });
    });
    app.post("/again", (req, res, next) => {
      const before = req.session;
      before.regenerate((error) => {
        if (error) return next(error);
        const { session } = req;
        Object.assign(seen, { other: session !== before, keys: Object.keys(session), owner: session.owner, note: before.note });
        Object.assign(seen, { named: ["id", "claims", "jwt"].some((name) => name in before) });
        session.count = 1;
        session.save((error) => (error ? next(error) : res.json({ token: session.jwt })));
      });
    });
    app.get("/", (req, res) => res.json({ note: req.session.note, count: req.session.count, owner: req.session.owner }));
  });
  const { token: first } = (await browser.ask("POST", "/begin")).body;
  const { token: second } = (await browser.ask("POST", "/again")).body;
  assert.deepEqual(seen, { other: true, keys: [], owner: "", note: "mine", named: false });
  assert.notEqual(first, second);
  assert.deepEqual((await browser.ask("GET", "/")).body, { count: 1, owner: "" });
  assert.equal(await server.send("DBSIZE"), 1);
});

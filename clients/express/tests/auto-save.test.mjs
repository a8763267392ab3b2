// The option autoSave: when fields are written, what becomes of the cookie, and what fails.
import assert from "node:assert/strict";
import { test } from "node:test";
import express from "express";
import { jrsSession } from "jrs-session";

import { Browser, listening } from "./support/browser.mjs";
import { STANDALONE } from "./support/clients.mjs";
import { until } from "./support/patience.mjs";
import { Server } from "./support/server.mjs";

const AUTO_SAVE = { cookie: "sid", requestArg: false, autoSave: true };

async function started(t, routes, options = AUTO_SAVE, before = () => undefined) {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const app = express();
  before(app);
  app.use(jrsSession({ client, timeout: 1000, ...options }));
  app.get("/", (req, res) => res.json({ ...req.session?.toJSON(), claims: undefined, jwt: undefined, none: req.session === null }));
  routes(app, client);
  app.use((error, req, res, next) => (res.headersSent ? next(error) : res.status(500).json({ error: error.code ?? error.message })));
  return { server, client, browser: new Browser(await listening(t, app)) };
}

/** How often a command was sent so far. */
async function calls(server, command) {
  return Number(new RegExp(`${command}:calls=(\\d+)`, "i").exec(await server.send("INFO", "commandstats"))?.[1] ?? 0);
}

test("what was changed is written, what was not is not", async (t) => {
  const { server, browser } = await started(t, (app) => {
    app.post("/set/:value", (req, res) => {
      req.session.deep = { ...req.session.deep, value: req.params.value };
      res.json({});
    });
    app.post("/inside", (req, res) => {
      req.session.deep.list = [1];
      res.write("a");
      res.end("b");
    });
    app.post("/remove", (req, res) => {
      delete req.session.deep;
      res.sendStatus(204);
    });
    app.post("/merge", async (req, res) => {
      await req.session.merge({ other: 1 });
      res.json({});
    });
  });
  await browser.ask("GET", "/");
  assert.deepEqual([browser.cookies.size, await server.send("DBSIZE")], [0, 0], "nothing is stored for a visitor");
  await browser.ask("POST", "/set/a");
  const cookie = browser.cookies.get("sid");
  assert.match(browser.lines[0], /^sid=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/);
  assert.deepEqual((await browser.ask("GET", "/")).body, { deep: { value: "a" }, none: false });
  assert.equal((await browser.ask("POST", "/inside")).body, "ab");
  assert.deepEqual((await browser.ask("GET", "/")).body.deep, { value: "a", list: [1] });
  const updates = await calls(server, "jrs.update");
  await browser.ask("POST", "/merge");
  await browser.ask("GET", "/");
  assert.equal((await calls(server, "jrs.update")) - updates, 1, "the merge alone");
  await browser.ask("POST", "/remove");
  assert.deepEqual((await browser.ask("GET", "/")).body, { other: 1, none: false });
  assert.equal(browser.cookies.get("sid"), cookie);
  assert.deepEqual(browser.lines, [], "the same token is not set again");
});

test("a new token is put into the cookie, and one of an ended session is taken away", async (t) => {
  const { server, browser } = await started(
    t,
    (app) => {
      app.post("/login", async (req, res) => {
        req.session.owner = "ann";
        await (req.session.id ? req.session.rotate() : req.session.create());
        res.json({});
      });
      app.post("/logout", async (req, res) => {
        await req.session.destroy();
        req.session.note = "is not written any more";
        res.json({});
      });
      app.post("/null", (req, res) => {
        req.session = null;
        res.json({ none: req.session === null });
      });
      app.post("/delete", (req, res) => {
        delete req.session;
        res.json({});
      });
      app.post("/own", async (req, res) => {
        res.cookie("sid", await req.session.create(), { maxAge: 1000 }).json({});
      });
    },
    { ...AUTO_SAVE, cookieOptions: { sameSite: "strict", maxAge: 60_000, secure: true } },
  );
  for (const end of ["/logout", "/null", "/delete"]) {
    await browser.ask("POST", "/login");
    const first = browser.copy();
    assert.match(browser.lines[0], /^sid=[^;]+; Max-Age=60; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Strict$/);
    await browser.ask("POST", "/login");
    assert.notEqual(browser.cookies.get("sid"), first.cookies.get("sid"));
    assert.deepEqual((await first.ask("GET", "/")).body, { none: false });
    assert.equal((await server.send("JRS.LIST", "ann")).length, 1);
    await browser.ask("POST", end);
    assert.equal(browser.cookies.size, 0, end);
    assert.equal(await server.send("DBSIZE"), 0, end);
    assert.equal((await browser.ask("POST", end)).status, 200, "twice is no error");
    assert.deepEqual(browser.lines, []);
  }
  await browser.ask("POST", "/own");
  assert.equal(browser.lines.length, 1, "a cookie that the application sets is its own business");
});

test("what cannot be written fails the request, which has not been answered yet", async (t) => {
  const { server, browser } = await started(t, (app) => {
    app.post("/set/:name", (req, res) => {
      req.session[req.params.name] = "x".repeat(200);
      res.json({ done: true });
    });
    app.post("/owner", (req, res) => {
      req.session.owner = "bob";
      res.json({ done: true });
    });
    app.post("/stream", (req, res) => {
      req.session.late = 1;
      res.write("a");
      res.end("b");
    });
  });
  await assert.rejects(browser.ask("POST", "/stream"), TypeError, "a new session after the headers: the connection is cut");
  assert.equal(await server.send("DBSIZE"), 0);
  await browser.ask("POST", "/set/a");
  for (const name of ["id", "touch"]) {
    assert.deepEqual(await browser.ask("POST", `/set/${name}`), { status: 500, body: { error: "RESERVED_NAME" } });
  }
  assert.deepEqual(await browser.ask("POST", "/owner"), { status: 500, body: { error: "OWNER_CHANGED" } });
  await server.send("CONFIG", "SET", "jrs.max-data-size", "300");
  const { status, body } = await browser.ask("POST", "/set/b");
  assert.equal(status, 500);
  assert.match(body.error, /TOOBIG/);
  assert.deepEqual(Object.keys((await browser.ask("GET", "/")).body), ["a", "none"]);
});

test("a session that has ended meanwhile is not brought back, and that is no failure", async (t) => {
  const { server, browser } = await started(t, (app) => {
    app.post("/", async (req, res) => {
      req.session.count = (req.session.count ?? 0) + 1;
      if (req.query.end) await server.send("FLUSHALL");
      res.json({});
    });
  });
  await browser.ask("POST", "/");
  assert.equal((await browser.ask("POST", "/?end=1")).status, 200);
  assert.equal(browser.cookies.size, 1, "another request may have set the cookie anew");
  assert.equal(await server.send("DBSIZE"), 0);
});

test("without autoSave, null cannot be assigned: it would end nothing", async (t) => {
  const { server, browser } = await started(
    t,
    (app) => {
      app.post("/", async (req, res) => {
        req.session.note = 1;
        res.cookie("sid", await req.session.create()).json({});
      });
      app.post("/null", (req, res) => {
        req.session = req.query.undefined ? undefined : null;
        res.json({});
      });
      app.post("/own", (req, res) => {
        req.session = { mine: true };
        res.json(req.session);
      });
    },
    { cookie: "sid" },
  );
  await browser.ask("POST", "/");
  for (const query of ["", "?undefined=1"]) {
    const { status, body } = await browser.ask("POST", `/null${query}`);
    assert.equal(status, 500);
    assert.match(body.error, /destroy\(\)/);
  }
  assert.equal(await server.send("DBSIZE"), 1);
  assert.deepEqual((await browser.ask("POST", "/own")).body, { mine: true }, "anything else is the application's business");
});

test("without autoSave, a change that nobody has written is told once", async (t) => {
  const warnings = [];
  const listener = (warning) => warning.code === "JRS_UNSAVED" && warnings.push(warning.message);
  process.on("warning", listener);
  t.after(() => process.off("warning", listener));
  const { browser } = await started(
    t,
    (app) => {
      app.post("/saved", async (req, res) => {
        req.session.first = 1;
        res.cookie("sid", await req.session.create()).json({});
      });
      app.post("/lost", (req, res) => {
        req.session.flash = { info: ["it is done"] };
        res.json({});
      });
    },
    { cookie: "sid" },
  );
  await browser.ask("GET", "/");
  await browser.ask("POST", "/saved");
  await browser.ask("GET", "/");
  assert.deepEqual(warnings, []);
  await browser.ask("POST", "/lost");
  await browser.ask("POST", "/lost");
  await until("the warning", () => warnings.length > 0);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /'flash'.*save\(\).*autoSave/);
  assert.ok(!warnings[0].includes("it is done"));
});

test("a second middleware of the same sessions leaves them as they are", async (t) => {
  for (const options of [AUTO_SAVE, { cookie: "sid" }]) {
    const { browser } = await started(
      t,
      (app, client) => {
        const mounted = express();
        mounted.use(jrsSession({ client, ...options }));
        mounted.post("/", async (req, res) => {
          req.session.inner = 1;
          res.cookie("sid", await req.session.save()).json({ outer: req.session.outer, inner: req.session.inner });
        });
        app.use("/mounted", (req, res, next) => {
          req.session.outer = "not written yet";
          next();
        });
        app.use("/mounted", mounted);
      },
      options,
    );
    assert.deepEqual((await browser.ask("POST", "/mounted")).body, { outer: "not written yet", inner: 1 });
    assert.deepEqual((await browser.ask("GET", "/")).body, { outer: "not written yet", inner: 1, none: false });
  }
});

test("one of other sessions, or of another client, has its own", async (t) => {
  const server = await Server.start(t);
  const [one, other] = [await STANDALONE["redis 5"](server.port), await STANDALONE["redis 5"](server.port)];
  t.after(one.close);
  t.after(other.close);
  const through = (request, options) =>
    new Promise((resolve) => jrsSession({ client: one.client, ...options })(request, {}, () => resolve(request.session)));
  const request = { headers: {} };
  const first = await through(request, {});
  first.note = 1;
  assert.equal(await through(request, { failOpen: true, timeout: 1 }), first);
  for (const options of [{ client: other.client }, { realm: "other" }, { cookie: "sid" }, { bearer: true }, { requestArg: "t" }]) {
    assert.notEqual(await through(request, options), first);
    await through(request, {});
  }
  await through(request, { requestKey: "second" });
  assert.notEqual(request.second, request.session);
  const own = (request.session = { mine: true });
  assert.notEqual(await through(request, {}), own, "what the application has put there is no session");
});

test("a token that no cookie holds is an error, not a cookie that the browser drops", async (t) => {
  const { server, browser } = await started(t, (app) => {
    app.post("/create/:length", async (req, res) => {
      await req.session.create({ note: "x".repeat(Number(req.params.length)) });
      res.json({ length: req.session.jwt.length });
    });
    app.post("/rotate/:length", async (req, res) => {
      await req.session.rotate({ claims: { note: "x".repeat(Number(req.params.length)) } });
      res.json({ length: req.session.jwt.length });
    });
  });
  const refused = { status: 500, body: { error: "COOKIE_TOO_LARGE" } };
  assert.deepEqual(await browser.ask("POST", "/create/4000"), refused);
  assert.equal(await server.send("DBSIZE"), 0);
  const { length } = (await browser.ask("POST", "/create/2000")).body;
  assert.ok(length < 4093);
  assert.deepEqual(await browser.ask("POST", "/rotate/4000"), refused);
  assert.equal(await server.send("DBSIZE"), 0);
});

test("a token that can come in a header, too, may be longer", async (t) => {
  const server = await Server.start(t);
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const through = (options) => {
    const request = { headers: {} };
    return new Promise((resolve) => jrsSession({ client, ...options })(request, {}, () => resolve(request.session)));
  };
  const claims = { note: "x".repeat(4000) };
  for (const options of [{}, { cookie: "sid" }, { cookie: "sid", requestArg: false, bearer: true }]) {
    assert.ok((await (await through(options)).create(claims)).length > 4096);
  }
  const session = await through({ cookie: "sid", requestArg: false });
  await assert.rejects(session.create(claims), { code: "COOKIE_TOO_LARGE", message: /4093/ });
  assert.equal(session.id, undefined);
});

test("autoSave has to have a cookie, and a response that can set one", async () => {
  const client = { sendCommand: () => Promise.reject(new Error("not this one")) };
  assert.throws(() => jrsSession({ client, autoSave: true }), { name: "TypeError", message: /'autoSave' needs 'cookie'/ });
  const lonely = { client, cookie: "sid", cookieOptions: {} };
  assert.throws(() => jrsSession(lonely), { name: "TypeError", message: /'cookieOptions' belongs to 'autoSave'/ });
  for (const wrong of [{ autoSave: "yes" }, { autoSave: true, cookieOptions: "x" }, { autoSave: true, cookieOptions: null }]) {
    assert.throws(() => jrsSession({ client, cookie: "sid", ...wrong }), TypeError);
  }
  const middleware = jrsSession({ client, ...AUTO_SAVE });
  const error = await new Promise((resolve) => middleware({ headers: {} }, { end() {} }, resolve));
  assert.match(error.message, /res\.cookie/);
  assert.equal(await new Promise((resolve) => middleware({ headers: {} }, {}, resolve)), undefined, "no response at all");
});

// The option autoSave: which fields are saved, what happens to the cookie, and which errors there are.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jrsSession } from "jrs-session";

import { AUTO_SAVE, setup } from "./support/auto-save.mjs";
import { calls } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

test("changed fields are saved, and only they", async (t) => {
  const { server, browser } = await setup(t, (app) => {
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
  await browser.request("GET", "/");
  assert.deepEqual(
    [browser.cookies.size, await server.send("DBSIZE")],
    [0, 0],
    "a visitor without fields gets no session",
  );
  await browser.request("POST", "/set/a");
  const cookie = browser.cookies.get("sid");
  assert.match(browser.lines[0], /^sid=[^;]+; Max-Age=86400; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  assert.deepEqual((await browser.request("GET", "/")).body, { deep: { value: "a" }, none: false });
  assert.equal((await browser.request("POST", "/inside")).body, "ab");
  assert.deepEqual((await browser.request("GET", "/")).body.deep, { value: "a", list: [1] });
  const updates = await calls(server, "jrs.update");
  await browser.request("POST", "/merge");
  await browser.request("GET", "/");
  assert.equal((await calls(server, "jrs.update")) - updates, 1, "only the merge");
  await browser.request("POST", "/remove");
  assert.deepEqual((await browser.request("GET", "/")).body, { other: 1, none: false });
  assert.equal(browser.cookies.get("sid"), cookie);
  assert.deepEqual(browser.lines, [], "the same token is not set again");
});

test("a new token is set as a cookie, and the cookie of a destroyed session is cleared", async (t) => {
  const { server, browser } = await setup(
    t,
    (app) => {
      app.post("/login", async (req, res) => {
        req.session.owner = "ann";
        await (req.session.id ? req.session.rotate() : req.session.create());
        res.json({});
      });
      app.post("/logout", async (req, res) => {
        await req.session.destroy();
        req.session.note = "is not saved";
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
    { ...AUTO_SAVE, cookie: { name: "sid", sameSite: "strict" } },
  );
  for (const end of ["/logout", "/null", "/delete"]) {
    await browser.request("POST", "/login");
    const first = browser.copy();
    assert.match(browser.lines[0], /^sid=[^;]+; Max-Age=86400; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
    await browser.request("POST", "/login");
    assert.notEqual(browser.cookies.get("sid"), first.cookies.get("sid"));
    assert.deepEqual((await first.request("GET", "/")).body, { none: false });
    assert.equal((await server.send("JRS.LIST", "ann")).length, 1);
    await browser.request("POST", end);
    assert.equal(browser.cookies.size, 0, end);
    assert.equal(await server.send("DBSIZE"), 0, end);
    assert.equal((await browser.request("POST", end)).status, 200, "the second time is not an error");
    assert.deepEqual(browser.lines, []);
  }
  await browser.request("POST", "/own");
  assert.equal(browser.lines.length, 1, "a cookie that the application sets is not set again");
});

test("a session that cannot be saved fails the request before it is answered", async (t) => {
  const { server, browser } = await setup(t, (app) => {
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
  await assert.rejects(
    browser.request("POST", "/stream"),
    TypeError,
    "a new session after the headers: the connection is closed",
  );
  assert.equal(await server.send("DBSIZE"), 0);
  await browser.request("POST", "/set/a");
  for (const name of ["id", "touch"]) {
    assert.deepEqual(await browser.request("POST", `/set/${name}`), { status: 500, body: { error: "RESERVED_NAME" } });
  }
  assert.deepEqual(await browser.request("POST", "/owner"), { status: 500, body: { error: "OWNER_CHANGED" } });
  await server.send("CONFIG", "SET", "jrs.max-data-size", "300");
  const { status, body } = await browser.request("POST", "/set/b");
  assert.equal(status, 500);
  assert.match(body.error, /TOOBIG/);
  assert.deepEqual(Object.keys((await browser.request("GET", "/")).body), ["a", "none"]);
});

test("a session that another request has destroyed is not created again, and this is not an error", async (t) => {
  const { server, browser } = await setup(t, (app) => {
    app.post("/", async (req, res) => {
      req.session.count = (req.session.count ?? 0) + 1;
      if (req.query.end) await server.send("FLUSHALL");
      res.json({});
    });
  });
  await browser.request("POST", "/");
  assert.equal((await browser.request("POST", "/?end=1")).status, 200);
  assert.equal(browser.cookies.size, 1, "the cookie stays: another request may have set a new one");
  assert.equal(await server.send("DBSIZE"), 0);
});

test("null destroys the session before the response ends, also without autoSave", async (t) => {
  for (const options of [{ cookie: "sid" }, { requestArg: "token", cookie: "sid" }, {}]) {
    const { server, browser } = await setup(
      t,
      (app) => {
        app.post("/", async (req, res) => {
          req.session.note = 1;
          res.json({ token: await req.session.create() });
        });
        app.post("/null", (req, res) => {
          req.session = req.query.undefined ? undefined : null;
          res.json({ none: req.session === null });
        });
        app.post("/own", (req, res) => {
          req.session = { mine: true };
          res.json(req.session);
        });
      },
      options,
    );
    for (const query of ["", "?undefined=1"]) {
      const { token } = (await browser.request("POST", "/")).body;
      const headers = options.cookie ? {} : { "x-access-token": token };
      assert.equal(browser.cookies.size, options.cookie ? 1 : 0);
      assert.deepEqual((await browser.request("POST", "/own", { headers })).body, { mine: true });
      assert.equal(await server.send("DBSIZE"), 1, "other values may be assigned");
      assert.deepEqual(await browser.request("POST", `/null${query}`, { headers }), {
        status: 200,
        body: { none: true },
      });
      assert.equal(await server.send("DBSIZE"), 0);
      assert.equal(browser.cookies.size, 0);
    }
  }
});

test("null is an error if the session cannot be destroyed", async (t) => {
  const { server, browser } = await setup(
    t,
    (app) => {
      app.post("/", async (req, res) => {
        await req.session.create();
        res.json({});
      });
      app.post("/null", async (req, res) => {
        await server.send("CONFIG", "SET", "min-replicas-to-write", "1");
        req.session = null;
        res.json({});
      });
    },
    { cookie: "sid" },
  );
  await browser.request("POST", "/");
  const { status, body } = await browser.request("POST", "/null");
  assert.equal(status, 500);
  assert.match(body.error, /NOREPLICAS/);
  assert.equal(browser.cookies.size, 1);
  assert.equal(await server.send("DBSIZE"), 1);
});

test("without a response, null cannot be assigned, because it would destroy nothing", () => {
  const client = { sendCommand: () => Promise.reject(new Error("unexpected command")) };
  const request = { headers: {} };
  jrsSession({ client })(request, {}, () => undefined);
  const setToNull = () => {
    request.session = null;
  };
  assert.throws(setToNull, { name: "TypeError", message: /destroy\(\)/ });
});

test("without autoSave, an unsaved change causes one warning", async (t) => {
  const warnings = [];
  const listener = (warning) => warning.code === "JRS_UNSAVED" && warnings.push(warning.message);
  process.on("warning", listener);
  t.after(() => process.off("warning", listener));
  const { browser } = await setup(
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
  await browser.request("GET", "/");
  await browser.request("POST", "/saved");
  await browser.request("GET", "/");
  assert.deepEqual(warnings, []);
  await browser.request("POST", "/lost");
  await browser.request("POST", "/lost");
  await until("the warning", () => warnings.length > 0);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /'flash'.*save\(\).*autoSave/);
  assert.ok(!warnings[0].includes("it is done"));
});

test("autoSave needs a cookie, and a response that can set it", async () => {
  const client = { sendCommand: () => Promise.reject(new Error("unexpected command")) };
  assert.throws(() => jrsSession({ client, autoSave: true }), {
    name: "TypeError",
    message: /'autoSave' needs 'cookie'/,
  });
  assert.throws(() => jrsSession({ client, cookie: "sid", cookieOptions: {} }), {
    name: "TypeError",
    message: /'cookieOptions' was removed: set the attributes in 'cookie'/,
  });
  assert.throws(() => jrsSession({ client, cookie: "sid", autoSave: "yes" }), TypeError);
  const middleware = jrsSession({ client, ...AUTO_SAVE });
  const error = await new Promise((resolve) => middleware({ headers: {} }, { end: () => undefined }, resolve));
  assert.match(error.message, /setHeader/);
  assert.equal(
    await new Promise((resolve) => middleware({ headers: {} }, {}, resolve)),
    undefined,
    "without a response",
  );
});

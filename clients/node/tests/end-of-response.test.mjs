// Where the end of a response is caught: in the prototype that Express gives it, or in the response.
import assert from "node:assert/strict";
import { ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { test } from "node:test";
import express from "express";
import express4 from "express-4";
import { jrsSession } from "jrs-session";

import { AUTO_SAVE, setup } from "./support/auto-save.mjs";
import { Browser, listening } from "./support/browser.mjs";

const nativeEnd = ServerResponse.prototype.end;

/** Counts the requests of the session, and ends the response or calls `next`. */
const count = (req, _res, next) => {
  req.session.count = (req.session.count ?? 0) + 1;
  next();
};
const answer = (_req, res) => res.json({ answered: true });

/** Two requests that count: both must be saved. */
async function countsTwice(browser, path) {
  for (const expected of [1, 2]) {
    assert.deepEqual((await browser.request("POST", path)).body, { answered: true }, path);
    assert.equal((await browser.request("GET", "/")).body.count, expected, path);
  }
}

test("the session is saved in applications that change the prototype of the response", async (t) => {
  for (const create of [express, express4]) {
    const { browser } = await setup(t, (app) => {
      const ends = create();
      ends.use(count, answer);
      const continues = create();
      continues.use(count);
      app.use("/mounted", ends);
      app.use("/mounted-and-continues", continues, answer);
      app.use("/called", (req, res, next) => ends(req, res, next));
      app.use("/called-and-continues", (req, res, next) => continues(req, res, next), answer);
    });
    for (const path of ["/mounted", "/mounted-and-continues", "/called", "/called-and-continues"]) {
      await countsTwice(browser.copy(), path);
    }
  }
});

test("the session of a mounted application is saved if the outer one ends the response", async (t) => {
  for (const create of [express, express4]) {
    const { browser } = await setup(
      t,
      (app, client) => {
        const mounted = create();
        mounted.use(jrsSession({ client, ...AUTO_SAVE, requestKey: "inner" }), (req, _res, next) => {
          req.inner.count = (req.inner.count ?? 0) + 1;
          next();
        });
        app.use("/mounted", mounted, answer);
      },
      { cookie: "sid" },
    );
    await countsTwice(browser, "/mounted");
  }
});

test("two sessions of a request are both saved", async (t) => {
  const other = { ...AUTO_SAVE, cookie: "other", requestKey: "other" };
  const { server, browser } = await setup(t, (app, client) => {
    app.post("/", jrsSession({ client, ...other }), (req, res) => {
      req.session.first = 1;
      req.other.second = 2;
      res.json({});
    });
    app.get("/other", jrsSession({ client, ...other }), (req, res) =>
      res.json({ ...req.other, jwt: 0, claims: 0, id: 0 }),
    );
  });
  await browser.request("POST", "/");
  assert.equal(await server.send("DBSIZE"), 2);
  assert.deepEqual([...browser.cookies.keys()].sort(), ["other", "sid"]);
  assert.deepEqual((await browser.request("GET", "/")).body, { first: 1, none: false });
  assert.deepEqual((await browser.request("GET", "/other")).body, { second: 2, jwt: 0, claims: 0, id: 0 });
});

test("methods end of other middlewares and of the application are called, after the session is saved", async (t) => {
  const seen = [];
  const note = (name, server) => (_req, res, next) => {
    const { end } = res;
    res.end = (...args) => {
      server.send("DBSIZE").then((size) => {
        seen.push([name, size]);
        end.apply(res, args);
      });
      return res;
    };
    next();
  };
  const { server, client } = await setup(t, () => undefined);
  const app = express();
  app.use(note("before", server), jrsSession({ client, ...AUTO_SAVE }));
  app.post("/before", count, answer);
  app.post("/after", note("after", server), count, answer);
  app.get("/", (req, res) => res.json({ count: req.session.count }));
  await countsTwice(new Browser(await listening(t, app)), "/before");
  assert.deepEqual(seen, Array(4).fill(["before", 1]));
  await server.send("FLUSHALL");
  seen.length = 0;
  await new Browser(await listening(t, app)).request("POST", "/after");
  assert.deepEqual(seen, [
    ["after", 0],
    ["before", 1],
  ]);

  const own = express();
  own.response.end = function end(...args) {
    seen.push("of the application");
    return nativeEnd.apply(this, args);
  };
  own.use(jrsSession({ client, ...AUTO_SAVE }));
  own.get("/", (req, res) => res.json({ count: req.session.count }));
  own.post("/own", count, answer);
  await countsTwice(new Browser(await listening(t, own)), "/own");
  assert.equal(seen.filter((name) => name === "of the application").length, 4);
});

test("one method end of Express is replaced, once, and other responses behave as before", async (t) => {
  const copy = createRequire(import.meta.url)("jrs-session");
  const { browser, client } = await setup(t, (app, client) => {
    app.use("/copy", copy.jrsSession({ client, ...AUTO_SAVE, requestKey: "copy" }), count, answer);
  });
  await countsTwice(browser, "/copy");
  const { end } = express.response;
  await browser.request("POST", "/copy");
  assert.equal(express.response.end, end);
  assert.equal(ServerResponse.prototype.end, nativeEnd);

  const bare = express();
  bare.get("/", answer);
  assert.deepEqual((await new Browser(await listening(t, bare)).request("GET", "/")).body, { answered: true });
  const unused = new ServerResponse({ method: "GET" });
  await new Promise((resolve) => jrsSession({ client, ...AUTO_SAVE })({ headers: {} }, unused, resolve));
  assert.ok(Object.hasOwn(unused, "end"), "without Express, the response gets a method of its own");
});

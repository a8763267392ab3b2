// Sessions of an Express application survive a failover that Sentinels decide.
import assert from "node:assert/strict";
import { test } from "node:test";
import express from "express";
import Ioredis5 from "ioredis-5";
import { Redis as Ioredis6 } from "ioredis-6";
import { jrsSession } from "jrs-session";
import * as redis5 from "redis-5";
import * as redis6 from "redis-6";

import { Browser, listening } from "./support/browser.mjs";
import { NAME, Sentinels } from "./support/sentinel.mjs";
import { until } from "./support/wait.mjs";

/** By name: connects to the primary that the Sentinels name. */
const CLIENTS = {
  "redis 5": nodeRedis(redis5),
  "redis 6": nodeRedis(redis6),
  "ioredis 5": ioredis(Ioredis5),
  "ioredis 6": ioredis(Ioredis6),
};

function nodeRedis({ createSentinel }) {
  return async (t, sentinels) => {
    const client = createSentinel({ name: NAME, sentinelRootNodes: sentinels });
    client.on("error", () => undefined); // the primary is killed
    await client.connect();
    t.after(() => client.destroy());
    return client;
  };
}

function ioredis(Redis) {
  return (t, sentinels) => {
    const client = new Redis({ name: NAME, sentinels });
    client.on("error", () => undefined);
    t.after(() => client.disconnect());
    return client;
  };
}

/** An application: `POST /login`, and `GET /` with the session's user. */
function application(client, failOpen) {
  const app = express();
  app.use(jrsSession({ client, failOpen, timeout: 500, cookie: "sid", requestArg: false, autoSave: true }));
  app.get("/", (req, res) => res.json({ user: req.session.user ?? null }));
  app.post("/login", (req, res) => {
    req.session.user = "ann";
    res.json({});
  });
  app.use((_error, _req, res, _next) => res.sendStatus(503));
  return app;
}

test("after a failover", async (t) => {
  const sentinels = await Sentinels.start(t);
  const users = await Promise.all(
    Object.entries(CLIENTS).map(async ([name, connect]) => {
      const client = await connect(t, sentinels.addresses);
      const browser = new Browser(await listening(t, application(client, false)));
      const open = new Browser(await listening(t, application(client, true)));
      assert.equal((await browser.request("POST", "/login")).status, 200);
      open.cookies = new Map(browser.cookies);
      return { name, browser, open };
    }),
  );
  const [primary] = sentinels.servers;
  assert.equal(await primary.send("DBSIZE"), users.length);
  assert.equal(await primary.send("WAIT", "2", "20000"), 2);

  await primary.stop();
  await Promise.all(
    users.map(async ({ name, browser, open }) => {
      assert.equal((await browser.request("GET", "/")).status, 503, `${name}: without failOpen`);
      assert.deepEqual((await open.request("GET", "/")).body, { user: null }, `${name}: with failOpen`);
    }),
  );
  await sentinels.newPrimary();

  for (const { name, browser } of users) {
    await t.test(`${name}: the same cookie works`, async () => {
      const cookie = new Map(browser.cookies);
      const back = await until("a reply", async () => {
        const response = await browser.request("GET", "/");
        return response.status === 200 && response;
      });
      assert.deepEqual(back.body, { user: "ann" });
      assert.deepEqual(browser.cookies, cookie);
      assert.equal((await browser.request("POST", "/login")).status, 200, "the new primary accepts writes");
    });
  }
});

// A login that fails: the user is not logged in, and the application answers.
import assert from "node:assert/strict";
import { test } from "node:test";

import { setup } from "./support/auto-save.mjs";

/** Starts an application whose login replies with the error's code, and with the owner that the session has then. */
async function start(t, settings) {
  const { server, browser } = await setup(
    t,
    (app) => {
      app.post("/note", (req, res) => {
        req.session.note = "a guest's";
        res.json({});
      });
      app.post("/login/:user", async (req, res) => {
        const claims = req.query.claim && { note: "x".repeat(5000) };
        const failed = await req.session.logIn(req.params.user, { claims }).catch((error) => error);
        const error = failed.code ?? failed.message?.split(" ")[0];
        res.status(error ? 409 : 200).json({ error, owner: req.session.owner });
      });
      app.get("/owner", (req, res) => res.json({ owner: req.session.owner }));
    },
    undefined,
    { settings },
  );
  return { server, browser, guest: browser.copy() };
}

test("a token that is too long logs nobody in", async (t) => {
  const { server, browser, guest } = await start(t);
  const refused = { status: 409, body: { error: "COOKIE_TOO_LARGE", owner: "" } };
  assert.deepEqual(await browser.request("POST", "/login/ann?claim=1"), refused);
  assert.deepEqual((await browser.request("GET", "/owner")).body, { owner: "" });
  await guest.request("POST", "/note");
  assert.deepEqual(await guest.request("POST", "/login/ann?claim=1"), refused);
  assert.deepEqual((await guest.request("GET", "/owner")).body, { owner: "" });
  assert.equal(await server.send("DBSIZE"), 0);
});

test("the application answers if the user has too many sessions", async (t) => {
  const { server, browser, guest } = await start(t, {
    "jrs.max-sessions": 1,
    "jrs.max-sessions-policy": "reject",
  });
  assert.equal((await browser.copy().request("POST", "/login/ann")).status, 200);
  const refused = { status: 409, body: { error: "TOOMANY", owner: "" } };
  assert.deepEqual(await browser.request("POST", "/login/ann"), refused);
  await guest.request("POST", "/note");
  assert.deepEqual(await guest.request("POST", "/login/ann"), refused);
  assert.deepEqual((await guest.request("GET", "/")).body, { note: "a guest's", none: false });
  assert.equal(await server.send("JRS.COUNT", "ann"), 1);
});

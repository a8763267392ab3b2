// logIn: the login in one call, for each session that the request may have.
import assert from "node:assert/strict";
import { test } from "node:test";

import { setup } from "./support/auto-save.mjs";
import { CLUSTER, STANDALONE } from "./support/clients.mjs";
import { Cluster } from "./support/cluster.mjs";
import { middlewareOf, requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";
import { decoded, OWN_KEY, oldLogin } from "./support/tokens.mjs";

async function sessionsOf(t, settings = {}, files = {}) {
  const server = await Server.start(t, settings, files);
  return { server, middleware: await middlewareOf(t, STANDALONE["redis 5"], server.port) };
}

/** The fields of a session. */
function fieldsOf(session) {
  const { claims, jwt, ...fields } = session.toJSON();
  return fields;
}

/** The owner and the fields of the session that a request with a token has. */
async function data(middleware, token) {
  const session = await requestSession(middleware, token);
  return { owner: session.owner, ...fieldsOf(session) };
}

test("without a session, one is created with the fields", async (t) => {
  const { middleware } = await sessionsOf(t);
  const session = Object.assign(await requestSession(middleware), { cart: ["book"] });
  const token = await session.logIn(42, { claims: { role: "editor" } });
  assert.deepEqual([session.owner, session.jwt, session.claims.role], ["42", token, "editor"]);
  assert.deepEqual(await data(middleware, token), { owner: "42", cart: ["book"] });
});

test("an anonymous session keeps its data, and its old token is dead at once", async (t) => {
  const { server, middleware } = await sessionsOf(t, { "jrs.rotate-grace": 60_000 });
  const planted = await Object.assign(await requestSession(middleware), { cart: ["book"], note: 1 }).create();
  const session = await requestSession(middleware, planted);
  const oldId = session.id;
  session.cart.push("pen"); // not saved
  delete session.note;
  const token = await session.logIn("ann");
  assert.notEqual(session.id, oldId);
  assert.deepEqual(await data(middleware, token), { owner: "ann", cart: ["book", "pen"] });
  assert.deepEqual(await data(middleware, planted), { owner: "" });
  assert.equal(await server.send("DBSIZE"), 1);
});

test("a second login of the same user keeps the session, with another token and a recent login", async (t) => {
  const { server, middleware } = await sessionsOf(t, OWN_KEY.settings, OWN_KEY.files);
  const old = await oldLogin(server, "ann", { cart: ["book"] }, 5000);
  const session = await requestSession(middleware, old);
  const token = await session.logIn("ann");
  assert.deepEqual(await data(middleware, token), { owner: "ann", cart: ["book"] });
  assert.deepEqual(await data(middleware, old), { owner: "" });
  const [, { auth_time: authTime, iat }] = decoded(token);
  assert.ok((authTime ?? iat) > Date.now() / 1000 - 60);
  assert.equal(await server.send("DBSIZE"), 1);
});

test("a session of another user is destroyed, and nothing of it is kept", async (t) => {
  const { server, middleware } = await sessionsOf(t);
  const anns = await requestSession(middleware);
  Object.assign(anns, { owner: "ann", cart: ["book"] });
  const old = await anns.create({ role: "admin" });
  const session = await requestSession(middleware, old);
  session.cart.push("pen");
  session.secret = "ann's";
  const token = await session.logIn("bob");
  assert.equal(session.claims.role, undefined);
  assert.deepEqual(fieldsOf(session), {});
  assert.deepEqual(await data(middleware, token), { owner: "bob" });
  assert.deepEqual(await data(middleware, old), { owner: "" });
  assert.equal(await server.send("DBSIZE"), 1);
  session.note = "mine";
  await session.update();
  assert.deepEqual(await data(middleware, token), { owner: "bob", note: "mine" });
});

test("a session that has ended gives a new one without its data", async (t) => {
  const { server, middleware } = await sessionsOf(t);
  for (const end of ["destroyed here", "destroyed by another request", "with unsaved changes"]) {
    const guest = await Object.assign(await requestSession(middleware), { cart: ["book"] }).create();
    const session = await requestSession(middleware, guest);
    if (end === "destroyed here") await session.destroy();
    else await (await requestSession(middleware, guest)).destroy();
    if (end === "with unsaved changes") session.cart.push("pen");
    assert.deepEqual(await data(middleware, await session.logIn("ann")), { owner: "ann" }, end);
  }
  assert.equal(await server.send("DBSIZE"), 3);
});

test("two logins at the same time both succeed, and the data is in one of the sessions", async (t) => {
  const { server, middleware } = await sessionsOf(t);
  const guest = await Object.assign(await requestSession(middleware), { cart: ["book"] }).create();
  const both = [await requestSession(middleware, guest), await requestSession(middleware, guest)];
  const tokens = await Promise.all(both.map((session) => session.logIn("ann")));
  const found = await Promise.all(tokens.map((token) => data(middleware, token)));
  assert.deepEqual(
    found.sort((one, other) => Object.keys(one).length - Object.keys(other).length),
    [{ owner: "ann" }, { owner: "ann", cart: ["book"] }],
  );
  assert.equal(await server.send("DBSIZE"), 2);
});

test("an owner that is not a user is refused, and nothing changes", async (t) => {
  const { middleware } = await sessionsOf(t);
  const anns = await requestSession(middleware);
  Object.assign(anns, { owner: "ann", note: 1 });
  const token = await anns.create();
  for (const owner of ["", undefined, null, {}, ["ann"], true]) {
    const session = await requestSession(middleware, token);
    await assert.rejects(session.logIn(owner), { code: "BAD_OWNER" });
    assert.deepEqual([session.owner, session.note, session.jwt], ["ann", 1, token]);
    assert.deepEqual(await data(middleware, token), { owner: "ann", note: 1 });
  }
});

test("logIn with a callback", async (t) => {
  const { middleware } = await sessionsOf(t);
  const session = await requestSession(middleware);
  const call = (...args) =>
    new Promise((resolve, reject) =>
      session.logIn(...args, (error, token) => (error ? reject(error) : resolve(token))),
    );
  assert.equal(await call("ann"), session.jwt);
  assert.equal(await call("ann", { claims: { role: "editor" } }), session.jwt);
  assert.equal(session.claims.role, "editor");
  await assert.rejects(call(""), { code: "BAD_OWNER" });
});

test("in a cluster, an anonymous session moves to the node of the user", async (t) => {
  const cluster = await Cluster.start(t);
  const connect = Object.values(CLUSTER)[0];
  const middleware = await middlewareOf(t, connect, cluster.ports);
  for (const user of ["ann", "bob", "carol"]) {
    const guest = await Object.assign(await requestSession(middleware), { cart: ["book"] }).create();
    const token = await (await requestSession(middleware, guest)).logIn(user);
    assert.deepEqual(await data(middleware, token), { owner: user, cart: ["book"] });
    assert.deepEqual(await data(middleware, guest), { owner: "" });
    const again = await (await requestSession(middleware, token)).logIn(user);
    assert.deepEqual(await data(middleware, again), { owner: user, cart: ["book"] });
  }
});

test("a login sets the cookie, and fields that are assigned afterwards are saved", async (t) => {
  const { browser } = await setup(t, (app) => {
    app.post("/login/:user", async (req, res) => {
      await req.session.logIn(req.params.user);
      req.session.name = req.params.user.toUpperCase();
      res.json({});
    });
    app.post("/note", (req, res) => {
      req.session.note = "a guest's";
      res.json({});
    });
  });
  await browser.request("POST", "/note");
  const attacker = browser.copy();
  await browser.request("POST", "/login/ann");
  assert.deepEqual((await browser.request("GET", "/")).body, { note: "a guest's", name: "ANN", none: false });
  assert.deepEqual((await attacker.request("GET", "/")).body, { none: false });
  await browser.request("POST", "/login/bob");
  assert.deepEqual((await browser.request("GET", "/")).body, { name: "BOB", none: false });
});

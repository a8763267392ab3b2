// Rotation while other requests are on their way with the old token, and tokens that come after that.
import assert from "node:assert/strict";
import { test } from "node:test";
import { jrsSession, requireRecentAuth } from "jrs-session";

import { setup as setupApplication } from "./support/auto-save.mjs";
import { CLUSTER, STANDALONE } from "./support/clients.mjs";
import { Cluster } from "./support/cluster.mjs";
import { middlewareOf, requestSession } from "./support/requests.mjs";
import { Server } from "./support/server.mjs";
import { until } from "./support/wait.mjs";

const GRACE = 60_000;
const DETECTION = { "jrs.reuse-detection": "yes" };

async function setup(t, { settings = {}, options = {}, connect = STANDALONE["redis 5"] } = {}) {
  const server = await Server.start(t, settings);
  const middleware = await middlewareOf(t, connect, server.port, options);
  return { server, middleware };
}

/** A session with an owner, as the next request finds it. */
async function login(middleware, owner = "ann") {
  const session = Object.assign(await requestSession(middleware), { cart: ["book"] });
  session.owner = owner;
  return requestSession(middleware, await session.create({ role: "editor" }));
}

/** Reads with the old token until its grace of a millisecond is over. */
async function reuse(middleware, token) {
  await until("the grace is over", async () => (await requestSession(middleware, token)).id === undefined);
}

/** Requests with the old token have the rotated session, and all methods act on it. */
async function actsOnSuccessor(middleware, owner) {
  const session = await login(middleware, owner);
  const [oldToken, oldId] = [session.jwt, session.id];
  const earlier = await requestSession(middleware, oldToken);
  const newToken = await session.rotate({ grace: GRACE, claims: { role: "admin" } });
  assert.notEqual(session.id, oldId);

  const late = await requestSession(middleware, oldToken);
  assert.deepEqual([late.id, late.jwt, late.owner], [session.id, oldToken, owner]);
  assert.deepEqual([late.claims.jti, late.claims.role, late.claims.sub], [session.id, "admin", owner]);
  late.cart = ["pen"];
  await late.update();
  await late.merge({ late: true });
  await session.reload();
  assert.deepEqual([session.cart, session.late], [["pen"], true]);
  assert.equal(await late.touch(), 86_400);
  await late.reload();
  assert.equal(late.id, session.id);
  assert.equal(typeof (await late.mint({ audience: "orders", claims: { iss: "shop" } })), "string");
  const [listed, ...others] = await late.sessions();
  assert.deepEqual([listed.id, listed.current, others], [session.id, true, []]);

  assert.equal(earlier.id, oldId, "this request has read the session before the rotation");
  await earlier.reload();
  assert.deepEqual([earlier.id, earlier.claims.role, earlier.cart], [session.id, "admin", ["pen"]]);

  const loser = await requestSession(middleware, oldToken);
  await loser.rotate({ grace: GRACE });
  assert.equal(loser.id, session.id, "the session is not rotated twice");
  assert.equal((await requestSession(middleware, loser.jwt)).id, session.id);
  assert.equal(await late.destroyAll({ keepCurrent: true }), 0);
  assert.equal(await late.destroy(), 1);
  assert.equal((await requestSession(middleware, newToken)).id, undefined);
  assert.equal((await requestSession(middleware, oldToken)).id, undefined);
}

for (const [name, connect] of Object.entries(STANDALONE)) {
  test(`${name}: in the grace, the old token has the rotated session`, async (t) => {
    const { middleware } = await setup(t, { connect });
    await actsOnSuccessor(middleware, "ann");
  });
}

test("in a cluster, requests with the old token are not redirected", async (t) => {
  const cluster = await Cluster.start(t);
  for (const [name, connect] of Object.entries(CLUSTER)) {
    const middleware = await middlewareOf(t, connect, cluster.ports);
    const before = await cluster.redirections();
    for (const owner of ["ann", "bob", "carol", "dave", "eve", "frank"]) await actsOnSuccessor(middleware, owner);
    assert.deepEqual(await cluster.redirections(), before, name);
  }
});

test("without a grace, the old token is refused at once", async (t) => {
  const { server, middleware } = await setup(t, { settings: { "jrs.rotate-grace": 60_000 } });
  for (const [options, works] of [
    [{}, true],
    [{ grace: undefined }, true],
    [{ grace: 0 }, false],
    [{ reauth: true }, false],
  ]) {
    const session = await login(middleware);
    const { jwt } = session;
    await session.rotate(options);
    assert.equal((await requestSession(middleware, jwt)).id, works ? session.id : undefined);
  }
  await server.send("CONFIG", "SET", "jrs.rotate-grace", "0");
  const session = await login(middleware);
  const { jwt } = session;
  await session.rotate();
  assert.equal((await requestSession(middleware, jwt)).id, undefined);
});

test("a login with a grace is refused, and changes nothing", async (t) => {
  const { middleware } = await setup(t);
  const session = await login(middleware);
  const { jwt, id } = session;
  await assert.rejects(session.rotate({ grace: GRACE, reauth: true }), /^Error: ERR .*GRACE/);
  session.owner = "bob";
  await assert.rejects(session.rotate({ grace: GRACE }), /^Error: ERR .*GRACE/);
  for (const grace of [60_001, -1, 0.5, Number.NaN]) {
    await assert.rejects((await requestSession(middleware, jwt)).rotate({ grace }), /^Error: ERR /);
  }
  assert.equal((await requestSession(middleware, jwt)).id, id);
});

for (const [name, connect] of Object.entries(STANDALONE)) {
  test(`${name}: a token that comes after its grace ends the session, and is reported`, async (t) => {
    const reports = [];
    const onReuse = (reuse) => void reports.push(reuse);
    const { middleware } = await setup(t, { settings: DETECTION, options: { onReuse }, connect });
    const session = await login(middleware);
    const { jwt: stolen, id } = session;
    await session.rotate({ grace: 1 });
    assert.deepEqual(reports, []);
    await reuse(middleware, stolen);

    const [{ owner, claims, request }, ...others] = reports;
    assert.deepEqual([owner, claims.jti, claims.role, others], ["ann", id, "editor", []]);
    assert.deepEqual([request.headers["x-access-token"], request.session.id], [stolen, undefined]);
    assert.equal((await requestSession(middleware, session.jwt)).id, undefined, "the session was destroyed");
    assert.equal(reports.length, 2, "and so is every other token of the session");
  });
}

test("methods of a session that a reused token has ended", async (t) => {
  const { middleware } = await setup(t, { settings: DETECTION });
  const session = await login(middleware);
  const { jwt: stolen } = session;
  const methods = ["update", "merge", "reload", "touch", "rotate", "mint", "destroy"];
  // Requests that have read the session before the rotation.
  const earlier = await Promise.all(methods.map(() => requestSession(middleware, stolen)));
  const guarded = await requestSession(middleware, stolen);
  await session.rotate({ grace: 1 });
  await reuse(middleware, stolen);
  for (const [at, method] of methods.entries()) {
    const rest = method === "merge" ? [{}] : [];
    await assert.rejects(earlier[at][method](...rest), { name: "SessionError", code: "TOKEN_REUSED" }, method);
    assert.equal(earlier[at].owner, "", `${method}: the next session of the request is anonymous`);
  }
  const error = await new Promise((resolve) => requireRecentAuth(60)({ session: guarded }, {}, resolve));
  assert.equal(error.code, "TOKEN_REUSED");
  await assert.rejects(session.destroyAll({ keepCurrent: true }), { code: "TOKEN_REUSED" });
});

test("without reuse-detection, a token after its grace is like that of a destroyed session", async (t) => {
  const onReuse = () => assert.fail("onReuse was called");
  const { middleware } = await setup(t, { options: { onReuse } });
  const session = await login(middleware);
  const { jwt } = session;
  await session.rotate({ grace: 1 });
  await reuse(middleware, jwt);
  assert.equal((await requestSession(middleware, session.jwt)).id, session.id);
});

test("the request waits for onReuse, and fails with its error", async (t) => {
  let onReuse = async () => {
    await new Promise(setImmediate);
    throw new RangeError("rejected");
  };
  const { server, middleware } = await setup(t, {
    settings: DETECTION,
    options: { failOpen: true, onReuse: () => onReuse() },
  });
  const session = await login(middleware);
  const { jwt } = session;
  await session.rotate({ grace: 1 });
  await assert.rejects(reuse(middleware, jwt), { name: "RangeError", message: "rejected" });
  onReuse = () => {
    throw new RangeError("thrown");
  };
  await assert.rejects(requestSession(middleware, jwt), { name: "RangeError", message: "thrown" });
  const { client, close } = await STANDALONE["redis 5"](server.port);
  t.after(close);
  const found = await requestSession(jrsSession({ client }), jwt);
  assert.deepEqual([found.toJSON(), found.owner], [{}, ""], "without onReuse, the request has an empty session");
  assert.throws(() => jrsSession({ client, onReuse: "log" }), { name: "TypeError", message: /'onReuse'/ });
});

test("in a cluster, onReuse gets no random owner", async (t) => {
  const cluster = await Cluster.start(t);
  for (const node of cluster.nodes) await node.send("CONFIG", "SET", "jrs.reuse-detection", "yes");
  const owners = [];
  const onReuse = ({ owner }) => void owners.push(owner);
  const middleware = await middlewareOf(t, CLUSTER["redis 5"], cluster.ports, { onReuse });
  for (const owner of ["", "ann"]) {
    const session = await login(middleware, owner);
    const { jwt } = session;
    await session.rotate({ grace: 1 });
    await reuse(middleware, jwt);
  }
  assert.deepEqual(owners, ["", "ann"]);
});

test("autoSave keeps the new cookie in the grace, and clears that of a reused token", async (t) => {
  const { server, browser } = await setupApplication(t, (app) => {
    app.post("/login", async (req, res) => {
      req.session.owner = "ann";
      await req.session.create();
      res.json({});
    });
    app.post("/rotate/:grace", async (req, res) => {
      await req.session.rotate({ grace: Number(req.params.grace) });
      res.json({});
    });
    app.post("/set/:value", (req, res) => {
      req.session.value = req.params.value;
      res.json({});
    });
  });
  await server.send("CONFIG", "SET", "jrs.reuse-detection", "yes");
  await browser.request("POST", "/login");
  const late = browser.copy();
  await browser.request("POST", `/rotate/${GRACE}`);
  assert.notEqual(browser.cookies.get("sid"), late.cookies.get("sid"));
  await late.request("POST", "/set/late");
  assert.deepEqual(late.lines, [], "the old token must not replace the new one");
  assert.equal((await browser.request("GET", "/")).body.value, "late");

  const stolen = browser.copy();
  await browser.request("POST", "/rotate/1");
  await until("the grace is over", async () => (await stolen.request("GET", "/")).body.value === undefined);
  assert.match(stolen.lines[0], /^sid=;/);
  await browser.request("POST", "/set/new");
  assert.match(browser.lines[0], /^sid=[^;]+;/, "a new session has its own cookie");
  assert.deepEqual((await browser.request("GET", "/")).body, { value: "new", none: false });
});

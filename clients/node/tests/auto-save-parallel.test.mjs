// autoSave with requests at the same time: changes of different fields are all kept.
import assert from "node:assert/strict";
import { test } from "node:test";
import { reservedMembers } from "jrs-session";

import { setup as setupApplication } from "./support/auto-save.mjs";
import { calls } from "./support/server.mjs";

/**
 * An application with a session that has these fields. `POST /` with the source of a function calls it with the session,
 * and with a function that executes another such request meanwhile.
 */
async function setup(t, fields) {
  const changes = new Map();
  const application = await setupApplication(
    t,
    (app) => {
      app.post("/:name", async (req, res) => {
        await changes.get(req.params.name)(req.session);
        res.json({});
      });
    },
    { cookie: true, autoSave: true },
  );
  const { server, browser } = application;
  let count = 0;
  /** Sends a request that changes its session with `change`. */
  const request = async (change, by = browser) => {
    count += 1;
    changes.set(`change${count}`, change);
    const { status, body } = await by.request("POST", `/change${count}`);
    assert.equal(status, 200, JSON.stringify(body));
  };
  await request((session) => Object.assign(session, fields));
  const [key] = await server.send("KEYS", "sess:*");
  const stored = async () => JSON.parse(await server.send("GET", key));
  /** Sends a request, and during it another one. */
  const both = (change, other) =>
    request(async (session) => {
      await request(other, browser.copy());
      await change(session);
    });
  return { server, browser, request, both, stored };
}

test("two requests that change different fields both win", async (t) => {
  const { server, both, stored } = await setup(t, { a: 1, b: { list: [1] }, c: 1 });
  await both(
    (session) => session.b.list.push(2),
    (session) => Object.assign(session, { a: 2, d: 1 }),
  );
  assert.deepEqual(await stored(), { a: 2, b: { list: [1, 2] }, c: 1, d: 1 });
  assert.equal(await calls(server, "jrs.update"), 2, "one command for each request");
});

test("of two requests that change the same field, the last one wins", async (t) => {
  const { both, stored } = await setup(t, { a: { x: 1, y: 1 } });
  await both(
    (session) => Object.assign(session.a, { x: 2 }),
    (session) => Object.assign(session.a, { y: 2 }),
  );
  assert.deepEqual(await stored(), { a: { x: 2, y: 1 } });
});

test("a removed field does not come back, whichever request has removed it", async (t) => {
  const { both, stored } = await setup(t, { a: 1, b: 1, c: 1 });
  const remove = (name) => (session) => delete session[name];
  await both(remove("a"), remove("a"));
  assert.deepEqual(await stored(), { b: 1, c: 1 });
  await both(remove("b"), (session) => Object.assign(session, { c: 2 }));
  assert.deepEqual(await stored(), { c: 2 });
  await both((session) => Object.assign(session, { d: 1 }), remove("c"));
  assert.deepEqual(await stored(), { d: 1 });
  await both(
    (session) => Object.assign(session, { d: undefined }),
    (session) => Object.assign(session, { d: 2 }),
  );
  assert.deepEqual(await stored(), {}, "a field that JSON cannot hold is removed");
});

test("names of fields with any characters", async (t) => {
  const names = ["a/b", "a~b", "~1", "~0/", "", "/", '"', "\\", "ä€😀", "\n", "-", "0", "__proto__", "toString"];
  const { request, both, stored } = await setup(t, { first: 1 });
  const set = (value) => (session) => {
    for (const name of names) {
      Object.defineProperty(session, name, { value, writable: true, enumerable: true, configurable: true });
    }
  };
  await both(set(1), (session) => Object.assign(session, { other: 1 }));
  const expected = new Set(["first", "other", ...names]);
  assert.deepEqual(new Set(Object.keys(await stored())), expected);
  await request((session) => {
    for (const name of names) delete session[name];
  });
  assert.deepEqual(await stored(), { first: 1, other: 1 });
});

test("stored members that cannot be fields are changed in the same way", async (t) => {
  const { server, both, stored } = await setup(t, { a: 1 });
  const [key] = await server.send("KEYS", "sess:*");
  await server.send("SET", key, '{"a":1,"id":"mine","jwt":1}', "KEEPTTL");
  await both(
    (session) => Object.assign(session[reservedMembers], { id: "other" }),
    (session) => Object.assign(session, { a: 2 }),
  );
  assert.deepEqual(await stored(), { a: 2, id: "other", jwt: 1 });
});

test("data that another program has written in another form is not changed", async (t) => {
  const { server, request } = await setup(t, { a: 1 });
  const [key] = await server.send("KEYS", "sess:*");
  const text = '{ "b": 1.0, "a" : "\\u00e4" }';
  await server.send("SET", key, text, "KEEPTTL");
  await request(() => undefined);
  assert.equal(await server.send("GET", key), text);
  assert.equal(await calls(server, "jrs.update"), 0);
});

test("a session that another request has destroyed is not created again", async (t) => {
  const { server, browser, both } = await setup(t, { a: 1 });
  await both(
    (session) => Object.assign(session, { a: 2 }),
    (session) => session.destroy(),
  );
  assert.equal(await server.send("DBSIZE"), 0);
  assert.equal(browser.cookies.size, 1, "another request may have set a new cookie");
});

test("a session that another request has rotated keeps the changes in the grace", async (t) => {
  const { server, request, browser } = await setup(t, { a: 1 });
  const other = browser.copy();
  await request(async (session) => {
    await request((session) => session.rotate({ grace: 60_000 }), other);
    session.b = 1;
  });
  const [key, ...others] = (await server.send("KEYS", "sess:*")).filter((key) => !key.endsWith(":rotated"));
  assert.deepEqual(others, []);
  assert.deepEqual(JSON.parse(await server.send("GET", key)), { a: 1, b: 1 });
  assert.deepEqual((await other.request("GET", "/")).body, { a: 1, b: 1, none: false });
});

/** Login, devices, logout, and a recent login for sensitive routes. */
import assert from "node:assert/strict";

import { oldLogin } from "../tokens.mjs";

const EMPTY = { id: null, owner: "" };

export const LOGIN_CASES = {
  "a login keeps the anonymous session, and the token from before is dead at once": async ({ application }) => {
    const { browser } = await application();
    await browser.request("POST", "/set", { body: { cart: ["book"] } });
    const attacker = browser.copy();
    const { body: before } = await browser.request("GET", "/");
    assert.deepEqual(before.cart, ["book"]);
    await browser.request("POST", "/login", { body: { owner: "ann", device: "Firefox" } });
    assert.notEqual(browser.cookies.get("__Host-session"), attacker.cookies.get("__Host-session"));
    const { id, ...after } = (await browser.request("GET", "/")).body;
    assert.deepEqual(after, { owner: "ann", cart: ["book"], device: "Firefox" });
    assert.notEqual(id, before.id);
    assert.deepEqual((await attacker.request("GET", "/")).body, EMPTY);
    assert.deepEqual(attacker.lines, [], "another response may have set a new cookie");
  },

  "a login without a session creates one, and a second login of the same user keeps its data": async ({
    application,
    server,
  }) => {
    const { browser } = await application();
    await browser.request("POST", "/login", { body: { owner: "ann", device: "Firefox" } });
    await browser.request("POST", "/set", { body: { note: "mine" } });
    const first = browser.copy();
    await browser.request("POST", "/login", { body: { owner: "ann", device: "Firefox" } });
    assert.equal((await browser.request("GET", "/")).body.note, "mine");
    assert.deepEqual((await first.request("GET", "/")).body, EMPTY);
    assert.equal(await server.send("JRS.COUNT", "ann"), 1);
  },

  "a login in the session of another user destroys it, and drops its data": async ({ application, server }) => {
    const { browser } = await application();
    await browser.request("POST", "/login", { body: { owner: "ann", device: "Firefox" } });
    await browser.request("POST", "/set", { body: { secret: "of Ann" } });
    const anns = browser.copy();
    await browser.request("POST", "/login", { body: { owner: "bob", device: "Firefox" } });
    const { id, ...fields } = (await browser.request("GET", "/")).body;
    assert.deepEqual(fields, { owner: "bob", device: "Firefox" });
    assert.deepEqual((await anns.request("GET", "/")).body, EMPTY);
    assert.equal(await server.send("JRS.COUNT", "ann"), 0);
  },

  "my devices, log out that device, log out everywhere": async ({ application }) => {
    const { browser } = await application();
    const [phone, laptop, tablet] = [browser.copy(), browser.copy(), browser.copy()];
    for (const [device, user] of Object.entries({ phone, laptop, tablet })) {
      await user.request("POST", "/login", { body: { owner: "ann", device } });
    }
    const { body: devices } = await laptop.request("GET", "/devices");
    assert.deepEqual(
      devices.map(({ fields, current }) => [fields["/device"], current]),
      [
        ["phone", false],
        ["laptop", true],
        ["tablet", false],
      ],
    );
    const ended = await laptop.request("DELETE", `/devices/${encodeURIComponent(devices[0].id)}`);
    assert.deepEqual(ended.body, { ended: 1 });
    assert.deepEqual((await phone.request("GET", "/")).body, EMPTY);

    const others = await laptop.request("DELETE", "/devices", { body: { keepCurrent: true } });
    assert.deepEqual(others.body, { ended: 1 });
    assert.equal(laptop.cookies.size, 1);
    assert.equal((await laptop.request("GET", "/")).body.owner, "ann");
    assert.deepEqual((await tablet.request("GET", "/")).body, EMPTY);

    await tablet.request("POST", "/login", { body: { owner: "ann", device: "tablet" } });
    const everywhere = await laptop.request("DELETE", "/devices", { body: {} });
    assert.deepEqual(everywhere.body, { ended: 2 });
    assert.equal(laptop.cookies.size, 0, "the cookie is cleared");
    assert.deepEqual((await tablet.request("GET", "/")).body, EMPTY);
  },

  "a logout clears the cookie, and a second one is not an error": async ({ application, server }) => {
    const { browser } = await application();
    await browser.request("POST", "/login", { body: { owner: "ann" } });
    assert.deepEqual((await browser.request("POST", "/logout")).body, { ended: 1 });
    assert.equal(browser.cookies.size, 0);
    assert.equal(await server.send("DBSIZE"), 0);
    assert.deepEqual((await browser.request("POST", "/logout")).body, { ended: 0 });
    assert.deepEqual(browser.lines, []);
  },

  "sensitive routes need a recent login": async ({ application, server, framework }) => {
    const { browser } = await application();
    const visitor = await browser.send("GET", "/sensitive");
    assert.deepEqual([visitor.status, visitor.headers.get("www-authenticate")], [401, "Bearer"]);
    await browser.request("POST", "/set", { body: { cart: [] } });
    const anonymous = await browser.send("GET", "/sensitive");
    assert.deepEqual([anonymous.status, anonymous.headers.get("www-authenticate")], [401, "Bearer"]);

    const old = browser.copy();
    old.cookies.set("__Host-session", await oldLogin(server, "ann", {}, 1000));
    const stale = await old.send("GET", "/sensitive");
    assert.equal(stale.status, 401);
    assert.match(
      stale.headers.get("www-authenticate"),
      /^Bearer error="insufficient_user_authentication", .*max_age="300"$/,
    );
    assert.equal(await stale.text(), "");
    await old.request("POST", "/login", { body: { owner: "ann" } });
    assert.deepEqual((await old.request("GET", "/sensitive")).body, { secret: 42 });

    const redirecting = await application({}, { recentAuth: { onStale: framework.onStale } });
    redirecting.browser.cookies.set("__Host-session", await oldLogin(server, "bob", {}, 1000));
    const redirect = await redirecting.browser.send("GET", "/sensitive");
    assert.deepEqual([redirect.status, redirect.headers.get("location")], [302, "/confirm"]);

    const failing = await application({}, { recentAuth: { onStale: () => Promise.reject(new Error("of onStale")) } });
    failing.browser.cookies.set("__Host-session", await oldLogin(server, "bob", {}, 1000));
    assert.deepEqual(await failing.browser.request("GET", "/sensitive"), {
      status: 500,
      body: { error: "of onStale" },
    });
  },
};

/** When the cookie of the token is set, renewed and cleared, and where tokens are read. */
import assert from "node:assert/strict";

import { calls, cookieOf } from "../responses.mjs";
import { decoded, oldLogin } from "../tokens.mjs";

const DAY = 24 * 60 * 60;

export const COOKIE_CASES = {
  "a visitor without fields gets no session, and a new session gets a cookie": async ({ application, server }) => {
    const { browser } = await application();
    const visit = await browser.send("GET", "/");
    assert.deepEqual(await visit.json(), { id: null, owner: "" });
    assert.deepEqual(browser.lines, []);
    assert.equal(await server.send("DBSIZE"), 0);

    const set = await browser.send("POST", "/set", { body: { theme: "dark" } });
    assert.deepEqual(await set.json(), { done: true });
    assert.equal(browser.lines.length, 1);
    const { name, attributes } = cookieOf(browser.lines[0]);
    assert.equal(name, "__Host-session");
    assert.deepEqual(attributes, { "max-age": String(DAY), path: "/", httponly: true, secure: true, samesite: "Lax" });
    assert.match(set.headers.get("vary") ?? "", /\bCookie\b/);
    assert.equal((await browser.request("GET", "/")).body.theme, "dark");
    assert.deepEqual(browser.lines, [], "a fresh cookie is not sent again");
  },

  "the cookie is renewed as the session slides": async ({ application, server }) => {
    const { browser } = await application();
    // The token is older than a tenth of the time that the session has left.
    const token = await oldLogin(server, "ann", { theme: "dark" }, DAY / 10 + 60);
    browser.cookies.set("__Host-session", token);
    const response = await browser.send("GET", "/");
    assert.equal((await response.json()).theme, "dark");
    const { name, value, attributes } = cookieOf(browser.lines[0]);
    assert.deepEqual([name, value, attributes["max-age"]], ["__Host-session", token, String(DAY)]);
    assert.match(response.headers.get("vary"), /\bCookie\b/);
    await browser.request("GET", "/");
    assert.deepEqual(browser.lines, [], "the cookie was just renewed");
    browser.cookies.set("__Host-session", await oldLogin(server, "ann", {}, DAY / 10 - 60));
    await browser.request("GET", "/");
    assert.deepEqual(browser.lines, [], "the cookie of a younger token is not sent again");
  },

  "a cookie that is not persistent has no Max-Age, and is not renewed": async ({ application, server }) => {
    const { browser } = await application({ cookie: { name: "sid", persistent: false, sameSite: "strict" } });
    await browser.request("POST", "/set", { body: { theme: "dark" } });
    const { name, attributes } = cookieOf(browser.lines[0]);
    assert.equal(name, "sid");
    assert.deepEqual(attributes, { path: "/", httponly: true, secure: true, samesite: "Strict" });
    browser.cookies.set("sid", await oldLogin(server, "ann", {}, DAY));
    assert.equal((await browser.request("GET", "/")).body.owner, "ann");
    assert.deepEqual(browser.lines, []);
  },

  "the cookie of a session that is dead, or of a bad token, stays until the application destroys": async ({
    application,
    server,
  }) => {
    const { browser } = await application();
    await browser.request("POST", "/set", { body: { theme: "dark" } });
    await server.send("FLUSHALL");
    for (const dead of [browser.cookies.get("__Host-session"), "not a token"]) {
      browser.cookies.set("__Host-session", dead);
      const seen = await browser.send("GET", "/");
      assert.deepEqual(await seen.json(), { id: null, owner: "" });
      assert.deepEqual([browser.lines, seen.headers.get("vary")], [[], null]);
      for (const path of ["/logout", "/null"]) {
        browser.cookies.set("__Host-session", dead);
        const response = await browser.send("POST", path);
        assert.equal(response.status, 200);
        const { name, value, attributes } = cookieOf(browser.lines[0]);
        assert.deepEqual([name, value, attributes.path, attributes.secure], ["__Host-session", "", "/", true]);
        assert.match(response.headers.get("vary"), /\bCookie\b/);
      }
    }
  },

  "requests with the old token that are answered after a login leave the new cookie": async ({
    application,
    server,
  }) => {
    const { browser, gate } = await application();
    // Its cookie is due for renewal.
    browser.cookies.set("__Host-session", await oldLogin(server, "ann", {}, DAY));
    const [slow, late] = [browser.copy(), browser.copy()];
    const answer = slow.request("POST", "/held/set", { body: {} });
    await gate.entered;
    await browser.request("POST", "/login", { body: { owner: "ann" } });
    gate.open();
    assert.equal((await answer).status, 200);
    assert.deepEqual((await late.request("GET", "/")).body, { id: null, owner: "" });
    assert.deepEqual([slow.lines, late.lines], [[], []]);
    assert.equal((await browser.request("GET", "/")).body.owner, "ann");
  },

  "a rotation sets the new token": async ({ application }) => {
    const { browser } = await application();
    await browser.request("POST", "/login", { body: { owner: "ann" } });
    const old = browser.copy();
    const { body } = await browser.request("POST", "/rotate", { body: {} });
    assert.equal(decoded(browser.cookies.get("__Host-session"))[1].jti, body.id);
    assert.equal((await browser.request("GET", "/")).body.owner, "ann");
    assert.equal((await old.request("GET", "/")).body.id, null);
  },

  "a cookie that the application sets is kept, and Vary is extended": async ({ application }) => {
    const { browser } = await application();
    await browser.request("POST", "/cookie");
    assert.deepEqual(browser.lines, ["__Host-session=mine; Path=/; Secure"]);
    const response = await browser.send("POST", "/vary");
    assert.match(response.headers.get("vary"), /^Accept-Encoding, ?Cookie$/);
  },

  "redirects and responses to HEAD set the cookie": async ({ application }) => {
    const { browser } = await application();
    const redirect = await browser.send("GET", "/redirect");
    assert.deepEqual([redirect.status, redirect.headers.get("location")], [302, "/"]);
    assert.equal((await browser.request("GET", "/")).body.seen, true);
    browser.cookies.clear();
    const head = await browser.send("HEAD", "/seen");
    assert.deepEqual([head.status, await head.text()], [200, ""]);
    assert.equal((await browser.request("GET", "/")).body.seen, true);
  },

  "a token over 4,096 bytes is an error at create, and the session is destroyed": async ({ application, server }) => {
    const { browser } = await application();
    const { status, body } = await browser.request("POST", "/claims", { body: { text: "x".repeat(4000) } });
    assert.deepEqual([status, body], [500, { error: "COOKIE_TOO_LARGE" }]);
    assert.equal(await server.send("DBSIZE"), 0);
    assert.deepEqual(browser.lines, []);
  },

  "with a cookie, no other source of tokens is read unless it is set": async ({ application, server }) => {
    const token = await server.send("JRS.CREATE", "ann", "{}");
    const bearer = { authorization: `Bearer ${token}` };
    const header = { "x-access-token": token };
    const ownerOf = async ({ browser }, path, headers) => (await browser.request("GET", path, { headers })).body.owner;

    const strict = await application();
    for (const headers of [bearer, header, {}]) {
      assert.equal(await ownerOf(strict, `/?accessToken=${token}`, headers), "");
    }
    const open = await application({ requestArg: "accessToken", bearer: true });
    assert.equal(await ownerOf(open, "/", bearer), "ann");
    assert.equal(await ownerOf(open, "/", header), "ann");
    assert.equal(await ownerOf(open, `/?accessToken=${token}`, {}), "ann");
    assert.equal(await ownerOf(open, "/", {}), "");
  },

  "without the option cookie, no cookie is read or set": async ({ application, server }) => {
    const { browser } = await application({ cookie: undefined, autoSave: false, requestArg: false, bearer: true });
    const token = await server.send("JRS.CREATE", "ann", '{"a":1}');
    browser.cookies.set("__Host-session", token);
    assert.equal((await browser.request("GET", "/")).body.owner, "");
    const headers = { authorization: `Bearer ${token}` };
    await browser.request("POST", "/update", { headers, body: { a: 2 } });
    await browser.request("POST", "/rotate", { headers, body: {} });
    assert.deepEqual(browser.lines, []);
  },

  "a request sends one command if it has a token, and none if not": async ({ application, server }) => {
    const { browser } = await application();
    await browser.request("GET", "/");
    assert.equal(await calls(server, "jrs.get"), 0);
    await browser.request("POST", "/set", { body: { theme: "dark" } });
    for (let count = 0; count < 3; count += 1) await browser.request("GET", "/");
    assert.equal(await calls(server, "jrs.get"), 3);
    await browser.request("POST", "/set", { body: { theme: "dark" } });
    assert.equal(await calls(server, "jrs.update"), 0, "the same value is not written");
  },

  "requestKey names the session": async ({ application }) => {
    const { browser } = await application({ requestKey: "mySession" }, { key: "mySession" });
    await browser.request("POST", "/set", { body: { theme: "dark" } });
    assert.equal((await browser.request("GET", "/")).body.theme, "dark");
    await browser.request("POST", "/null");
    assert.equal(browser.cookies.size, 0);
  },
};

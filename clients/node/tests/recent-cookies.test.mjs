// The memory of the sessions whose cookie was just sent, in RecentCookies.
import assert from "node:assert/strict";
import { test } from "node:test";

import { RecentCookies } from "../dist/esm/core/recent-cookies.js"; // not exported from the package
import { setup } from "./support/auto-save.mjs";
import { OWN_KEY, oldLogin } from "./support/tokens.mjs";
import { until } from "./support/wait.mjs";

test("an id is remembered for the given time", () => {
  const recent = new RecentCookies();
  assert.equal(recent.has("a", 10, 0), false);
  recent.add("a", 0);
  assert.deepEqual([recent.has("a", 10, 9.9), recent.has("a", 10, 10), recent.has("b", 10, 0)], [true, false, false]);
  recent.add("a", 10);
  assert.equal(recent.has("a", 10, 19), true);
});

test("memory is bounded: the older half of the ids is forgotten", () => {
  const recent = new RecentCookies(3);
  for (const id of ["a", "b", "c", "a", "d", "e"]) recent.add(id, 1);
  const known = () => ["a", "b", "c", "d", "e", "f", "g"].filter((id) => recent.has(id, 10, 2)).join("");
  assert.equal(known(), "abcde");
  recent.add("a", 1);
  recent.add("f", 1);
  assert.equal(known(), "adef", "an id that is added again is kept");
  for (const id of ["g", "h", "i"]) recent.add(id, 1);
  assert.equal(known(), "fg");
});

test("a cookie is renewed again after a tenth of the time to live", async (t) => {
  const settings = { ...OWN_KEY.settings, "jrs.max-age": 5 };
  const { server, browser } = await setup(t, () => undefined, { cookie: "sid" }, { settings, files: OWN_KEY.files });
  browser.cookies.set("sid", await oldLogin(server, "ann", {}, 60));
  await browser.request("GET", "/");
  assert.equal(browser.lines.length, 1);
  let requests = 0;
  await until("the cookie is renewed", async () => {
    requests += 1;
    await browser.request("GET", "/");
    return browser.lines.length > 0;
  });
  assert.ok(requests > 1);
});

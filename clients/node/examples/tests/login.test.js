// The login applications in a browser, each with a Redis server. All applications have the same tests.
import assert from "node:assert/strict";
import { test } from "node:test";

import { COOKIES } from "./login/cookies.js";
import { DEVICES } from "./login/devices.js";
import { LOGINS } from "./login/logins.js";
import { RECENT_LOGIN } from "./login/recent-login.js";
import { NODE_LOGIN, PYTHON_LOGIN } from "./support/application.js";
import { cookieOf, LoginApplication } from "./support/login-application.js";

const APPLICATIONS = [NODE_LOGIN, PYTHON_LOGIN];

test("the login applications", { concurrency: APPLICATIONS.length }, async (t) => {
  await Promise.all(APPLICATIONS.map(({ name, skip, ...rest }) => t.test(name, { skip }, (t) => behaves(t, rest))));
});

async function behaves(t, application) {
  const demo = await LoginApplication.start(t, application, { HTTPS: "yes" });
  for (const [name, run] of Object.entries({ ...DEVICES, ...LOGINS, ...COOKIES, ...RECENT_LOGIN })) {
    await t.test(name, async (t) => {
      t.after(() => demo.reset());
      await run(demo);
    });
  }
  await t.test("without HTTPS, the cookie has another name", async (t) => {
    const plain = await demo.startAnother(t, application);
    const page = await plain.device();
    await plain.logIn(page, "ann");
    const { name, secure } = await cookieOf(page);
    assert.deepEqual({ name, secure }, { name: "session", secure: false });
  });
}

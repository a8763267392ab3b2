// The login applications in a browser, each with a Redis server. All applications have the same tests.
import assert from "node:assert/strict";
import { test } from "node:test";

import { COOKIES } from "./login/cookies.js";
import { DEVICES } from "./login/devices.js";
import { LOGINS } from "./login/logins.js";
import { RECENT_LOGIN } from "./login/recent-login.js";
import { NODE_LOGIN } from "./support/application.js";
import { cookieOf, LoginApplication } from "./support/login-application.js";

const APPLICATIONS = [NODE_LOGIN];

for (const application of APPLICATIONS) {
  test(`the login application for ${application.name}`, { skip: application.skip }, async (t) => {
    const demo = await LoginApplication.start(t, application, { HTTPS: "yes" });
    const cases = Object.entries({ ...DEVICES, ...LOGINS, ...COOKIES, ...RECENT_LOGIN });
    for (const [name, run] of cases) {
      await t.test(name, async (t) => {
        t.after(() => demo.server.send("FLUSHALL"));
        await run(demo);
      });
    }
  });

  test(`the login application for ${application.name} without HTTPS`, { skip: application.skip }, async (t) => {
    const demo = await LoginApplication.start(t, application);
    const page = await demo.device();
    await demo.logIn(page, "ann");
    const { name, secure } = await cookieOf(page);
    assert.deepEqual({ name, secure }, { name: "session", secure: false });
  });
}

// The login, and the session before and after it.
import assert from "node:assert/strict";

import { cookieOf, fillIn, hasNoCookie, isLoginPage, PASSWORDS, says } from "../support/login-application.js";

export const LOGINS = {
  "a wrong password or name is refused": async (demo) => {
    const page = await demo.device();
    for (const [name, password] of [
      ["ann", "wrong"],
      ["eve", PASSWORDS.ann],
      ["constructor", "wrong"],
      ["ann", " "],
    ]) {
      await page.goto(demo.address);
      const answer = page.waitForResponse((response) => response.url() === `${demo.address}/login`);
      await fillIn(page, name, password);
      assert.equal((await answer).status(), 401);
      assert.match(await page.getByRole("alert").innerText(), /do not belong together/);
      assert.equal(await page.getByLabel("Name").inputValue(), name);
      assert.equal(await page.getByLabel("Password").inputValue(), "");
      await page.locator("#password:focus").waitFor();
    }
    await hasNoCookie(page);
    await demo.logIn(page, "ann");
  },

  "names are text, not HTML": async (demo) => {
    const page = await demo.device();
    await page.goto(demo.address);
    const name = `"><b id="x">&amp;'`;
    await fillIn(page, name, "wrong");
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Name").inputValue(), name);
    assert.equal(await page.locator("#x").count(), 0);
  },

  "an expired session shows the login page": async (demo) => {
    const page = await demo.device();
    await demo.logIn(page, "ann");
    for (const key of await demo.server.send("KEYS", "sess:*")) await demo.server.send("PEXPIRE", key, "0");
    await page.reload();
    await says(page, "Your session has ended");
    await isLoginPage(page);
    await hasNoCookie(page);
  },

  "a login gives the session a new id and keeps its data": async (demo) => {
    const [page, attacker] = await demo.devices(2);
    await page.goto(demo.address);
    await chooseDark(page);
    const before = await cookieOf(page);
    await demo.logIn(page, "ann");
    assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
    assert.notEqual((await cookieOf(page)).value, before.value);
    assert.equal(await demo.isLive(before), false);

    // An attacker who knows the cookie from before the login is not logged in.
    await attacker.context().addCookies([before]);
    await attacker.goto(demo.address);
    await isLoginPage(attacker);
  },

  "a second login of the same user gives the session a new id": async (demo) => {
    const page = await demo.device();
    await demo.logIn(page, "ann");
    const first = await cookieOf(page);
    await sendLogin(demo, page, "ann");
    await page.goto(demo.address);
    await page.getByText("on this device").waitFor();
    assert.deepEqual([await demo.isLive(first), await demo.isLive(await cookieOf(page))], [false, true]);
  },

  "a login in the session of another user does not keep its data": async (demo) => {
    const page = await demo.device();
    await demo.logIn(page, "ann");
    await chooseDark(page);
    const anns = await cookieOf(page);
    await sendLogin(demo, page, "bob");
    await page.goto(demo.address);
    await page.getByText("Logged in as bob").waitFor();
    assert.equal(await page.locator("html").getAttribute("data-theme"), null);
    assert.equal(await demo.isLive(anns), false);
  },
};

async function chooseDark(page) {
  await page.getByRole("button", { name: "Dark colours" }).click();
  await page.getByRole("button", { name: "Light colours" }).waitFor();
}

/** A logged-in user does not see the login page, but the form can still be sent. */
async function sendLogin(demo, page, name) {
  const answer = await page.request.post(`${demo.address}/login`, { form: { name, password: PASSWORDS[name] } });
  assert.equal(answer.status(), 200);
}

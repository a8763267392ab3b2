// The page that needs a recent login.
import assert from "node:assert/strict";

import {
  claimsOf,
  cookieOf,
  isLoginPage,
  isOn,
  PASSWORDS,
  RECENT_SECONDS,
  says,
} from "../support/login-application.js";

const CHANGE = "Change your e-mail address";
const CONFIRM = "Confirm that it is you";
const LONG_AGO = RECENT_SECONDS + 10;

export const RECENT_LOGIN = {
  "just after the login, the e-mail address can be changed": async (demo) => {
    const [page, other] = await demo.devices(2);
    await demo.logIn(page, "ann");
    await page.getByRole("link", { name: "Change" }).click();
    await isOn(page, CHANGE);
    await save(page, "ann@example.org");
    await says(page, "Your e-mail address is changed");
    await demo.logIn(other, "ann");
    await other.getByText("ann@example.org").waitFor();
  },

  "later the application asks for the password, and then goes on": async (demo) => {
    const page = await demo.loggedInAgo("ann", LONG_AGO);
    const before = await cookieOf(page);
    await page.goto(demo.address);
    await page.getByRole("link", { name: "Change" }).click();
    await isOn(page, CONFIRM);
    assert.equal(await page.getByLabel("E-mail address").count(), 0);
    await confirm(page, PASSWORDS.ann);
    await isOn(page, CHANGE);
    await save(page, "ann@example.net");
    await says(page, "Your e-mail address is changed");

    // The session has a new token, with the time of this login. The old one is refused.
    const { value } = await cookieOf(page);
    assert.ok(claimsOf(value).auth_time > claimsOf(before.value).auth_time);
    assert.equal(await demo.isLive(before), false);
    const [attacker] = await demo.devices(1);
    await attacker.context().addCookies([before]);
    await attacker.goto(`${demo.address}/email`);
    await isLoginPage(attacker);
  },

  "a form that is sent too late is saved after the password": async (demo) => {
    const page = await demo.device();
    await demo.logIn(page, "bob");
    await page.goto(`${demo.address}/email`);
    // Meanwhile, the login is not recent any more.
    const old = await demo.loggedInAgo("bob", LONG_AGO);
    await page.context().addCookies([await cookieOf(old)]);
    await save(page, "bob@example.org");
    await isOn(page, CONFIRM);
    await old.goto(demo.address);
    assert.equal(await old.getByText("bob@example.org").count(), 0);
    await confirm(page, PASSWORDS.bob);
    await says(page, "Your e-mail address is changed");
    await page.getByText("bob@example.org").waitFor();
  },

  "a wrong password does not confirm": async (demo) => {
    const page = await demo.loggedInAgo("ann", LONG_AGO);
    const { value } = await cookieOf(page);
    await page.goto(`${demo.address}/email`);
    // Another user's password is wrong, too.
    for (const password of ["wrong", PASSWORDS.bob]) {
      await confirm(page, password);
      await page.getByRole("alert").filter({ hasText: "This is not your password." }).waitFor();
      await page.locator("#password:focus").waitFor();
    }
    await page.goto(`${demo.address}/email`);
    await isOn(page, CONFIRM);
    assert.equal((await cookieOf(page)).value, value);
  },

  "a text that is not an e-mail address is refused": async (demo) => {
    const page = await demo.device();
    await demo.logIn(page, "ann");
    await page.goto(`${demo.address}/email`);
    await page.getByLabel("E-mail address").evaluate((input) => {
      input.type = "text"; // for which the browser accepts any text
    });
    await save(page, "<b>x</b>");
    await page.getByRole("alert").filter({ hasText: "This is not an e-mail address." }).waitFor();
    assert.equal(await page.getByLabel("E-mail address").inputValue(), "<b>x</b>");
  },

  "a visitor who is not logged in must log in": async (demo) => {
    const page = await demo.device();
    await page.goto(`${demo.address}/email`);
    await isLoginPage(page);
  },

  "a session that was destroyed meanwhile must log in": async (demo) => {
    const page = await demo.loggedInAgo("ann", LONG_AGO);
    await page.goto(`${demo.address}/email`);
    await demo.server.send("JRS.DESTROYALL", "ann");
    await confirm(page, PASSWORDS.ann);
    await isLoginPage(page);
  },
};

async function save(page, email) {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByRole("button", { name: "Save" }).click();
}

async function confirm(page, password) {
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Continue" }).click();
}

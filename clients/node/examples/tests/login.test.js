// The login application in a browser, with a Redis server. Each browser context is a device.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Server } from "../../tests/support/server.mjs";
import { startApplication } from "./support/application.js";
import { newDevice, startBrowser } from "./support/browser.js";

const PASSWORDS = { ann: "correct horse", bob: "battery staple" };

test("the login application", async (t) => {
  const server = await Server.start(t);
  const address = await startApplication(t, "login/server.js", { REDIS_URL: `redis://127.0.0.1:${server.port}` });
  const browser = await startBrowser(t);

  const cases = {
    "each of two devices sees the other, and one logs both out": async () => {
      const [laptop, phone] = await devices(2);
      await logIn(laptop, "ann");
      await logIn(phone, "ann");
      await laptop.goto(address);
      for (const page of [laptop, phone]) {
        assert.equal(await items(page).count(), 2);
        assert.equal(await page.getByText("this device", { exact: true }).count(), 1);
      }
      await laptop.getByRole("button", { name: "Log out everywhere" }).click();
      await says(laptop, "logged out on all your devices");
      await isLoginPage(laptop);
      await phone.goto(address);
      await says(phone, "Your session has ended");
      await isLoginPage(phone);
      assert.deepEqual(await phone.context().cookies(), [], "the cookie is cleared");
      await phone.reload();
      assert.equal(await phone.getByRole("status").count(), 0, "the message is shown once");
      assert.equal(await server.send("DBSIZE"), 0);
    },

    "one device logs itself out, the other stays logged in": async () => {
      const [laptop, phone] = await devices(2);
      await logIn(laptop, "ann");
      await logIn(phone, "ann");
      await laptop.getByRole("button", { name: "Log out here" }).click();
      await says(laptop, "logged out on this device");
      await isLoginPage(laptop);
      assert.deepEqual(await laptop.context().cookies(), []);
      await phone.reload();
      assert.equal(await items(phone).count(), 1);
    },

    "one device logs the other out": async () => {
      const [laptop, phone] = await devices(2);
      await logIn(phone, "ann");
      await logIn(laptop, "ann");
      await laptop.getByRole("button", { name: /^Log out .*logged in/ }).click();
      await says(laptop, "That device is logged out");
      assert.equal(await items(laptop).count(), 1);
      await phone.reload();
      await isLoginPage(phone);
    },

    "a user cannot log out a device of another user": async () => {
      const [anns, bobs] = await devices(2);
      await logIn(anns, "ann");
      await logIn(bobs, "bob");
      await logIn((await devices(1))[0], "bob");
      await bobs.reload();
      const theirs = await sessionOf(anns);
      // A request with the id of a session of another user, which the page would not send.
      const answer = await bobs.request.post(`${address}/logout/device`, { form: { id: theirs.jti } });
      assert.equal(answer.status(), 200);
      await anns.reload();
      assert.equal(await items(anns).count(), 1);
      assert.equal(await server.send("EXISTS", `sess:${theirs.jti}`), 1);
    },

    "a wrong password or name is refused": async () => {
      const [page] = await devices(1);
      for (const [name, password] of [
        ["ann", "wrong"],
        ["eve", PASSWORDS.ann],
        ["constructor", "wrong"],
        ["ann", " "],
      ]) {
        await page.goto(address);
        const answer = page.waitForResponse((response) => response.url() === `${address}/login`);
        await fillIn(page, name, password);
        assert.equal((await answer).status(), 401);
        assert.match(await page.getByRole("alert").innerText(), /do not belong together/);
        assert.equal(await page.getByLabel("Name").inputValue(), name);
        assert.equal(await page.getByLabel("Password").inputValue(), "");
        await page.locator("#password:focus").waitFor();
      }
      assert.deepEqual(await page.context().cookies(), []);
      await logIn(page, "ann");
    },

    "names are text, not HTML": async () => {
      const [page] = await devices(1);
      await page.goto(address);
      const name = `"><b id="x">&amp;'`;
      await fillIn(page, name, "wrong");
      await page.getByRole("alert").waitFor();
      assert.equal(await page.getByLabel("Name").inputValue(), name);
      assert.equal(await page.locator("#x").count(), 0);
    },

    "an expired session shows the login page": async () => {
      const [page] = await devices(1);
      await logIn(page, "ann");
      await server.send("PEXPIRE", `sess:${(await sessionOf(page)).jti}`, "0");
      await page.reload();
      await says(page, "Your session has ended");
      await isLoginPage(page);
    },

    "the buttons of a page whose session was destroyed lead to the login page": async () => {
      const buttons = ["Log out here", "Log out everywhere", /^Log out .*logged in/];
      for (const name of buttons) {
        const [page, other] = await devices(2);
        await logIn(other, "ann");
        await logIn(page, "ann");
        await server.send("JRS.DESTROYALL", "ann");
        await page.getByRole("button", { name }).click();
        await isLoginPage(page);
      }
    },

    "a login gives the session a new id and keeps its data": async () => {
      const [page] = await devices(1);
      await page.goto(address);
      await page.getByRole("button", { name: "Dark colours" }).click();
      await page.getByRole("button", { name: "Light colours" }).waitFor();
      const before = await cookieOf(page);
      await logIn(page, "ann");
      assert.equal(await page.locator("html").getAttribute("data-theme"), "dark");
      assert.notEqual((await sessionOf(page)).jti, claimsOf(before.value).jti);
      assert.equal(await server.send("EXISTS", `sess:${claimsOf(before.value).jti}`), 0);

      // An attacker who knows the cookie from before the login is not logged in.
      const [attacker] = await devices(1);
      await attacker.context().addCookies([before]);
      await attacker.goto(address);
      await isLoginPage(attacker);
    },

    "scripts and other sites cannot read the cookie": async () => {
      const [page] = await devices(1);
      await logIn(page, "ann");
      const { httpOnly, sameSite } = await cookieOf(page);
      assert.deepEqual({ httpOnly, sameSite }, { httpOnly: true, sameSite: "Lax" });
      assert.equal(await page.evaluate("document.cookie"), "");
    },

    "forms of other sites are refused": async () => {
      const [page] = await devices(1);
      // To the browser, localhost and 127.0.0.1 are different sites.
      await page.route("http://localhost/**", (route) =>
        route.fulfill({
          contentType: "text/html",
          body: `<form method="post" action="${address}/login"><input name="name" value="bob">
            <input name="password" value="${PASSWORDS.bob}"><button>Win a prize</button></form>`,
        }),
      );
      await page.goto("http://localhost/");
      const answer = page.waitForResponse((response) => response.url() === `${address}/login`);
      await page.getByRole("button").click();
      assert.equal((await answer).status(), 403);
      assert.deepEqual(await page.context().cookies(), []);
    },

    "a link on another site does not log the user out": async () => {
      const [page] = await devices(1);
      await logIn(page, "ann");
      for (const token of ["x", (await cookieOf(page)).value.replace(/[^.]*$/, "")]) {
        await page.goto(`${address}/?accessToken=${token}`);
        assert.equal(await items(page).count(), 1);
      }
      assert.equal((await page.context().cookies()).length, 1);
    },

    "a login in the session of another user does not keep its data": async () => {
      const [page] = await devices(1);
      await logIn(page, "ann");
      await page.getByRole("button", { name: "Dark colours" }).click();
      await page.getByRole("button", { name: "Light colours" }).waitFor();
      const anns = await cookieOf(page);
      // A logged-in user does not see the login page, but the form can still be sent.
      await page.request.post(`${address}/login`, { form: { name: "bob", password: PASSWORDS.bob } });
      await page.goto(address);
      await page.getByText("Logged in as bob").waitFor();
      assert.equal(await page.locator("html").getAttribute("data-theme"), "light");
      assert.equal(await server.send("EXISTS", `sess:${claimsOf(anns.value).jti}`), 0);
    },

    "an unknown value of the parameter done shows no message": async () => {
      const [page] = await devices(1);
      for (const query of ["done=constructor", "done=__proto__", "done[]=here", "done=x"]) {
        await page.goto(`${address}/?${query}`);
        await isLoginPage(page);
        assert.equal(await page.getByRole("status").count(), 0, query);
      }
    },

    "the page works with a keyboard only": async () => {
      const [page] = await devices(1);
      await page.goto(address);
      await page.locator("#name:focus").waitFor();
      await page.keyboard.type("ann");
      await page.keyboard.press("Tab");
      await page.keyboard.type(PASSWORDS.ann);
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Your devices" }).waitFor();
      await page.getByRole("button", { name: "Log out here" }).focus();
      await page.keyboard.press("Enter");
      await isLoginPage(page);
    },

    "while Redis is down an error page is shown, and afterwards the application works again": async () => {
      const [page] = await devices(1);
      await logIn(page, "ann");
      await server.send("SAVE");
      await server.stop();
      assert.equal((await page.reload()).status(), 500);
      await page.getByRole("heading", { name: "This did not work" }).waitFor();
      await server.run();
      await page.getByRole("link").click();
      await items(page).first().waitFor();
    },
  };
  for (const [name, run] of Object.entries(cases)) {
    await t.test(name, async (t) => {
      t.after(() => server.send("FLUSHALL"));
      await run();
    });
  }

  async function devices(count) {
    return Promise.all(Array.from({ length: count }, () => newDevice(browser)));
  }

  async function logIn(page, name) {
    await page.goto(address);
    await fillIn(page, name, PASSWORDS[name]);
    await page.getByText(`Logged in as ${name}`).waitFor();
  }
});

async function fillIn(page, name, password) {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

function items(page) {
  return page.getByRole("listitem");
}

async function says(page, text) {
  await page.getByRole("status").filter({ hasText: text }).waitFor();
}

async function isLoginPage(page) {
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  assert.equal(await items(page).count(), 0);
}

async function cookieOf(page) {
  const [cookie] = await page.context().cookies();
  return cookie;
}

async function sessionOf(page) {
  return claimsOf((await cookieOf(page)).value);
}

function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
}

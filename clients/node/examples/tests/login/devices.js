// The list of devices, and the logouts.
import assert from "node:assert/strict";
import { devices } from "playwright-core";

import { claimsOf, cookieOf, hasNoCookie, isLoginPage, items, says } from "../support/login-application.js";

const PHONE = devices["iPhone 15"];

export const DEVICES = {
  "each of two devices sees the other, and one logs both out": async (demo) => {
    const [laptop, phone] = [await demo.device(), await demo.device(PHONE)];
    await demo.logIn(laptop, "ann");
    await demo.logIn(phone, "ann");
    await laptop.goto(demo.address);
    for (const page of [laptop, phone]) {
      // The newest first.
      const names = await page.locator("li h2").allInnerTexts();
      assert.deepEqual(
        names.map((name) => name.replace("this device", "").trim()),
        ["Safari on iPhone", "Chrome on Linux"],
      );
      assert.equal(await page.getByText("this device", { exact: true }).count(), 1);
    }
    await laptop.getByRole("button", { name: "Log out everywhere" }).click();
    await says(laptop, "logged out on all your devices");
    await isLoginPage(laptop);
    await hasNoCookie(laptop);
    await phone.goto(demo.address);
    await says(phone, "Your session has ended");
    await isLoginPage(phone);
    await hasNoCookie(phone);
    await phone.reload();
    assert.equal(await phone.getByRole("status").count(), 0, "the message is shown once");
    assert.equal(await demo.server.send("DBSIZE"), 0);
  },

  "one device logs itself out, the other stays logged in": async (demo) => {
    const [laptop, phone] = await demo.devices(2);
    await demo.logIn(laptop, "ann");
    await demo.logIn(phone, "ann");
    await laptop.getByRole("button", { name: "Log out here" }).click();
    await says(laptop, "logged out on this device");
    await isLoginPage(laptop);
    await hasNoCookie(laptop);
    await phone.reload();
    assert.equal(await items(phone).count(), 1);
  },

  "one device logs the other out": async (demo) => {
    const [laptop, phone] = await demo.devices(2);
    await demo.logIn(phone, "ann");
    await demo.logIn(laptop, "ann");
    await laptop.getByRole("button", { name: /^Log out .*logged in/ }).click();
    await says(laptop, "That device is logged out");
    assert.equal(await items(laptop).count(), 1);
    await phone.reload();
    await isLoginPage(phone);
    await hasNoCookie(phone);
  },

  "a user cannot log out a device of another user": async (demo) => {
    const [anns, bobs, other] = await demo.devices(3);
    await demo.logIn(anns, "ann");
    await demo.logIn(bobs, "bob");
    await demo.logIn(other, "bob");
    await bobs.reload();
    const theirs = await cookieOf(anns);
    // A form with the id of a session of another user, which the page would not send.
    await bobs.locator("input[name=id]").evaluate((input, id) => {
      input.value = id;
    }, claimsOf(theirs.value).jti);
    await bobs.getByRole("button", { name: /^Log out .*logged in/ }).click();
    await says(bobs, "That device is logged out");
    assert.equal(await items(bobs).count(), 2);
    await anns.reload();
    assert.equal(await items(anns).count(), 1);
    assert.ok(await demo.isLive(theirs));
  },

  "the buttons of a page whose session was destroyed lead to the login page": async (demo) => {
    for (const name of ["Log out here", "Log out everywhere", /^Log out .*logged in/]) {
      const [page, other] = await demo.devices(2);
      if (name instanceof RegExp) await demo.logIn(other, "ann"); // the button of another device
      await demo.logIn(page, "ann");
      await demo.server.send("JRS.DESTROYALL", "ann");
      await page.getByRole("button", { name }).click();
      await isLoginPage(page);
    }
  },

  "an unknown value of the parameter done shows no message": async (demo) => {
    const page = await demo.device();
    for (const query of ["done=constructor", "done=__proto__", "done[]=here", "done=x"]) {
      await page.goto(`${demo.address}/?${query}`);
      await isLoginPage(page);
      assert.equal(await page.getByText(/logged out|changed/).count(), 0, query);
    }
  },

  "the page works with a keyboard only": async (demo) => {
    const page = await demo.device();
    await page.goto(demo.address);
    await page.locator("#name:focus").waitFor();
    await page.keyboard.type("ann");
    await page.keyboard.press("Tab");
    await page.keyboard.type("correct horse");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Your devices" }).waitFor();
    await page.getByRole("button", { name: "Log out here" }).focus();
    await page.keyboard.press("Enter");
    await isLoginPage(page);
  },

  "while Redis is down an error page is shown, and afterwards the application works again": async (demo) => {
    const page = await demo.device();
    await demo.logIn(page, "ann");
    await demo.server.send("SAVE");
    await demo.server.stop();
    assert.equal((await page.reload()).status(), 500);
    await page.getByRole("heading", { name: "This did not work" }).waitFor();
    await demo.server.run();
    await page.getByRole("link").click();
    await items(page).first().waitFor();
  },
};

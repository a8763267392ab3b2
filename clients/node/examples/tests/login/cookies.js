// The cookie, and requests that other sites cause.
import assert from "node:assert/strict";

import { cookieOf, hasNoCookie, isLoginPage, items, PASSWORDS } from "../support/login-application.js";

const DAY = 24 * 60 * 60;

export const COOKIES = {
  "scripts and other sites cannot read the cookie": async (demo) => {
    const page = await demo.device();
    await demo.logIn(page, "ann");
    const { name, domain, path, httpOnly, secure, sameSite } = await cookieOf(page);
    assert.deepEqual(
      { name, domain, path, httpOnly, secure, sameSite },
      { name: "__Host-session", domain: "localhost", path: "/", httpOnly: true, secure: true, sameSite: "Lax" },
    );
    assert.equal(await page.evaluate("document.cookie"), "");
  },

  "the browser keeps the cookie as long as the session lives": async (demo) => {
    const page = await demo.loggedInAgo("ann", DAY / 2);
    assert.equal((await cookieOf(page)).expires, -1);
    const before = Date.now() / 1000;
    await page.goto(demo.address);
    await items(page).first().waitFor();
    const { expires } = await cookieOf(page);
    assert.ok(expires > before + DAY - 60 && expires < Date.now() / 1000 + DAY + 60, `${expires - before}`);
  },

  "a visitor without a session gets no cookie": async (demo) => {
    const page = await demo.device();
    await page.goto(demo.address);
    await isLoginPage(page);
    await hasNoCookie(page);
    assert.equal(await demo.server.send("DBSIZE"), 0);
  },

  "forms of other sites are refused": async (demo) => {
    const page = await demo.device();
    // To the browser, localhost and 127.0.0.1 are different sites.
    await page.route("http://127.0.0.1/**", (route) =>
      route.fulfill({
        contentType: "text/html",
        body: `<form method="post" action="${demo.address}/login"><input name="name" value="bob">
          <input name="password" value="${PASSWORDS.bob}"><button>Win a prize</button></form>`,
      }),
    );
    await page.goto("http://127.0.0.1/");
    const answer = page.waitForResponse((response) => response.url() === `${demo.address}/login`);
    await page.getByRole("button").click();
    assert.equal((await answer).status(), 403);
    await page.getByText("This form came from another site").waitFor();
    await hasNoCookie(page);
  },

  "a link on another site does not log the user out": async (demo) => {
    const page = await demo.device();
    await demo.logIn(page, "ann");
    for (const token of ["x", (await cookieOf(page)).value.replace(/[^.]*$/, "")]) {
      await page.goto(`${demo.address}/?accessToken=${token}`);
      assert.equal(await items(page).count(), 1);
    }
    await cookieOf(page);
  },

  "responses restrict what their pages may do": async (demo) => {
    const page = await demo.device();
    const { "cache-control": cache, ...headers } = (await page.goto(demo.address)).headers();
    assert.equal(cache, "no-store");
    assert.match(headers["content-security-policy"], /^default-src 'none'; style-src 'self'; form-action 'self'/);
    assert.match(headers["content-security-policy"], /frame-ancestors 'none'/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["referrer-policy"], "same-origin");
  },
};

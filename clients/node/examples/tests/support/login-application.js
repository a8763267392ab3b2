/** The login applications, and what their users do in a browser. Each browser context is a device. */
import assert from "node:assert/strict";
import { Server } from "../../../tests/support/server.mjs";
import { OWN_KEY, oldLogin } from "../../../tests/support/tokens.mjs";
import { startApplication } from "./application.js";
import { newDevice, startBrowser } from "./browser.js";

export const PASSWORDS = { ann: "correct horse", bob: "battery staple" };

/** How many seconds a login is recent. Not the default, to test that the application uses the setting. */
export const RECENT_SECONDS = 90;

export class LoginApplication {
  server;
  address;
  #browser;

  constructor(server, address, browser) {
    this.server = server;
    this.address = address;
    this.#browser = browser;
  }

  /** Starts a server, a browser, and the application. All are stopped after the test. */
  static async start(test, application, environment = {}) {
    const server = await Server.start(test, OWN_KEY.settings, OWN_KEY.files);
    const browser = await startBrowser(test);
    return LoginApplication.#start(test, application, environment, server, browser);
  }

  /** Starts the application again, with the same server and browser. */
  startAnother(test, application, environment = {}) {
    return LoginApplication.#start(test, application, environment, this.server, this.#browser);
  }

  static async #start(test, application, environment, server, browser) {
    const address = await startApplication(test, application, {
      REDIS_URL: `redis://127.0.0.1:${server.port}`,
      RECENT_SECONDS: String(RECENT_SECONDS),
      ...environment,
    });
    // To browsers, `localhost` is as safe as HTTPS. Playwright's own requests know this name only, not the address.
    return new LoginApplication(server, address.replace("127.0.0.1", "localhost"), browser);
  }

  /** Closes all pages, and removes all sessions. */
  async reset() {
    await Promise.all(this.#browser.contexts().map((context) => context.close()));
    await this.server.send("FLUSHALL");
  }

  /** A page on each of `count` devices. */
  devices(count) {
    return Promise.all(Array.from({ length: count }, () => this.device()));
  }

  /** A page on one device. @param options of Playwright's browser context */
  device(options) {
    return newDevice(this.#browser, options);
  }

  async logIn(page, name) {
    await page.goto(this.address);
    await fillIn(page, name, PASSWORDS[name]);
    await page.getByText(`Logged in as ${name}`).waitFor();
  }

  /** A page on a device where the user has logged in some seconds ago. */
  async loggedInAgo(name, seconds, options) {
    const page = await this.device(options);
    const value = await oldLogin(this.server, name, { device: "A browser" }, seconds);
    // A login sets the cookie with all attributes, which are those of the new one.
    await this.logIn(page, name);
    const { expires: _, ...cookie } = await cookieOf(page);
    await this.server.send("JRS.DESTROY", cookie.value);
    await page.context().addCookies([{ ...cookie, value }]);
    return page;
  }

  /** Whether the session of this token exists. */
  async isLive({ value }) {
    return (await this.server.send("EXISTS", `sess:${claimsOf(value).jti}`)) === 1;
  }
}

export async function fillIn(page, name, password) {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

export function items(page) {
  return page.getByRole("listitem");
}

export async function says(page, text) {
  await page.getByRole("status").filter({ hasText: text }).waitFor();
}

export async function isOn(page, title) {
  await page.getByRole("heading", { name: title, level: 1, exact: true }).waitFor();
}

export async function isLoginPage(page) {
  await isOn(page, "Log in");
  assert.equal(await items(page).count(), 0);
}

export async function cookieOf(page) {
  const cookies = await page.context().cookies();
  assert.equal(cookies.length, 1);
  return cookies[0];
}

export async function hasNoCookie(page) {
  assert.deepEqual(await page.context().cookies(), []);
}

export function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
}

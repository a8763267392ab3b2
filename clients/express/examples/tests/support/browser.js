/** A real browser, without a window. */
import { chromium } from "playwright-core";

/** Where Debian has it. */
const PROGRAM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Nothing but the pages of the tests: no sandbox, which needs rights that tests lack, and no calls to its maker. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts a browser with an empty profile, which is gone after the test with the browser. */
export async function startBrowser(test) {
  const browser = await chromium.launch({ executablePath: PROGRAM, args: ARGUMENTS, headless: true });
  test.after(() => browser.close());
  return browser;
}

/** A page of a device of its own: with cookies that it shares with no other. */
export async function newDevice(browser, options = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(20_000);
  return context.newPage();
}

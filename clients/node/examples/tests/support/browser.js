/** A Chromium browser without a window. */
import { chromium } from "playwright-core";

/** The default is the path of the Debian package. */
const PROGRAM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** No sandbox, which needs privileges that tests do not have, and no requests except those of the tests. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts a browser with an empty profile. Both are removed after the test. */
export async function startBrowser(test) {
  const browser = await chromium.launch({ executablePath: PROGRAM, args: ARGUMENTS, headless: true });
  test.after(() => browser.close());
  return browser;
}

/** A page in a new browser context, which has its own cookies. */
export async function newDevice(browser, options = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(20_000);
  return context.newPage();
}

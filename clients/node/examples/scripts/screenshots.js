// Makes the pictures in docs/pictures: npm run screenshots
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { devices } from "playwright-core";
import UPNG from "upng-js";

import { NODE_LOGIN } from "../tests/support/application.js";
import { LoginApplication, PASSWORDS, RECENT_SECONDS } from "../tests/support/login-application.js";

const FOLDER = fileURLToPath(new URL("../../../../docs/pictures/", import.meta.url));
const COLOURS = 64;

/** The pages have the font of the system. In the pictures they have this one, the same on each machine. */
const FONT = new URL("../node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2", import.meta.url);

const LAPTOP = { viewport: { width: 760, height: 300 }, deviceScaleFactor: 2, bypassCSP: true };
const PHONE = { ...devices["iPhone 15"], deviceScaleFactor: 2, bypassCSP: true, colorScheme: "dark" };

const cleanups = [];
try {
  await takePictures({ after: (cleanup) => cleanups.unshift(cleanup) });
} finally {
  for (const cleanup of cleanups) await cleanup();
}

async function takePictures(script) {
  const demo = await LoginApplication.start(script, NODE_LOGIN);
  const laptop = await demo.device(LAPTOP);
  await laptop.goto(demo.address);
  await laptop.getByLabel("Name").fill("ann");
  await laptop.getByLabel("Password").fill(PASSWORDS.ann);
  await takePicture(laptop, "login");

  const phone = await demo.device(PHONE);
  await demo.logIn(phone, "ann");
  await demo.logIn(laptop, "ann");
  await takePicture(laptop, "devices");
  await phone.reload();
  await takePicture(phone, "devices-phone-dark");

  const later = await demo.loggedInAgo("ann", RECENT_SECONDS + 1, LAPTOP);
  await later.goto(`${demo.address}/email`);
  await later.getByLabel("Password").fill(PASSWORDS.ann);
  await takePicture(later, "confirm");
}

/** Writes a picture of the whole page. With few colors, which are enough here, the file is a third as large. */
async function takePicture(page, name) {
  const font = (await readFile(FONT)).toString("base64");
  await page.addStyleTag({
    content: `
      @font-face { font-family: picture; font-weight: 100 900; src: url(data:font/woff2;base64,${font}) }
      body { font-family: picture }`,
  });
  await page.evaluate("document.fonts.ready");
  const picture = UPNG.decode(await page.screenshot({ fullPage: true }));
  const { width, height } = picture;
  await writeFile(`${FOLDER}${name}.png`, Buffer.from(UPNG.encode(UPNG.toRGBA8(picture), width, height, COLOURS)));
}

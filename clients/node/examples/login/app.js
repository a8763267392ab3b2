// An application with a login. Users see the devices on which they are logged in, and can log them out.
import { fileURLToPath } from "node:url";
import express from "express";
import { jrsSession } from "jrs-session";

import { describeDevice } from "./device.js";
import { devicesPage, failurePage, loginPage } from "./pages.js";
import { isPassword } from "./users.js";

const COOKIE = "session";

/**
 * Creates the application.
 *
 * @param client a Redis client
 * @param secure whether browsers use HTTPS only
 */
export function createApp({ client, secure = false }) {
  const app = express();
  app.disable("x-powered-by");
  app.use("/style.css", express.static(fileURLToPath(new URL("style.css", import.meta.url))));
  // Tokens come from the cookie only. Otherwise a link on another site could contain a token in its query.
  const sessions = jrsSession({ client, cookie: COOKIE, requestArg: false });
  app.use(protect, express.urlencoded({ extended: false }), sessions);

  app.get("/", async (req, res) => {
    if (isLoggedIn(req)) return res.send(devicesPage({ ...pageOf(req), devices: await req.session.sessions() }));
    // A cookie without a session: it was destroyed, or it has expired.
    const ended = req.session.id === undefined && hasCookie(req);
    if (ended) clearCookie(res);
    res.send(loginPage({ ...pageOf(req), ended }));
  });

  app.post("/login", async (req, res) => {
    const { name = "", password = "" } = req.body ?? {};
    if (!(await isPassword(String(name), String(password)))) {
      return res.status(401).send(loginPage({ ...pageOf(req), name: String(name), wrong: true }));
    }
    await logIn(req.session, String(name), describeDevice(req.get("user-agent")));
    setCookie(res, req.session);
    res.redirect(303, "/");
  });

  // A visitor gets a session when there is something to store, logged in or not.
  app.post("/theme", async (req, res) => {
    const theme = req.body?.theme === "dark" ? "dark" : "light";
    if (req.session.id) await req.session.merge({ theme });
    else {
      req.session.theme = theme;
      await req.session.create();
      setCookie(res, req.session);
    }
    res.redirect(303, "/");
  });

  app.post("/logout", async (req, res) => {
    if (req.session.id) await req.session.destroy();
    clearCookie(res);
    res.redirect(303, "/?done=here");
  });

  app.post("/logout/device", onlyLoggedIn, async (req, res) => {
    // Searches the sessions of this user only, so that a user cannot destroy a session of another user.
    const device = (await req.session.sessions()).find(({ id }) => id === req.body?.id);
    await device?.destroy();
    res.redirect(303, "/?done=device");
  });

  app.post("/logout/everywhere", onlyLoggedIn, async (req, res) => {
    await req.session.destroyAll();
    clearCookie(res);
    res.redirect(303, "/?done=everywhere");
  });

  // Express recognises an error handler by its four parameters.
  app.use((error, _req, res, _next) => {
    console.error(error);
    res.status(error.status ?? 500).send(failurePage());
  });
  return app;

  function setCookie(res, session) {
    // Redis decides when the session expires. The browser must keep the cookie at least that long.
    res.cookie(COOKIE, session.jwt, { ...cookieOptions(), maxAge: 30 * 24 * 60 * 60 * 1000 });
  }

  function clearCookie(res) {
    res.clearCookie(COOKIE, cookieOptions());
  }

  function cookieOptions() {
    return { httpOnly: true, sameSite: "lax", secure, path: "/" };
  }
}

/**
 * Makes the session belong to a user.
 *
 * A session from before the login gets a new id, and its old token becomes invalid. This prevents session fixation: an
 * attacker who knows the old token has no session. A session of another user is destroyed, and its data is not kept.
 */
async function logIn(session, name, device) {
  if (session.owner !== "" && session.owner !== name) {
    await session.destroy();
    for (const field of Object.keys(session)) delete session[field]; // also id, claims and jwt
  }
  if (session.id) {
    await session.merge({ device });
    session.owner = name;
    await session.rotate({ reauth: true });
  } else {
    session.device = device;
    session.owner = name;
    await session.create();
  }
}

function isLoggedIn(req) {
  return req.session.owner !== "";
}

function onlyLoggedIn(req, res, next) {
  if (isLoggedIn(req)) next();
  else res.redirect(303, "/");
}

function hasCookie(req) {
  return new RegExp(`(^|; *)${COOKIE}=`).test(req.get("cookie") ?? "");
}

/** What every page shows. */
function pageOf(req) {
  return { user: req.session.owner, theme: req.session.theme, done: req.query.done };
}

/** Sets headers that restrict what pages may do, and refuses forms that pages of other sites send. */
function protect(req, res, next) {
  res.set({
    "Cache-Control": "no-store",
    "Content-Security-Policy":
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
  });
  const from = req.get("sec-fetch-site");
  if (req.method === "POST" && from !== undefined && from !== "same-origin") return res.status(403).send(failurePage());
  next();
}

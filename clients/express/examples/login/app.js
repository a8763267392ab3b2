// An application that people log in to: with several devices, and with a list of them to log out from.
import { fileURLToPath } from "node:url";
import express from "express";
import { jrsSession } from "jrs-session";

import { describeDevice } from "./device.js";
import { devicesPage, failurePage, loginPage } from "./pages.js";
import { isPassword } from "./users.js";

const COOKIE = "session";

/**
 * The application, with its sessions in Redis.
 *
 * @param client of Redis
 * @param secure whether browsers reach the application by HTTPS alone
 */
export function createApp({ client, secure = false }) {
  const app = express();
  app.disable("x-powered-by");
  app.use("/style.css", express.static(fileURLToPath(new URL("style.css", import.meta.url))));
  // No token but that of the cookie: a link on another site cannot name one in its query.
  const sessions = jrsSession({ client, cookie: COOKIE, requestArg: false });
  app.use(protect, express.urlencoded({ extended: false }), sessions);

  app.get("/", async (req, res) => {
    if (isLoggedIn(req)) return res.send(devicesPage({ ...pageOf(req), devices: await req.session.sessions() }));
    // A cookie without a session behind it: somebody has ended it, or nobody has used it for too long.
    const ended = req.session.id === undefined && hasCookie(req);
    if (ended) forget(res);
    res.send(loginPage({ ...pageOf(req), ended }));
  });

  app.post("/login", async (req, res) => {
    const { name = "", password = "" } = req.body ?? {};
    if (!(await isPassword(String(name), String(password)))) {
      return res.status(401).send(loginPage({ ...pageOf(req), name: String(name), wrong: true }));
    }
    await logIn(req.session, String(name), describeDevice(req.get("user-agent")));
    remember(res, req.session);
    res.redirect(303, "/");
  });

  // A visitor has a session as soon as there is something to remember, logged in or not.
  app.post("/theme", async (req, res) => {
    const theme = req.body?.theme === "dark" ? "dark" : "light";
    if (req.session.id) await req.session.merge({ theme });
    else {
      req.session.theme = theme;
      await req.session.create();
      remember(res, req.session);
    }
    res.redirect(303, "/");
  });

  app.post("/logout", async (req, res) => {
    if (req.session.id) await req.session.destroy();
    forget(res);
    res.redirect(303, "/?done=here");
  });

  app.post("/logout/device", onlyLoggedIn, async (req, res) => {
    // Looked up among the user's own, so that nobody ends a session of somebody else.
    const device = (await req.session.sessions()).find(({ id }) => id === req.body?.id);
    await device?.destroy();
    res.redirect(303, "/?done=device");
  });

  app.post("/logout/everywhere", onlyLoggedIn, async (req, res) => {
    await req.session.destroyAll();
    forget(res);
    res.redirect(303, "/?done=everywhere");
  });

  // Express tells it from other middleware by its four parameters.
  app.use((error, req, res, _next) => {
    console.error(error);
    res.status(error.status ?? 500).send(failurePage());
  });
  return app;

  function remember(res, session) {
    // The server knows when the session ends; the browser only has to keep the cookie for as long as it could last.
    res.cookie(COOKIE, session.jwt, { ...cookieOptions(), maxAge: 30 * 24 * 60 * 60 * 1000 });
  }

  function forget(res) {
    res.clearCookie(COOKIE, cookieOptions());
  }

  function cookieOptions() {
    return { httpOnly: true, sameSite: "lax", secure, path: "/" };
  }
}

/**
 * Makes the session that of a user.
 *
 * A session from before the login gets a new id, and its old token is dead: whoever has slipped a token of their own
 * into this browser (session fixation), or has seen the one it had, is left with nothing. A session of somebody else
 * ends, and what is in it stays theirs.
 */
async function logIn(session, name, device) {
  if (session.owner !== "" && session.owner !== name) {
    await session.destroy();
    for (const field of Object.keys(session)) delete session[field]; // id, claims and jwt as well
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

/** What every page needs to know. */
function pageOf(req) {
  return { user: req.session.owner, theme: req.session.theme, done: req.query.done };
}

/** Headers that let pages do no more than they need, and a refusal of forms that other sites' pages send. */
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

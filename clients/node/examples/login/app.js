// An application with a login. Users see the devices on which they are logged in, and can log them out. To change the
// e-mail address, they must have entered their password in the last minutes.
import express from "express";
import { jrsSession, requireRecentAuth } from "jrs-session";

import { describeDevice } from "./device.js";
import { deviceOf, renderPagesOf, STYLE } from "./rendering.js";
import { changeEmail, emailOf, isPassword } from "./users.js";

/**
 * Creates the application.
 *
 * @param client a Redis client
 * @param https whether browsers use HTTPS. The cookie then is `Secure` and has the name `__Host-session`
 * @param recent how many seconds after a login the e-mail address can be changed without the password
 */
export function createApp({ client, https = false, recent = 300 }) {
  const app = express();
  app.disable("x-powered-by");
  renderPagesOf(app);
  app.get("/style.css", (_req, res) => res.sendFile(STYLE)); // needs no session
  // Sets, renews and clears the cookie. Before a response ends, fields that have changed are saved.
  const sessions = jrsSession({ client, cookie: { secure: https }, autoSave: true });
  app.use(protect, express.urlencoded({ extended: false }), sessions, pageValues);

  app.get("/", async (req, res) => {
    // Without a session although the browser sends one: it was destroyed, or it has expired.
    const ended = !req.session.id && sendsSession(req);
    if (ended) await req.session.destroy(); // clears the cookie
    if (!isLoggedIn(req)) return res.render("login.html", { ended });
    const devices = await devicesOf(req.session);
    // The newest first.
    res.render("devices.html", { email: emailOf(req.session.owner), devices: devices.toReversed().map(deviceOf) });
  });

  app.post("/login", async (req, res) => {
    const { name = "", password = "" } = textsOf(req.body);
    if (!(await isPassword(name, password))) return res.status(401).render("login.html", { name, wrong: true });
    await req.session.logIn(name);
    req.session.device = describeDevice(req.get("user-agent"));
    res.redirect(303, "/");
  });

  // A visitor gets a session when there is something to store, logged in or not.
  app.post("/theme", (req, res) => {
    req.session.theme = req.body?.theme === "dark" ? "dark" : "light";
    res.redirect(303, "/");
  });

  app.post("/logout", async (req, res) => {
    await req.session.destroy();
    res.redirect(303, "/?done=here");
  });

  app.post("/logout/device", onlyLoggedIn, async (req, res) => {
    // Searches the sessions of this user only, so that a user cannot destroy a session of another user.
    const device = (await devicesOf(req.session)).find(({ id }) => id === req.body?.id);
    await device?.destroy();
    res.redirect(303, "/?done=device");
  });

  app.post("/logout/everywhere", onlyLoggedIn, async (req, res) => {
    await req.session.destroyAll();
    res.redirect(303, "/?done=everywhere");
  });

  // The server of the sessions decides whether the login is recent, by its own clock.
  const onlyRecentlyLoggedIn = requireRecentAuth(recent, {
    onStale: (req, res) => res.status(401).render("confirm.html", textsOf(req.body)),
  });

  app.get("/email", onlyLoggedIn, onlyRecentlyLoggedIn, (req, res) => {
    res.render("email.html", { email: emailOf(req.session.owner) });
  });

  app.post("/email", onlyLoggedIn, onlyRecentlyLoggedIn, saveEmail);

  app.post("/confirm", onlyLoggedIn, async (req, res) => {
    const { email = "", password = "" } = textsOf(req.body);
    // It must be the password of the user of this session.
    if (!(await isPassword(req.session.owner, password))) {
      return res.status(401).render("confirm.html", { email, wrong: true });
    }
    await req.session.rotate({ reauth: true });
    if (email === "") res.redirect(303, "/email");
    else saveEmail(req, res);
  });

  // Express recognizes an error handler by its four parameters.
  app.use((error, _req, res, _next) => {
    console.error(error);
    res.status(error.status ?? 500).render("failure.html", { user: "" });
  });
  return app;
}

function saveEmail(req, res) {
  const { email = "" } = textsOf(req.body);
  if (!/^[^\s@]+@[^\s@]+$/.test(email)) return res.status(400).render("email.html", { email, wrong: true });
  changeEmail(req.session.owner, email);
  res.redirect(303, "/?done=email");
}

/** The sessions of the user. Of the data, only the name of the device is read. */
function devicesOf(session) {
  return session.sessions({ fields: ["/device"] });
}

function isLoggedIn(req) {
  return req.session.owner !== "";
}

function onlyLoggedIn(req, res, next) {
  if (isLoggedIn(req)) next();
  else res.redirect(303, "/");
}

function sendsSession(req) {
  return /(^|; *|__Host-)session=/.test(req.get("cookie") ?? "");
}

/** The fields of a form. A field that is sent twice is a list, which this leaves out. */
function textsOf(body = {}) {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => typeof value === "string"));
}

/** What every page shows. */
function pageValues(req, res, next) {
  Object.assign(res.locals, { user: req.session.owner, theme: req.session.theme, done: req.query.done });
  next();
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
  if (req.method === "POST" && from !== undefined && from !== "same-origin") {
    return res.status(403).render("failure.html", { foreign: true });
  }
  next();
}

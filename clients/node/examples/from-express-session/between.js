// The application during the migration: jrs-session, with the same sessions as processes that use express-session.
import cookieParser from "cookie-parser";
import express from "express";
import { jrsSession } from "jrs-session";

import { carryOver, setCookies } from "./carry-over.js";
import { convertSession } from "./convert-session.js";

export function createApp({ client, secret, moveKey, converts = false }) {
  const app = express();
  const cookie = { name: "session", secure: process.env.NODE_ENV === "production" };
  const sessions = jrsSession({ client, cookie, requestArg: "accessToken" });
  app.use(cookieParser(secret), carryOver(moveKey), sessions);
  if (converts) app.use(convertSession);

  app.get("/", (req, res) => {
    res.json({ user: req.session.user, cart: req.session.cart });
  });

  app.post("/login/:user", async (req, res) => {
    const { session, params } = req;
    if (session.user !== undefined && session.user !== params.user) {
      // Another user was logged in: the new session must not contain data of that user.
      await session.destroy();
      for (const field of Object.keys(session)) delete session[field]; // also id, claims and jwt
    }
    session.user = params.user;
    // express-session refuses a session without this field.
    session.cookie ??= { originalMaxAge: null, path: "/" };
    if (session.id) await session.update();
    session.owner = params.user;
    await (session.id ? session.rotate({ reauth: true }) : session.create());
    setCookies(res, session);
    res.sendStatus(204);
  });

  app.post("/cart/:item", async (req, res) => {
    const { session, params } = req;
    session.cart = [...(session.cart ?? []), params.item];
    if (session.id) await session.update();
    else {
      session.cookie = { originalMaxAge: null, path: "/" };
      await session.create();
      setCookies(res, session);
    }
    res.sendStatus(204);
  });

  app.post("/logout", async (req, res) => {
    if (req.session.id) await req.session.destroy();
    res.clearCookie("session").clearCookie("connect.sid").sendStatus(204);
  });
  return app;
}

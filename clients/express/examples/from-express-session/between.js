// The same application with jrs-session, on the same sessions as processes that still have express-session.
import cookieParser from "cookie-parser";
import express from "express";
import { jrsSession } from "jrs-session";

import { adopt } from "./adopt.js";
import { carryOver, handOut } from "./carry-over.js";

export function createApp({ client, secret, moveKey, adopts = false }) {
  const app = express();
  app.use(cookieParser(secret), carryOver(moveKey), jrsSession({ client, cookie: "session" }));
  if (adopts) app.use(adopt);

  app.get("/", (req, res) => {
    res.json({ user: req.session.user, cart: req.session.cart });
  });

  app.post("/login/:user", async (req, res) => {
    const { session, params } = req;
    if (session.user !== undefined && session.user !== params.user) {
      // Somebody else was logged in here: what is in their session stays theirs.
      await session.destroy();
      for (const field of Object.keys(session)) delete session[field]; // id, claims and jwt as well
    }
    session.user = params.user;
    // express-session does not take a session without it.
    session.cookie ??= { originalMaxAge: null, path: "/" };
    if (session.id) await session.update();
    session.owner = params.user;
    await (session.id ? session.rotate({ reauth: true }) : session.create());
    handOut(res, session);
    res.sendStatus(204);
  });

  app.post("/cart/:item", async (req, res) => {
    const { session, params } = req;
    session.cart = [...(session.cart ?? []), params.item];
    if (session.id) await session.update();
    else {
      session.cookie = { originalMaxAge: null, path: "/" };
      await session.create();
      handOut(res, session);
    }
    res.sendStatus(204);
  });

  app.post("/logout", async (req, res) => {
    if (req.session.id) await req.session.destroy();
    res.clearCookie("session").clearCookie("connect.sid").sendStatus(204);
  });
  return app;
}

// The application after the migration.
import express from "express";
import { jrsSession } from "jrs-session";

const ATTRIBUTES = { httpOnly: true, sameSite: "lax", secure: process.env.NODE_ENV === "production" };

export function createApp({ client }) {
  const app = express();
  app.use(jrsSession({ client, cookie: "session", requestArg: false }));

  app.get("/", (req, res) => {
    res.json({ user: req.session.user, cart: req.session.cart });
  });

  app.post("/login/:user", async (req, res) => {
    const { session, params } = req;
    if (session.owner !== "" && session.owner !== params.user) {
      // Another user was logged in: the new session must not contain data of that user.
      await session.destroy();
      for (const field of Object.keys(session)) delete session[field]; // also id, claims and jwt
    }
    if (session.id) await session.merge({ user: params.user });
    else session.user = params.user;
    session.owner = params.user;
    await (session.id ? session.rotate({ reauth: true }) : session.create());
    res.cookie("session", session.jwt, ATTRIBUTES).sendStatus(204);
  });

  app.post("/cart/:item", async (req, res) => {
    const { session, params } = req;
    session.cart = [...(session.cart ?? []), params.item];
    if (session.id) await session.update();
    else res.cookie("session", await session.create(), ATTRIBUTES);
    res.sendStatus(204);
  });

  app.post("/logout", async (req, res) => {
    if (req.session.id) await req.session.destroy();
    res.clearCookie("session").sendStatus(204);
  });

  app.post("/logout/everywhere", async (req, res) => {
    if (req.session.owner) await req.session.destroyAll();
    res.clearCookie("session").sendStatus(204);
  });
  return app;
}

// The application after the migration.
import express from "express";
import { jrsSession } from "jrs-session";

const COOKIE = { name: "session", secure: process.env.NODE_ENV === "production" };

export function createApp({ client }) {
  const app = express();
  app.use(jrsSession({ client, cookie: COOKIE, autoSave: true }));

  app.get("/", (req, res) => {
    res.json({ user: req.session.user, cart: req.session.cart });
  });

  app.post("/login/:user", async (req, res) => {
    await req.session.logIn(req.params.user);
    req.session.user = req.params.user;
    res.sendStatus(204);
  });

  app.post("/cart/:item", (req, res) => {
    req.session.cart = [...(req.session.cart ?? []), req.params.item];
    res.sendStatus(204);
  });

  app.post("/logout", async (req, res) => {
    await req.session.destroy();
    res.sendStatus(204);
  });

  app.post("/logout/everywhere", async (req, res) => {
    if (req.session.owner) await req.session.destroyAll();
    res.sendStatus(204);
  });
  return app;
}

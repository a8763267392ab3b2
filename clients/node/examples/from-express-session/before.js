// The application before the migration, with express-session and connect-redis.

import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";

export function createApp({ client, secret }) {
  const app = express();
  app.use(
    session({
      store: new RedisStore({ client }),
      secret,
      resave: false,
      saveUninitialized: false,
      cookie: { sameSite: "lax" },
    }),
  );

  app.get("/", (req, res) => {
    res.json({ user: req.session.user, cart: req.session.cart });
  });

  app.post("/login/:user", (req, res, next) => {
    const { cart } = req.session;
    req.session.regenerate((error) => {
      if (error) return next(error);
      Object.assign(req.session, { user: req.params.user, cart });
      res.sendStatus(204);
    });
  });

  app.post("/cart/:item", (req, res) => {
    req.session.cart = [...(req.session.cart ?? []), req.params.item];
    res.sendStatus(204);
  });

  app.post("/logout", (req, res, next) => {
    req.session.destroy((error) => {
      if (error) return next(error);
      res.sendStatus(204);
    });
  });
  return app;
}

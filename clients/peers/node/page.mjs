// The pages of scripts/bench --clients in Express: the same handlers with express-session and with jrs-session.
//
//   node page.mjs peer|jrs redis-5|redis REDIS_PORT PORT      redis is node-redis 6
import { RedisStore } from "connect-redis";
import express from "express";
import session from "express-session";
import { jrsSession } from "jrs-session";
import { USER } from "./user.mjs";

const [, , side, clientName, redisPort, port] = process.argv;

const { createClient } = await import(clientName);
const client = createClient({ socket: { host: "127.0.0.1", port: Number(redisPort) } });
client.on("error", (error) => console.error("Redis:", error.message));
await client.connect();

const SIDES = {
  /** As in the README of connect-redis. */
  peer: {
    middleware: session({
      store: new RedisStore({ client }),
      resave: false,
      saveUninitialized: false,
      secret: "a secret of the benchmark",
    }),
    logIn: (req) => {
      Object.assign(req.session, USER);
    },
  },
  jrs: {
    middleware: jrsSession({ client, cookie: true, autoSave: true }),
    logIn: (req) => {
      Object.assign(req.session, USER, { owner: "ann" });
    },
  },
};
const { middleware, logIn } = SIDES[side];

let changes = 0;
const app = express();
app.use(middleware);
app.post("/login", (req, res) => {
  logIn(req);
  res.json({ ok: true });
});
app.get("/account", (req, res) => {
  if (!req.session.name) return res.status(401).json({ error: "login required" });
  res.json({ name: req.session.name, role: req.session.role, items: req.session.cart.length });
});
app.post("/seen", (req, res) => {
  if (!req.session.name) return res.status(401).json({ error: "login required" });
  changes += 1;
  req.session.seen = changes;
  res.json({ ok: true });
});

app.get("/seen", (req, res) => res.json({ seen: req.session.seen }));
app.listen(Number(port), "127.0.0.1");

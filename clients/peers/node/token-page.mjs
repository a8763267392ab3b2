// The pages of scripts/bench --clients in Express with jwt-redis-session and with jrs-session in its place: the same handlers,
// the same client (node-redis 2, which jwt-redis-session was written for), the token in the header x-access-token.
//
//   node token-page.mjs peer|jrs REDIS_PORT PORT
import express from "express";
import { jrsSession } from "jrs-session";
import jwtRedisSession from "jwt-redis-session";
import redis from "redis-2";
import { USER } from "./user.mjs";

const [, , side, redisPort, port] = process.argv;

const client = redis.createClient(Number(redisPort), "127.0.0.1");
client.on("error", (error) => console.error("Redis:", error.message));

const SIDES = {
  peer: () => jwtRedisSession({ client, secret: "a secret of the benchmark, of 32 bytes" }),
  jrs: () => jrsSession({ client }),
};

let changes = 0;
const app = express();
app.use(SIDES[side]());
app.post("/login", (req, res, next) => {
  Object.assign(req.session, USER);
  req.session.create((error, token) => (error ? next(error) : res.json({ ok: true, token })));
});
app.get("/account", (req, res) => {
  if (!req.session.name) return res.status(401).json({ error: "login required" });
  res.json({ name: req.session.name, role: req.session.role, items: req.session.cart.length });
});
app.post("/seen", (req, res, next) => {
  if (!req.session.name) return res.status(401).json({ error: "login required" });
  changes += 1;
  req.session.seen = changes;
  req.session.update((error) => (error ? next(error) : res.json({ ok: true })));
});

app.get("/seen", (req, res) => res.json({ seen: req.session.seen }));
app.listen(Number(port), "127.0.0.1");

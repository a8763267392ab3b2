/** The test application in Express. */
import express5 from "express";
import express4 from "express-4";
import { jrsSession, requireRecentAuth } from "jrs-session";

import { listening } from "../browser.mjs";
import { describeError } from "../routes.mjs";

/** Starts the application. @returns its address */
async function start(t, express, { options, routes, recentAuth, key = "session" }) {
  const app = express();
  app.use(express.json(), jrsSession(options));
  for (const { method, path, recent, handler } of routes) {
    const guards = recent ? [requireRecentAuth(recent, recentAuth)] : [];
    app[method.toLowerCase()](path, ...guards, (req, res, next) => {
      Promise.resolve(handler(exchangeOf(req, key)))
        .then((result) => answer(res, result))
        .catch(next);
    });
  }
  app.use((error, _req, res, next) => {
    if (res.headersSent) next(error);
    else res.status(500).json(describeError(error));
  });
  return listening(t, app);
}

function exchangeOf(req, key) {
  return {
    get session() {
      return req[key];
    },
    set session(value) {
      req[key] = value;
    },
    params: req.params,
    body: req.body ?? {},
  };
}

async function answer(res, { headers = {}, json, redirect, stream }) {
  res.set(headers);
  if (redirect) res.redirect(redirect);
  else if (stream) {
    for await (const chunk of stream()) res.write(chunk);
    res.end();
  } else res.json(json);
}

export const express = {
  start: (t, application) => start(t, express5, application),
  onStale: (_req, res) => res.redirect("/confirm"),
};

/** The application in Express 4. */
export const expressV4 = { ...express, start: (t, application) => start(t, express4, application) };

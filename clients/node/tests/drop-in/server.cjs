"use strict";
// Replaces test/fixture/server.js of jwt-redis-session: the same interface, but with the Express and the Redis client that
// the environment names, and on a free port instead of 8000.
const { createServer } = require("node:http");
const { once } = require("node:events");

const express = require(process.env.DROP_IN_EXPRESS);
const connect = import("../support/clients.mjs").then(({ STANDALONE }) => STANDALONE[process.env.DROP_IN_CLIENT]);

let app;
let client;
let server;

function stack() {
  return (app._router ?? app.router).stack; // Express 4, Express 5
}

module.exports = {
  addRoute(path, method, handler) {
    app[method](path, handler);
  },

  removeRoute(path, method) {
    const kept = stack().filter(({ route }) => !(route?.path === path && (!method || route.methods[method])));
    stack().splice(0, Infinity, ...kept);
  },

  inspect: () => ({ app, client: { quit: () => undefined }, server }),

  async start(_log, setup, callback) {
    const connection = await (await connect)(Number(process.env.REDIS_PORT));
    client = connection;
    app = express();
    app.use(express.urlencoded({ extended: false }), express.json());
    setup(app, connection.client, async () => {
      server = createServer(app).listen(0, "127.0.0.1");
      await once(server, "listening");
      process.env.DROP_IN_PORT = server.address().port;
      callback();
    });
  },

  end(callback) {
    client.close();
    server.close(callback);
    server.closeAllConnections();
  },
};

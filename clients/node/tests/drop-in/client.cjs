"use strict";
// Replaces test/fixture/client.js of jwt-redis-session, whose HTTP library is not available any more.

module.exports = function request({ method, path, headers = {} }, data, callback) {
  const url = new URL(path, `http://127.0.0.1:${process.env.DROP_IN_PORT}`);
  const init = { method: method.toUpperCase(), headers: { ...headers } };
  if (init.method === "POST") {
    init.headers["content-type"] = "application/json";
    init.body = JSON.stringify(data);
  } else {
    for (const [name, value] of Object.entries(data ?? {})) url.searchParams.set(name, value);
  }
  void fetch(url, init)
    .then(
      async (response) => {
        const body = await response.text();
        try {
          return [null, JSON.parse(body)];
        } catch {
          return [body];
        }
      },
      (error) => [error],
    )
    .then((outcome) => process.nextTick(callback, ...outcome));
};

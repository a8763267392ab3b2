"use strict";
// Runs one action with the npm package jwt-redis-session, through its middleware as an Express application does, and prints
// the result as one line of JSON. The only argument is JSON:
//   port     of the Redis server
//   options  of the middleware: secret, and keyspace, maxAge, algorithm if they differ from the defaults
//   action   create | read | update | touch | reload | destroy
//   token    the token of the request (all actions but create)
//   data     members to set on the session before create and update
//   claims   for create
//   between  for reload: a Redis command to send after the session was read and before it is reloaded

const redis = require("redis");
const jwtRedisSession = require("jwt-redis-session");

const { port, options, action, token, data, claims, between } = JSON.parse(process.argv[2]);

/** A promise for a function whose last argument is a Node callback. */
const promised = (call) => new Promise((resolve, reject) => {
  call((error, value) => (error ? reject(error) : resolve(value)));
});

/** The value of req.session after the middleware has run. */
async function sessionOfRequest(client) {
  const request = { get: () => undefined, query: { accessToken: token } };
  await promised((next) => jwtRedisSession({ client, ...options })(request, {}, next));
  return request.session;
}

async function act(client) {
  const session = await sessionOfRequest(client);
  if (action === "create") {
    Object.assign(session, data);
    const created = await promised((done) => session.create(claims ?? {}, done));
    return { id: session.id, token: created };
  }
  // In a request without a session only the id is missing.
  if (!session.id) return { found: false };
  if (action === "update") Object.assign(session, data);
  if (between) await promised((done) => client.send_command(between[0], between.slice(1), done));
  if (action !== "read") await promised((done) => session[action](done));
  return { found: true, id: session.id, claims: session.claims, data: session.toJSON() };
}

const client = redis.createClient({ port });
act(client).then(
  // QUIT comes after the touch that the middleware sends without waiting for it.
  (outcome) => client.quit(() => console.log(JSON.stringify(outcome))),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);

// The core in CommonJS: the session of a request that is not one of node:http.
import core = require("jrs-session/core");
import redis = require("redis");

const client = redis.createClient({ socket: { host: "127.0.0.1", port: Number(process.argv[2]) } });

async function main(): Promise<void> {
  await client.connect();
  const sessions: core.Sessions = core.createSessions({ client, bearer: true });
  const session: core.Session = await sessions.getSession({ headers: {} });
  const token = await session.logIn("ann");
  const { owner } = await sessions.getSession({ get: (name) => (name === "authorization" ? `Bearer ${token}` : "") });
  const error: unknown = await session.logIn("").catch((error: unknown) => error);
  console.log(owner, error instanceof core.SessionError && error.code);
  client.destroy();
}
void main();

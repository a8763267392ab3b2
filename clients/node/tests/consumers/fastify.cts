// The same application in CommonJS.
import createFastify = require("fastify");
import jrsSession = require("jrs-session/fastify");
import redis = require("redis");

const { requireRecentAuth } = jrsSession;
const client = redis.createClient({ socket: { host: "127.0.0.1", port: Number(process.argv[2]) } });
const options: jrsSession.Options = { client, cookie: { name: "sid", secure: false }, autoSave: true };
const app = createFastify.default();
app.register(jrsSession, options);
app.post("/", async ({ session }) => {
  await session.logIn(42);
  session.name = "Ann";
  return {};
});
app.get("/", async ({ session }) => `${session.owner} ${session.name}`);
app.post("/email", { preHandler: requireRecentAuth(300) }, async () => ({}));

async function main(): Promise<void> {
  await client.connect();
  const { headers } = await app.inject({ method: "POST", url: "/" });
  const cookie = String(headers["set-cookie"]).split(";")[0] ?? "";
  console.log((await app.inject({ url: "/", headers: { cookie } })).body, jrsSession === jrsSession.jrsSession);
  client.destroy();
}
void main();

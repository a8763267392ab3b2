// The same application in CommonJS.
import hono = require("hono");
import jrsSession = require("jrs-session/hono");
import redis = require("redis");

const { requireRecentAuth } = jrsSession;
const client = redis.createClient({ socket: { host: "127.0.0.1", port: Number(process.argv[2]) } });
const options: jrsSession.Options = { client, cookie: { name: "sid", secure: false }, autoSave: true };
const app = new hono.Hono();
app.use(jrsSession(options));
app.post("/", async (c) => {
  await c.get("session").logIn(42);
  c.get("session").name = "Ann";
  return c.json({});
});
app.get("/", (c) => c.text(`${c.var.session.owner} ${c.var.session.name}`));
app.post("/email", requireRecentAuth(300), (c) => c.json({}));

async function main(): Promise<void> {
  await client.connect();
  const created = await app.request("/", { method: "POST" });
  const cookie = created.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const found = await (await app.request("/", { headers: { cookie } })).text();
  console.log(found, jrsSession === jrsSession.jrsSession);
  client.destroy();
}
void main();

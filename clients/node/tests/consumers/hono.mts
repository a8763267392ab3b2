// An application in Hono, as an ES module. Prints what the second request finds.
import { Hono } from "hono";
import type { Session } from "jrs-session";
import jrsSession, { type HonoSessions, jrsSession as named, type Options, requireRecentAuth } from "jrs-session/hono";
import { createClient } from "redis";

declare module "jrs-session" {
  interface SessionData {
    name: string;
  }
}

const client = createClient({ socket: { host: "127.0.0.1", port: Number(process.argv[2]) } });
await client.connect();
const options: Options = { client, cookie: { name: "sid", secure: false }, autoSave: true };
const sessions: HonoSessions = jrsSession(options);
const app = new Hono();
app.use(sessions);
// @ts-expect-error `secret` is a setting of the server
export const refused: Options = { client, secret: "abc123" };
if (named !== jrsSession) throw new Error("exports");

app.post("/", async (c) => {
  const session: Session = c.get("session");
  await session.logIn(42);
  c.var.session.name = "Ann";
  // @ts-expect-error the field is not declared
  session.nmae = "Ann";
  return c.json({});
});
app.get("/", (c) => c.text(`${c.get("session").owner} ${c.var.session.name}`));
app.post("/email", requireRecentAuth(300), (c) => c.json({}));
app.post("/password", requireRecentAuth(300, { onStale: (c) => c.redirect("/"), requestKey: "session" }), (c) =>
  c.json({}),
);

/** An application that assigns null. */
const nulls = new Hono<{ Variables: { session: Session | null } }>();
nulls.use(sessions);
nulls.post("/", (c) => {
  c.set("session", null);
  return c.json({ owner: c.get("session")?.owner });
});

const created = await app.request("/", { method: "POST" });
const cookie = created.headers.getSetCookie()[0]?.split(";")[0] ?? "";
const plain: Session = await sessions.getSession({ headers: { cookie } });
const fetched: Session = await sessions.getSession(new Request("http://127.0.0.1/", { headers: { cookie } }));
console.log(await (await app.request("/", { headers: { cookie } })).text(), plain.name === fetched.name);
client.destroy();

// An application in Fastify, as an ES module. Prints what the second request finds.
import createFastify from "fastify";
import type { Session } from "jrs-session";
import jrsSession, { jrsSession as named, type Options, requireRecentAuth } from "jrs-session/fastify";
import { createClient } from "redis";

declare module "jrs-session" {
  interface SessionData {
    name: string;
  }
}

const client = createClient({ socket: { host: "127.0.0.1", port: Number(process.argv[2]) } });
await client.connect();
const options: Options = { client, cookie: { name: "sid", secure: false }, autoSave: true };
const app = createFastify();
await app.register(jrsSession, options);
// @ts-expect-error `secret` is a setting of the server
export const refused: Options = { client, secret: "abc123" };
if (named !== jrsSession) throw new Error("exports");

app.post("/", async (request) => {
  const session: Session = request.session;
  await session.logIn(42);
  session.name = "Ann";
  // @ts-expect-error the field is not declared
  session.nmae = "Ann";
  return {};
});
app.get("/", async ({ session }) => `${session.owner} ${session.name}`);
app.post("/email", { preHandler: requireRecentAuth(300) }, async () => ({}));
app.post(
  "/password",
  {
    preHandler: [requireRecentAuth(300, { onStale: (_request, reply) => reply.redirect("/"), requestKey: "session" })],
  },
  async (request) => {
    request.session = null;
    return {};
  },
);

const { headers } = await app.inject({ method: "POST", url: "/" });
const cookie = String(headers["set-cookie"]).split(";")[0] ?? "";
const plain: Session = await app.getSession({ headers: { cookie } });
console.log((await app.inject({ url: "/", headers: { cookie } })).body, plain.name);
client.destroy();

// An adapter for node:http on the core, as an ES module. Prints what the second request finds.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type CoreOptions, createSessions, recentAuthRefusal, SessionError, varyByCookie } from "jrs-session/core";
import { createClient } from "redis";

const client = createClient({ socket: { host: "127.0.0.1", port: Number(process.argv[2]) } });
await client.connect();
const options: CoreOptions = { client, cookie: { name: "sid", secure: false }, autoSave: true };
// @ts-expect-error the name of the session in the request is a matter of the adapter
export const refused: CoreOptions = { client, requestKey: "session" };
const sessions = createSessions(options);

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const opened = sessions.open(request);
  await opened.load();
  const { session } = opened;
  if (!session) throw new Error("the session was not discarded");
  if (request.method === "POST") await session.logIn(42, { claims: { role: "editor" } });
  session.count = (session.count ?? 0) + 1;
  const refusal = await recentAuthRefusal(session, 300, "session");
  await opened.finish();
  const line = opened.setCookie(response.getHeader("set-cookie"));
  if (line !== undefined) response.setHeader("Set-Cookie", line).setHeader("Vary", varyByCookie(undefined));
  response.end(`${session.owner} ${session.claims?.role} ${session.count} ${refusal === undefined}`);
}

const server = createServer((request, response) => {
  handle(request, response).catch((error) => response.end(String(error instanceof SessionError && error.code)));
});
await once(server.listen(0, "127.0.0.1"), "listening");
const address = server.address();
if (address === null || typeof address === "string") throw new Error("no port");
const url = `http://127.0.0.1:${address.port}/`;
const first = await fetch(url, { method: "POST" });
const cookie = first.headers.get("set-cookie")?.split(";")[0] ?? "";
console.log(await (await fetch(url, { headers: { cookie } })).text());
process.exit();

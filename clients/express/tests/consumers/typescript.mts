import express from "express";
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster, createClientPool } from "redis";
import { createClient as createClient4, createCluster as createCluster4 } from "redis-4";
import { createClient as createClient6, createCluster as createCluster6 } from "redis-6";
import jrsSession, { type Callback, type Options, type SessionInfo, type Session, SessionError } from "jrs-session";

/** Every client is one for the option `client`. */
export const clients: Options["client"][] = [
  new Redis({ lazyConnect: true }),
  new Cluster([], { lazyConnect: true }),
  createClient(),
  createClient({ RESP: 3 }),
  createCluster({ rootNodes: [] }),
  createClientPool(),
  createClient4(),
  createCluster4({ rootNodes: [] }),
  createClient6(),
  createCluster6({ rootNodes: [] }),
];

// @ts-expect-error `secret` belongs to the server
export const refused: Options = { client: createClient(), secret: "abc123" };

/** The cookie alone. */
export const cookie: Options = { client: createClient(), cookie: "sid", requestArg: false };

// @ts-expect-error the parameter has a name, or there is none
export const nameless: Options = { client: createClient(), requestArg: true };

const client = createClient({ socket: { host: "127.0.0.1", port: Number(process.argv[2]) } });
await client.connect();
const app = express();
app.use(jrsSession({ client, bearer: true }));

const hello: Callback<string> = (error, token) => {
  if (error) throw error;
  const text: string | undefined = token;
  if (!text) throw new Error("no token");
};

/** Callbacks as they are written. */
export function callbacks(session: Session, next: express.NextFunction) {
  session.create((error: Error | null) => next(error));
  session.create({}, (error: Error | null, token?: string) => next(error ?? token));
  session.touch((error: unknown, seconds) => next(error ?? seconds));
  session.update((error) => next(error));
  session.destroy(next);
  session.reload(() => next());
}

app.post("/", async (request, response) => {
  const session: Session = request.session;
  session.owner = 42;
  session.greeting = "hello";
  const token: string = await session.create({ role: "editor" });
  session.create(hello);
  response.json({ token });
});
app.get("/", async (request, response) => {
  const sessions: SessionInfo[] = await request.session.sessions();
  const created: Date | undefined = sessions[0]?.created;
  const seconds: number = await request.session.touch();
  const code = await request.session.update().catch((error: SessionError) => error.code);
  console.log(request.session.owner, request.session.greeting, created instanceof Date, seconds, code);
  response.json({});
});

const listener = app.listen(0, "127.0.0.1", async () => {
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const url = `http://127.0.0.1:${address.port}/`;
  const { token } = (await (await fetch(url, { method: "POST" })).json()) as { token: string };
  await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  process.exit();
});

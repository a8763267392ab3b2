import type { IncomingMessage } from "node:http";
import express from "express";
import { Cluster, Redis } from "ioredis";
import jrsSession, {
  type AsyncMethod,
  type Callback,
  type Options,
  requireRecentAuth,
  reservedMembers,
  type Session,
  type SessionError,
  type SessionInfo,
  type SessionMiddleware,
  type SessionSummary,
  type TokenReuse,
} from "jrs-session";
import { createClient, createClientPool, createCluster, createSentinel } from "redis";
import { createClient as createClient4, createCluster as createCluster4 } from "redis-4";
import {
  createClient as createClient6,
  createCluster as createCluster6,
  createSentinel as createSentinel6,
} from "redis-6";

/** The option `client` accepts every supported client. */
export const clients: Options["client"][] = [
  new Redis({ lazyConnect: true }),
  new Cluster([], { lazyConnect: true }),
  createClient(),
  createClient({ RESP: 3 }),
  createCluster({ rootNodes: [] }),
  createClientPool(),
  createSentinel({ name: "sessions", sentinelRootNodes: [] }),
  createClient4(),
  createCluster4({ rootNodes: [] }),
  createClient6(),
  createCluster6({ rootNodes: [] }),
  createSentinel6({ name: "sessions", sentinelRootNodes: [] }),
];

// @ts-expect-error `secret` is a setting of the server
export const refused: Options = { client: createClient(), secret: "abc123" };

/** Tokens come from the cookie only. */
export const cookies: Options[] = [
  { client: createClient(), cookie: true, autoSave: true },
  { client: createClient(), cookie: "sid" },
  { client: createClient(), cookie: { name: "sid", domain: "example.org", sameSite: "strict", persistent: false } },
];

// @ts-expect-error the value has another case in this option
export const miswritten: Options = { client: createClient(), cookie: { sameSite: "Lax" } };
// @ts-expect-error the server decides how long a session lives
export const lasting: Options = { client: createClient(), cookie: { maxAge: 1000 } };

// @ts-expect-error `requestArg` is a name or false
export const nameless: Options = { client: createClient(), requestArg: true };

const client = createClient({ socket: { host: "127.0.0.1", port: Number(process.argv[2]) } });
await client.connect();
const app = express();
const sessions: SessionMiddleware = jrsSession({ client, bearer: true });
app.use(sessions);

/** The session of a request that does not pass through Express. */
export async function accept(request: IncomingMessage): Promise<string> {
  const session: Session = await sessions.getSession(request);
  return session.owner;
}

const hello: Callback<string> = (error, token) => {
  if (error) throw error;
  const text: string | undefined = token;
  if (!text) throw new Error("no token");
};

/** Callbacks as applications write them. */
export function callbacks(session: Session, next: express.NextFunction) {
  session.create((error: Error | null) => next(error));
  session.create({}, (error: Error | null, token?: string) => next(error ?? token));
  session.touch((error: unknown, seconds) => next(error ?? seconds));
  session.update((error) => next(error));
  session.merge({ a: 1 }, (error) => next(error));
  session.rotate((error, token) => next(error ?? token?.length));
  session.rotate({ reauth: true }, (error, token) => next(error ?? token?.length));
  session.rotate({ grace: 1000 }, (error, token) => next(error ?? token?.length));
  session.logIn(42, (error, token) => next(error ?? token?.length));
  session.logIn("ann", { claims: { role: "editor" } }, (error, token) => next(error ?? token?.length));
  session.mint((error, token) => next(error ?? token?.length));
  session.mint({ audience: "orders", expiresIn: 60 }, (error, token) => next(error ?? token?.length));
  session.sessions({ limit: 1 }, (error, list) => next(error ?? list?.[0]?.data.device));
  session.sessions({ fields: ["/device"] }, (error, list) => next(error ?? list?.[0]?.fields["/device"]));
  session.destroyAll({ keepCurrent: true }, (error, count) => next(error ?? count?.toFixed()));
  session.sessions((error, list) => list?.[0]?.destroy((failure, ended) => next(error ?? failure ?? ended)));
  session.destroy(next);
  session.reload(() => next());
  session.save(next);
}

/** Calls that are mistakes. */
export function mistakes(session: Session) {
  // @ts-expect-error the seconds are required
  requireRecentAuth();
  // @ts-expect-error the user is required
  session.logIn();
  // @ts-expect-error the option has another name
  session.logIn("ann", { claim: {} });
  // @ts-expect-error a patch is required
  session.merge();
  // @ts-expect-error the option has another name
  session.destroyAll({ keepThis: true });
  // @ts-expect-error a login must end the old token at once
  session.rotate({ grace: 1000, reauth: true });
  // @ts-expect-error the option has another name
  session.mint({ aud: "orders" });
  // @ts-expect-error the lifetime is a number of seconds
  session.mint({ expiresIn: "1h" });
  // @ts-expect-error an array of pointers
  session.sessions({ fields: "/device" });
  // @ts-expect-error the callback is the last argument
  session.touch(1);
  // @ts-expect-error a call with a callback does not return a promise
  session.save(hello).catch(hello);
  // @ts-expect-error the result is a number
  const text: Promise<string> = session.touch();
  // @ts-expect-error an owner is a string or a number
  session.owner = { id: 1 };
  return text;
}

/** The option `fields` decides about the type of the list. */
export async function lists(session: Session, pointers: string[], reauth: boolean | undefined): Promise<unknown[]> {
  await session.rotate({ reauth });
  const [all] = await session.sessions({ limit: 20, after: "id" });
  const [some] = await session.sessions({ fields: ["/device", "/place/city"] });
  const [any]: SessionSummary[] = await session.sessions({ fields: pointers });
  // @ts-expect-error without data
  const data: unknown = some?.data;
  // @ts-expect-error without fields
  const fields: unknown = all?.fields;
  // @ts-expect-error this pointer was not requested
  const ip: unknown = some?.fields["/ip"];
  const ended: 0 | 1 | undefined = await some?.destroy();
  return [all?.data.device, some?.fields["/place/city"], any?.fields["/x"], data, fields, ip, ended];
}

/** Middlewares for sensitive routes, and the report of a reused token. */
export const guards: express.RequestHandler[] = [
  requireRecentAuth(300),
  requireRecentAuth(300, { onStale: (_request, response) => response.redirect("/confirm"), requestKey: "jwtSession" }),
  requireRecentAuth(300, { onStale: async (_request, _response, next) => next() }),
];
export const reporting: Options = {
  client: createClient(),
  onReuse: async ({ owner, claims, request }: TokenReuse) => console.warn(owner, claims.jti, request.ip),
};

/** Fields of any name, unless the application declares SessionData. */
export async function fields(session: Session): Promise<string> {
  session.cart = ["book"];
  session.cart.push("pen");
  const [first]: string[] = session.cart;
  const extend: AsyncMethod<number> = session.touch;
  const reserved: unknown = session[reservedMembers].id;
  const role: string = session.claims?.role;
  return `${first} ${await extend.call(session)} ${reserved} ${role}`;
}

/** A type argument declares the fields of one session. */
export function typed(session: Session<{ cart: string[] }>): string | undefined {
  session.cart ??= [];
  // @ts-expect-error the field has another type
  session.cart = "book";
  // @ts-expect-error the field is not declared
  session.basket = [];
  return session.cart?.[0];
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

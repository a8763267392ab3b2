import { createClient } from "redis";

import jrsSession = require("jrs-session");

const { SessionError } = jrsSession;
const options: jrsSession.Options = {
  client: createClient({ socket: { host: "127.0.0.1", port: Number(process.argv[2]) } }),
};
const middleware: jrsSession.Middleware = jrsSession(options);
export const guard: jrsSession.Middleware = jrsSession.requireRecentAuth(300);
export const mintOptions: jrsSession.MintOptions = { audience: "orders", expiresIn: 60, claims: { scope: "read" } };
export const listed: jrsSession.SessionsOptions = { fields: ["/device"], limit: 20 };
const request: { headers: object; session?: jrsSession.Session } = { headers: {} };
middleware(request, {}, async () => {
  const error: unknown = await request.session?.touch().catch((error: unknown) => error);
  console.log(error instanceof SessionError && error.code);
});

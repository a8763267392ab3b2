import { createClient } from "redis";

import jrsSession = require("jrs-session");

const { SessionError } = jrsSession;
const options: jrsSession.Options = {
  client: createClient({ socket: { host: "127.0.0.1", port: Number(process.argv[2]) } }),
};
const middleware: jrsSession.Middleware = jrsSession(options);
const request: { headers: object; session?: jrsSession.Session } = { headers: {} };
middleware(request, {}, async () => {
  const error: unknown = await request.session?.touch().catch((error: unknown) => error);
  console.log(error instanceof SessionError && error.code);
});

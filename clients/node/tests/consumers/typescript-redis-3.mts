// The client library that jwt-redis-session was written for, as @types/redis declares it.

import { jrsSession, type Options } from "jrs-session";
import { createClient } from "redis";

const client = createClient({ port: Number(process.argv[2]), host: "127.0.0.1", prefix: "app:" });
const options: Options = { client };
const request: { headers: object; session?: import("jrs-session").Session } = { headers: {} };
jrsSession(options)(request, {}, async () => {
  await request.session?.create();
  console.log(typeof request.session?.jwt);
  client.quit();
});

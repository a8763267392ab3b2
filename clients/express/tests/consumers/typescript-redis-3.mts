// The client that jwt-redis-session was made for, as @types/redis declares it.
import { createClient } from "redis";
import { type Options, jrsSession } from "jrs-session";

const client = createClient({ port: Number(process.argv[2]), host: "127.0.0.1", prefix: "app:" });
const options: Options = { client };
const request: { headers: object; session?: import("jrs-session").Session } = { headers: {} };
jrsSession(options)(request, {}, async () => {
  await request.session?.create();
  console.log(typeof request.session?.jwt);
  client.quit();
});

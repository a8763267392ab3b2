// A process of an application, started with the port of the server and the token of a session. Each line of input is a
// call on that session, `[method, ...arguments]`. Each line of output is the result of a call.
import { createInterface } from "node:readline";
import { jrsSession } from "jrs-session";
import { createClient } from "redis-5";

import { requestSession } from "../support/requests.mjs";

const [port, token] = process.argv.slice(2);
const client = createClient({ socket: { host: "127.0.0.1", port: Number(port) } });
client.on("error", () => undefined); // the server may be stopped before this process
await client.connect();
const session = await requestSession(jrsSession({ client }), token);

const calls = {
  set: (fields) => void Object.assign(session, fields),
  /** Concurrent merges, each of another field. */
  mergeMany: async (prefix, count) => {
    const merges = Array.from({ length: count }, (_, number) => session.merge({ [`${prefix}${number}`]: number }));
    await Promise.all(merges);
  },
  update: () => session.update(),
  merge: (patch) => session.merge(patch),
  destroy: () => session.destroy(),
};

console.log(JSON.stringify({ ready: session.id }));
for await (const line of createInterface({ input: process.stdin })) {
  const [method, ...rest] = JSON.parse(line);
  try {
    console.log(JSON.stringify({ value: (await calls[method](...rest)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ code: error.code ?? error.message }));
  }
}
client.destroy();

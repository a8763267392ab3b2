// One process of an application. Each line of input is a call, `[method, ...arguments]` of the session that the token
// in the arguments of the program belongs to; each line of output is what came of it.
import { createInterface } from "node:readline";
import { createClient } from "redis-5";
import { jrsSession } from "jrs-session";

import { visit } from "../support/visit.mjs";

const [port, token] = process.argv.slice(2);
const client = createClient({ socket: { host: "127.0.0.1", port: Number(port) } });
client.on("error", () => undefined); // the server may be stopped before this process
await client.connect();
const session = await visit(jrsSession({ client }), token);

const calls = {
  set: (fields) => void Object.assign(session, fields),
  /** Many merges at once, each of a counter of its own. */
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

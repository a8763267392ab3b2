// Uses sessions through Sentinels with ioredis. The argument is JSON: the name of the primary, the ports of the
// Sentinels, and the owners.
import { Redis } from "ioredis";

import { run } from "./load.mjs";

const { name, ports, owners } = JSON.parse(process.argv[2]);
const redis = new Redis({
  sentinels: ports.map((port) => ({ host: "127.0.0.1", port })),
  name,
  // By default ioredis sends a command again that was sent on a lost connection: it may run twice, and a WAIT on a new
  // connection replies at once.
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
});
redis.on("error", () => undefined); // each command has its own error

async function exchange(commands) {
  try {
    const replies = await redis.pipeline(commands.map((words) => ["call", ...words])).exec();
    return replies.map(([error, reply]) => error ?? reply);
  } catch (error) {
    return commands.map(() => error);
  }
}

await run(owners, exchange, () => redis.disconnect());

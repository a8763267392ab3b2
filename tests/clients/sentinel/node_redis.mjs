// Uses sessions through Sentinels with node-redis. The argument is that of ioredis.mjs.
import { createSentinel } from "redis";

import { run } from "./load.mjs";

const { name, ports, owners } = JSON.parse(process.argv[2]);
const sentinel = createSentinel({
  name,
  sentinelRootNodes: ports.map((port) => ({ host: "127.0.0.1", port })),
  // By default node-redis sends a command again if the connection was lost before the reply: it may run twice.
  maxCommandRediscovers: 0,
});
sentinel.on("error", () => undefined); // each command has its own error
await sentinel.connect();

async function exchange(commands) {
  const replies = await Promise.allSettled(commands.map((words) => sentinel.sendCommand(false, words)));
  return replies.map(({ value, reason }) => reason ?? value);
}

await run(owners, exchange, () => sentinel.destroy());

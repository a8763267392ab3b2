// Sends commands through createCluster of node-redis; see serve.mjs.

import { createCluster } from "redis";
import { nodes, options, serve } from "./serve.mjs";

const rootNodes = nodes.map((socket) => ({ socket }));
const cluster = createCluster({ rootNodes, useReplicas: options.replicas }).on("error", console.error);
await cluster.connect();

await serve({
  async send(words, { anywhere, read }) {
    return cluster.sendCommand(anywhere ? undefined : words[1], read, words);
  },

  async transaction(commands) {
    const multi = cluster.multi(commands[0][1]);
    for (const words of commands) multi.addCommand(words[1], false, words);
    return multi.exec();
  },
});

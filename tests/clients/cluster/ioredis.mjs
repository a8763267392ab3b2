// Sends commands through the class Cluster of ioredis; see serve.mjs.

import { Cluster, Command } from "ioredis";
import { nodes, options, serve } from "./serve.mjs";

const cluster = new Cluster(nodes, { scaleReads: options.replicas ? "slave" : "master" });

// ioredis does not know the keys of commands of modules.
class SessionCommand extends Command {
  getKeys() {
    return this.args.slice(0, 1);
  }
}

const command = ([name, ...args], readOnly) => new SessionCommand(name, args, { replyEncoding: "utf8", readOnly });

await serve({
  async send(words, { anywhere, read }) {
    return options.plain || anywhere ? cluster.call(...words) : cluster.sendCommand(command(words, read));
  },

  async transaction(commands) {
    const multi = cluster.multi();
    for (const words of commands) multi.sendCommand(command(words));
    const results = await multi.exec();
    return results.map(([error, reply]) => {
      if (error) throw error;
      return reply;
    });
  },
});

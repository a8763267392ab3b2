/** A Redis Cluster of three nodes, created with redis-cli. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { keySet, Server } from "./server.mjs";
import { until, WAIT_LIMIT } from "./wait.mjs";

export class Cluster {
  nodes;

  constructor(nodes) {
    this.nodes = nodes;
  }

  static async start(test) {
    const files = { "keys.json": keySet("shared") };
    const settings = { "cluster-enabled": "yes", "jrs.keys-file": "{folder}/keys.json" };
    const cluster = new Cluster(await Promise.all([1, 2, 3].map(() => Server.start(test, settings, files))));
    const addresses = cluster.ports.map((port) => `127.0.0.1:${port}`);
    const create = ["--cluster", "create", ...addresses, "--cluster-yes"];
    await promisify(execFile)("redis-cli", create, { timeout: WAIT_LIMIT });
    await until("all nodes of the cluster know each other", async () => {
      const states = await Promise.all(cluster.nodes.map((node) => node.send("CLUSTER", "INFO")));
      return states.every((info) => info.includes("cluster_state:ok") && info.includes("cluster_known_nodes:3"));
    });
    return cluster;
  }

  get ports() {
    return this.nodes.map((node) => node.port);
  }

  /** How many commands each node has redirected. */
  async redirections() {
    return Promise.all(
      this.nodes.map(async (node) => {
        const stats = await node.send("INFO", "errorstats");
        const counts = stats.matchAll(/errorstat_(?:MOVED|ASK):count=(\d+)/g);
        return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
      }),
    );
  }

  /** How many sessions each node has. */
  async sessions() {
    return Promise.all(this.nodes.map((node) => node.send("DBSIZE")));
  }
}

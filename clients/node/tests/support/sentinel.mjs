/** A primary, two replicas and three Sentinels that watch them. */
import { keySet, Server } from "./server.mjs";
import { until } from "./wait.mjs";

/** The name of the primary, which clients ask the Sentinels for. */
export const NAME = "sessions";

export class Sentinels {
  /** The servers; the first is the primary at the start. */
  servers;
  sentinels;

  constructor(servers, sentinels) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  static async start(test) {
    const files = { "keys.json": keySet("shared") };
    const settings = { "jrs.keys-file": "{folder}/keys.json", "repl-diskless-sync-delay": 0 };
    const primary = await Server.start(test, settings, files);
    const replicaSettings = { ...settings, replicaof: `127.0.0.1 ${primary.port}` };
    const replicas = await Promise.all([1, 2].map(() => Server.start(test, replicaSettings, files)));
    const watched = [
      `monitor ${NAME} 127.0.0.1 ${primary.port} 2`,
      `down-after-milliseconds ${NAME} 3000`,
      `failover-timeout ${NAME} 20000`,
    ];
    const sentinels = await Promise.all([1, 2, 3].map(() => Server.startSentinel(test, watched)));
    await until("the Sentinels know the servers and each other", async () => {
      const known = await Promise.all(sentinels.map((sentinel) => sentinel.send("SENTINEL", "MASTER", NAME)));
      return known.every(
        (primary) => field(primary, "num-slaves") === "2" && field(primary, "num-other-sentinels") === "2",
      );
    });
    await until("the replicas are synchronized", async () => {
      const infos = await Promise.all(replicas.map((replica) => replica.send("INFO", "replication")));
      return infos.every((info) => info.includes("master_link_status:up"));
    });
    return new Sentinels([primary, ...replicas], sentinels);
  }

  get addresses() {
    return this.sentinels.map(({ port }) => ({ host: "127.0.0.1", port }));
  }

  /** Waits until all Sentinels name a new primary. */
  async newPrimary() {
    const [primary] = this.servers;
    await until("a new primary", async () => {
      const addresses = await Promise.all(
        this.sentinels.map((sentinel) => sentinel.send("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)),
      );
      return addresses.every(([, port]) => port !== String(primary.port));
    });
  }
}

/** A field of the reply to SENTINEL MASTER: a name, its value, a name, … */
function field(reply, name) {
  return reply[reply.indexOf(name) + 1];
}

import type { Connection } from "./connection.js";
import { isIoredisClient } from "./ioredis.js";

/** A `Cluster` of `ioredis`. */
export interface IoredisCluster {
  readonly isCluster: boolean;
  createBuiltinCommand(name: string): { string: (...args: string[]) => unknown };
  sendCommand(command: never): unknown;
}

/** An instance of the class `Command` of `ioredis`, which is routed by the first of its keys. */
interface Command {
  getKeys(): string[];
}

/** Whether this is a `Cluster` of `ioredis`. */
export function isIoredisCluster(client: object): client is IoredisCluster {
  return isIoredisClient(client) && "isCluster" in client && client.isCluster === true;
}

/** The connection of a `Cluster`. */
export function ioredisClusterConnection(cluster: IoredisCluster): Connection {
  return {
    cluster: true,
    send: (words, key) => {
      const command = toCommand(cluster, words);
      if (key !== undefined) command.getKeys = () => [key];
      return cluster.sendCommand(command as never) as Promise<unknown>;
    },
  };
}

/**
 * Creates a command without sending it. `ioredis` does not know the keys of commands of modules: it sends them to any
 * node, which redirects them. So this package sets the keys itself.
 *
 * The class `Command` is reached through `createBuiltinCommand`, because this package does not depend on `ioredis`. The
 * function that it returns passes the new command to `this.sendCommand`.
 */
function toCommand(cluster: IoredisCluster, [name, ...args]: [string, ...string[]]): Command {
  const sender = { options: {}, sendCommand: (command: Command) => command };
  return cluster.createBuiltinCommand(name).string.apply(sender, args) as Command;
}

import type { Connection } from "./connection.js";
import { isIoredisClient } from "./ioredis.js";

/** A `Cluster` of `ioredis`. */
export interface IoredisCluster {
  readonly isCluster: boolean;
  createBuiltinCommand(name: string): { string: (...args: string[]) => unknown };
  sendCommand(command: never): unknown;
}

/** What `ioredis` sends: an instance of its class `Command`, which it routes by the first of these keys. */
interface Command {
  getKeys(): string[];
}

export function isIoredisCluster(client: object): client is IoredisCluster {
  return isIoredisClient(client) && "isCluster" in client && client.isCluster === true;
}

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
 * A command that is not sent yet. `ioredis` sends those that it does not know to any node, and has them redirected. So
 * it has to be told their keys, and the function that it makes for a command's name is the only way to its class
 * `Command` for a package that does not depend on `ioredis`: it hands what it has made to the `sendCommand` of its
 * `this`.
 */
function toCommand(cluster: IoredisCluster, [name, ...args]: [string, ...string[]]): Command {
  const sender = { options: {}, sendCommand: (command: Command) => command };
  return cluster.createBuiltinCommand(name).string.apply(sender, args) as Command;
}

/** A Redis client, reduced to what sessions need. */
export interface Connection {
  /** Whether the client is connected to a Redis Cluster, where it finds the node of a command by a key. */
  readonly cluster: boolean;

  /** Sends a command; in a cluster to the node of `key`. */
  send(command: [name: string, ...args: string[]], key?: string): Promise<unknown>;
}

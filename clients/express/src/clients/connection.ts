/** A Redis client, reduced to what sessions need of it. */
export interface Connection {
  /** Whether the client talks to a Redis Cluster, where commands find their node by a key. */
  readonly cluster: boolean;

  /** Sends a command, to the node of `key` if the client talks to a cluster. */
  send(command: [name: string, ...args: string[]], key?: string): Promise<unknown>;
}

/** The internals of a client of `redis` 2 or 3 that decide about its option `prefix`. They are not documented. */
export interface PrefixInternals {
  options: { prefix?: string | null | undefined };
  internal_send_command(command: { command: string }): unknown;
}

/** The clients that are already changed: an application may create several middlewares with one client. */
const changed = new WeakSet<PrefixInternals>();

/**
 * Makes a client of `redis` 2 or 3 send the commands of the module without its `prefix`.
 *
 * With a prefix, the client looks up the positions of the keys in a list of the commands of Redis, and throws
 * `Unknown command` for others. It does so when it writes the command. While it is not connected it queues commands, and
 * nothing can catch that error when it writes them later. So the prefix must be absent whenever one of these commands is
 * written, and present for all others.
 */
export function bypassPrefix(client: PrefixInternals): void {
  if (!client.options?.prefix || changed.has(client)) return;
  changed.add(client);
  const send = client.internal_send_command;
  client.internal_send_command = function internal_send_command(command) {
    if (!command.command.startsWith("jrs.")) return send.call(this, command);
    const { options } = this;
    // No code of the application runs before `finally`: the only callback that writing a command can call is ours.
    this.options = { ...options, prefix: null };
    try {
      return send.call(this, command);
    } finally {
      this.options = options;
    }
  };
}

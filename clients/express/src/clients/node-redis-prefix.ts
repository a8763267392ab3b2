import type { CallbackClientInside } from "./node-redis-callbacks.js";

/** The clients that have been seen to: an application may make several middlewares with one of them. */
const spared = new WeakSet<CallbackClientInside>();

/**
 * Makes a client of `redis` 2 or 3 that was made with a `prefix` send the module's commands without it.
 *
 * To find out where the keys are, it looks each command up in a list of those of Redis, and throws `Unknown command` at
 * others. It does so when it writes the command, which may be long after it was told to: what it keeps while it is not
 * connected, it throws at nobody who could catch it. So the prefix has to be out of the way whenever it writes one of
 * these commands, and in its place for all others.
 */
export function bypassPrefix(client: CallbackClientInside): void {
  if (!client.options?.prefix || spared.has(client)) return;
  spared.add(client);
  const send = client.internal_send_command;
  client.internal_send_command = function (command) {
    if (!command.command.startsWith("jrs.")) return send.call(this, command);
    const { options } = this;
    // Nothing of the application runs in between: writing a command calls nobody back but this package.
    this.options = { ...options, prefix: null };
    try {
      return send.call(this, command);
    } finally {
      this.options = options;
    }
  };
}

/** A value of a map reply, by name. Clients return maps as flat arrays (RESP2), or as `Map`s or objects (RESP3). */
export function member(reply: unknown, name: string): unknown {
  if (reply instanceof Map) return reply.get(name);
  if (!Array.isArray(reply)) return (reply as Record<string, unknown>)[name];
  for (let at = 0; at < reply.length; at += 2) if (text(reply[at]) === name) return reply[at + 1];
  return undefined;
}

/** A bulk string as text. Clients can be configured to return buffers. */
export function text(reply: unknown): string {
  return String(reply);
}

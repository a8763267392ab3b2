/** The value of that name in a reply that is a map: a flat array (RESP2), a `Map` or an object (RESP3). */
export function member(reply: unknown, name: string): unknown {
  if (reply instanceof Map) return reply.get(name);
  if (!Array.isArray(reply)) return (reply as Record<string, unknown>)[name];
  for (let at = 0; at < reply.length; at += 2) if (text(reply[at]) === name) return reply[at + 1];
  return undefined;
}

/** A bulk string as text: clients can be told to hand out buffers. */
export function text(reply: unknown): string {
  return String(reply);
}

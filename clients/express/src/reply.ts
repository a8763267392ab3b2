/** A reply that is a map, whatever the protocol and the client have made of it. */
export type Reply = ReadonlyMap<string, unknown>;

/** The map in a reply: a flat array (RESP2), an object or a `Map` (RESP3). */
export function map(reply: unknown): Reply {
  if (Array.isArray(reply)) return pairs(reply);
  const entries = reply instanceof Map ? reply.entries() : Object.entries(reply as object);
  return new Map([...entries].map(([name, value]) => [text(name), value]));
}

/** A bulk string as text: clients can be told to hand out buffers. */
export function text(reply: unknown): string {
  return String(reply);
}

function pairs(flat: readonly unknown[]): Reply {
  const found = new Map<string, unknown>();
  for (let at = 0; at < flat.length; at += 2) found.set(text(flat[at]), flat[at + 1]);
  return found;
}

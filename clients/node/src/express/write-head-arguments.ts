import type { ResponseLike } from "./request-and-response.js";

/** Headers that this package adds to. As arguments of `writeHead` they would replace what it has added. */
const SHARED: ReadonlySet<string> = new Set(["set-cookie", "vary"]);

/**
 * Sets the shared headers among the arguments of `writeHead`, and returns the arguments without them. The headers are an
 * object, or an array of names and values.
 */
export function writeHeadArguments(response: Pick<ResponseLike, "setHeader">, args: unknown[]): unknown[] {
  const headers = args.at(-1);
  if (typeof headers !== "object" || headers === null) return args;
  const pairs = Array.isArray(headers) ? pairsOf(headers) : Object.entries(headers);
  if (!pairs.some(isShared)) return args;
  const shared = new Map<string, string[]>();
  for (const [name, value] of pairs.filter(isShared)) {
    const key = String(name).toLowerCase();
    shared.set(key, [...(shared.get(key) ?? []), ...[value].flat().map(String)]);
  }
  for (const [name, values] of shared) response.setHeader(name, values.length === 1 ? String(values[0]) : values);
  const others = pairs.filter((pair) => !isShared(pair));
  return [...args.slice(0, -1), Array.isArray(headers) ? others.flat() : Object.fromEntries(others)];
}

function isShared([name]: readonly [unknown, unknown]): boolean {
  return SHARED.has(String(name).toLowerCase());
}

/** The pairs of a flat array, or of an array of pairs. */
function pairsOf(headers: unknown[]): [unknown, unknown][] {
  if (headers.every((entry) => Array.isArray(entry))) return headers as [unknown, unknown][];
  return Array.from({ length: headers.length >> 1 }, (_, at) => [headers[2 * at], headers[2 * at + 1]]);
}

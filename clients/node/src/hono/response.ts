import type { ReadableStream } from "node:stream/web";
import type { Context } from "hono";

import { varyByCookie } from "../core/cookie.js";
import type { RequestSession } from "../core/request-session.js";
import { webStreamThen } from "../core/stream-then.js";

/** Adds the cookie to the response, if it needs one. */
export function setCookie(c: Context, opened: RequestSession): void {
  // Most responses need none. Reading their headers would take @hono/node-server a noticeable time.
  if (opened.setCookie() === undefined) return;
  const line = opened.setCookie(c.res.headers.getSetCookie());
  if (line === undefined) return;
  const vary = varyByCookie(c.res.headers.get("vary") ?? undefined);
  try {
    c.res.headers.append("set-cookie", line);
    c.res.headers.set("vary", vary);
  } catch {
    // The headers of some responses cannot be changed, such as those of fetch() and Response.redirect().
    c.header("set-cookie", line, { append: true });
    c.header("vary", vary);
  }
}

/** If the body of the response is a stream, it ends only after `work`, and fails with the error of `work`. */
export function saveAfterBody(c: Context, work: () => Promise<unknown> | undefined): void {
  if (isComplete(c.res)) return;
  const { body } = c.res;
  if (body) c.res = new Response(webStreamThen(body as ReadableStream, work) as never, c.res);
}

/**
 * Whether the body is known not to be a stream. @hono/node-server sends a text without creating a stream for it, which
 * reading `body` would do; that takes more time than the rest of a request. Its responses have the body in a private
 * property `cache`: an array of the status, the body and the headers. If that ever changes, bodies take the slower way.
 */
function isComplete(response: Response): boolean {
  const property = Object.getOwnPropertySymbols(response).find(({ description }) => description === "cache");
  const cache: unknown = property && Reflect.get(response, property);
  if (!Array.isArray(cache) || cache.length !== 3) return false;
  const [, body] = cache;
  return body === null || typeof body === "string" || body instanceof Uint8Array;
}

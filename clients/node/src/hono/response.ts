import type { ReadableStream } from "node:stream/web";
import type { Context } from "hono";

import { varyByCookie } from "../core/cookie.js";
import type { RequestSession } from "../core/request-session.js";
import { webStreamThen } from "../core/stream-then.js";

/** Adds the cookie to the response, if it needs one. */
export function setCookie(c: Context, opened: RequestSession): void {
  // Most responses need none. Reading their headers would take @hono/node-server a noticeable time.
  if (opened.setCookie() === undefined) return;
  const headers = new Headers(c.res.headers);
  const line = opened.setCookie(headers.getSetCookie());
  if (line === undefined) return;
  headers.append("set-cookie", line);
  headers.set("vary", varyByCookie(headers.get("vary") ?? undefined));
  replaceResponse(c, c.res.body, headers);
}

/** If the body of the response is a stream, it ends only after `work`, and fails with the error of `work`. */
export function saveAfterBody(c: Context, work: () => Promise<unknown> | undefined): void {
  if (isComplete(c.res)) return;
  const { body, headers } = c.res;
  if (body) replaceResponse(c, webStreamThen(body as ReadableStream, work) as never, new Headers(headers));
}

/**
 * Replaces the body and the headers of the response. The headers are not changed in place, because those of `fetch()`
 * cannot be changed, and @hono/node-server 1 loses such changes when another middleware reads the body.
 */
function replaceResponse(c: Context, body: Response["body"], headers: Headers): void {
  const { status, statusText } = c.res;
  // Without undefined, Hono merges the headers, for which Hono 4.0 changes those of the old response.
  c.res = undefined;
  c.res = new Response(body, { status, statusText, headers });
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

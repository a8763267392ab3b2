import type { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import type { FastifyReply } from "fastify";

import { streamThen, webStreamThen } from "../core/stream-then.js";

/**
 * The payload of a reply. If it is a stream, it ends only after `work`, and fails with the error of `work`. Other payloads
 * are complete: the application cannot change the session any more.
 */
export function payloadThen(payload: unknown, work: () => Promise<unknown> | undefined): unknown {
  if (typeof payload !== "object" || payload === null) return payload;
  if ("pipe" in payload && typeof payload.pipe === "function") return streamThen(payload as Readable, work);
  if ("getReader" in payload && typeof payload.getReader === "function") {
    return webStreamThen(payload as ReadableStream, work);
  }
  return payload;
}

/**
 * Takes the status, the headers and the body from a `Response` that a route has sent. Fastify does the same after its
 * hooks, and would replace the headers that a hook has set.
 */
export function unpackResponse(payload: unknown, reply: FastifyReply): unknown {
  if (Object.prototype.toString.call(payload) !== "[object Response]") return payload;
  const { status, headers, body, bodyUsed } = payload as Response;
  if (bodyUsed) return payload; // Fastify reports it
  reply.code(status);
  for (const [name, value] of headers) reply.header(name, value);
  return body;
}

import type { RequestLike } from "../core/token-source.js";

/** A request to which the session is added as a property. */
// biome-ignore lint/suspicious/noExplicitAny: the option `requestKey` names the property
export type SessionRequest = RequestLike & Record<PropertyKey, any>;

/** The part of a Node.js response that is needed to set cookies, and to save the session before the response ends. */
export interface ResponseLike {
  headersSent: boolean;
  end(...args: unknown[]): unknown;
  writeHead(...args: unknown[]): unknown;
  getHeader(name: string): unknown;
  setHeader(name: string, value: string | string[]): unknown;
}

/** Whether there is a response at all. The upgrade request of a WebSocket has none. */
export function isResponse(response: unknown): response is Partial<ResponseLike> {
  return typeof (response as ResponseLike | undefined)?.end === "function";
}

/** Whether headers can be set in a response, as in those of `node:http`. */
export function canSetHeaders(response: Partial<ResponseLike>): response is ResponseLike {
  const { writeHead, getHeader, setHeader } = response;
  return typeof writeHead === "function" && typeof getHeader === "function" && typeof setHeader === "function";
}

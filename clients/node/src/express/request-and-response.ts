import type { RequestLike } from "../core/token-source.js";

/** A request to which the session is added as a property. */
// biome-ignore lint/suspicious/noExplicitAny: the option `requestKey` names the property
export type SessionRequest = RequestLike & Record<PropertyKey, any>;

/** The part of a Node.js response that is needed to set cookies, and to save the session before the response ends. */
export interface ResponseLike {
  /** The request. Responses that are not of Node.js may have none. */
  req?: object;
  headersSent: boolean;
  end(...args: unknown[]): unknown;
  writeHead(...args: unknown[]): unknown;
  getHeader(name: string): unknown;
  setHeader(name: string, value: string | string[]): unknown;
}

/** Whether there is a response at all. The upgrade request of a WebSocket has none. */
export function isResponse(response: unknown): response is Partial<ResponseLike> {
  return canSet(response) || typeof (response as ResponseLike | undefined)?.end === "function";
}

/** Whether headers can be set in a response, as in those of `node:http`. */
export function canSetHeaders(response: Partial<ResponseLike>): response is ResponseLike {
  return canSet(response) || hasMethods(response);
}

/** The last prototype with all methods of a response. */
let lastPrototype: object | undefined;

/**
 * Whether the prototype of a response has the methods. All responses of an application have the same prototype. Look-ups in
 * the responses are slow, since in Express and Node.js 20 each of them has a hidden class of its own.
 */
function canSet(response: unknown): response is ResponseLike {
  if (typeof response !== "object" || response === null) return false;
  const prototype: Partial<ResponseLike> | null = Object.getPrototypeOf(response);
  if (prototype === null) return false;
  if (prototype === lastPrototype) return true;
  if (!hasMethods(prototype)) return false;
  lastPrototype = prototype;
  return true;
}

function hasMethods({ end, writeHead, getHeader, setHeader }: Partial<ResponseLike>): boolean {
  return [end, writeHead, getHeader, setHeader].every((method) => typeof method === "function");
}

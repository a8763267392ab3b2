import { ServerResponse } from "node:http";

import { type End, INSTALLED, type Installed, type OnEnd } from "./installed.js";
import type { ResponseLike } from "./request-and-response.js";

/** `Symbol.for` shares the key of this mark between the ES module and the CommonJS copy of this package. */
const CATCHES = Symbol.for("jrs-session.catches");

/**
 * Calls `onEnd` when the application ends the response. If several are added, the last one is called first, and the `end`
 * that it gets calls the one before.
 *
 * In Express, `end` is replaced once, in the prototype of all responses. Express changes the prototype of each response,
 * and in Node.js 20 a property that is added afterwards makes V8 copy the whole hidden class of the response: an `end` of
 * its own would cost about 5 % of the processor time of a request.
 */
export function catchEnd(response: ResponseLike, onEnd: OnEnd): void {
  const installed = installedIn(response);
  if (installed === undefined || !isCaughtByPrototype(response)) {
    const { end } = response;
    response.end = (...args) => onEnd(args, end);
    return;
  }
  const before = installed.onEnd;
  installed.onEnd = before ? (args, end) => onEnd(args, (...rest) => before(rest, end)) : onEnd;
}

/** What the middleware has added to the request of a response. It may have got another request, such as a proxy of it. */
function installedIn(response: { req?: { [INSTALLED]?: Installed } }): Installed | undefined {
  return response.req?.[INSTALLED];
}

/** Whether {@link catchEnd} still works after the application has changed the prototype of the response. */
export function isCaught(response: ResponseLike): boolean {
  return Object.hasOwn(response, "end") || isCaughtByPrototype(response);
}

/**
 * Whether the prototype catches the end of the response. Not without Express, and not if a middleware that was called
 * before this one has given the response a method `end`, which must be called last.
 */
function isCaughtByPrototype(response: ResponseLike): boolean {
  if (Object.hasOwn(response, "end")) return false;
  const prototype: ResponseLike & object = Object.getPrototypeOf(response);
  const { end } = prototype;
  if (CATCHES in end) return true;
  const outermost = expressPrototype(prototype);
  if (outermost === undefined || outermost.end !== end) return false;
  replaceEnd(outermost);
  return true;
}

/**
 * The prototype that all responses of a copy of Express have in common. An application and those that are mounted in it
 * change the prototype of a response during a request, but all of their prototypes inherit from this one.
 *
 * @returns undefined without Express: other responses inherit directly from the class of Node.js, which is not changed
 */
function expressPrototype(prototype: object): ResponseLike | undefined {
  if (!Object.hasOwn(prototype, "app")) return undefined;
  for (let current: object | null = prototype; current; ) {
    const parent: object | null = Object.getPrototypeOf(current);
    if (parent === ServerResponse.prototype) return current as ResponseLike;
    current = parent;
  }
  return undefined;
}

function replaceEnd(prototype: ResponseLike): void {
  const own: End | undefined = Object.hasOwn(prototype, "end") ? prototype.end : undefined;
  const value: End = function end(...args) {
    const original: End = own ?? Object.getPrototypeOf(prototype).end;
    const onEnd = installedIn(this)?.onEnd;
    return onEnd ? onEnd(args, original) : original.apply(this, args);
  };
  Object.assign(value, { [CATCHES]: true });
  Object.defineProperty(prototype, "end", { value, writable: true, configurable: true });
}

import type { RequestSession } from "../core/request-session.js";
import type { Sessions } from "../core/sessions.js";
import type { ResponseLike } from "./request-and-response.js";

/** The method `end` of a response. */
export type End = (this: ResponseLike, ...args: unknown[]) => unknown;

/** Ends a response in place of its method `end`, which it gets. */
export type OnEnd = (args: unknown[], end: End) => unknown;

/** What the property of the request needs of the hooks of the response. */
export interface InstalledHooks {
  addToEnd(): void;
  checkPrototype(): void;
}

/**
 * The key of what middlewares have added to a request. `Symbol.for` shares it between the ES module and the CommonJS copy
 * of this package.
 */
export const INSTALLED = Symbol.for("jrs-session.installed");

/** What a middleware has added to a request. */
export interface Installed {
  readonly name: string;
  readonly opened: RequestSession;
  readonly hooks: InstalledHooks | undefined;
  readonly sessions: Sessions;
  readonly get: () => unknown;
  /** What another middleware has added before. */
  readonly before: Installed | undefined;
  /** Called when the response ends, if the prototype of the response catches its end. Only the last added one counts. */
  onEnd: OnEnd | undefined;
}

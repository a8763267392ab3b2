import { varyByCookie } from "../core/cookie.js";
import type { RequestSession } from "../core/request-session.js";
import type { CookieListener } from "../core/request-settings.js";
import { catchEnd, isCaught } from "./end-of-response.js";
import { holdResponse } from "./hold-response.js";
import type { End, InstalledHooks } from "./installed.js";
import type { ResponseLike, SessionRequest } from "./request-and-response.js";
import { writeHeadArguments } from "./write-head-arguments.js";

/** What the hooks of one middleware have in common: the name of the session in the request, and the option `autoSave`. */
export interface HookOptions {
  readonly name: string;
  readonly autoSave: boolean;
}

/**
 * Sets the cookie before the headers of a response are sent, and saves the session before the response ends. A request
 * that only reads its session needs neither.
 */
export class ResponseHooks implements CookieListener, InstalledHooks {
  readonly #request: SessionRequest;
  readonly #response: ResponseLike;
  readonly #next: (error: unknown) => void;
  readonly #opened: RequestSession;
  readonly #options: HookOptions;
  #isInHead = false;
  /** The prototype of the response when its end was caught. Undefined before. */
  #prototype: object | undefined;
  #state: "open" | "saving" | "saved" = "open";

  constructor(
    request: SessionRequest,
    response: ResponseLike,
    next: (error: unknown) => void,
    opened: RequestSession,
    options: HookOptions,
  ) {
    this.#request = request;
    this.#response = response;
    this.#next = next;
    this.#opened = opened;
    this.#options = options;
  }

  /** Sets the cookie with the headers, if it is needed then. */
  cookieChanged(): void {
    const response = this.#response;
    if (this.#isInHead || response.headersSent) return;
    this.#isInHead = true;
    const { writeHead } = response;
    response.writeHead = (...args) => {
      if (response.headersSent) return writeHead.apply(response, args);
      const rest = writeHeadArguments(response, args);
      this.#setCookie();
      return writeHead.apply(response, rest);
    };
  }

  /** Lets the response wait for the method, which may set the cookie, even if the application does not. */
  methodBegins(): void {
    if (!this.#response.headersSent) this.addToEnd();
  }

  /**
   * Saves or destroys the session when the application ends the response, which ends only afterwards. Errors are passed
   * to `next`, as if the application had not ended the response.
   */
  addToEnd(): void {
    if (this.#prototype !== undefined) return;
    this.#prototype = Object.getPrototypeOf(this.#response) as object;
    catchEnd(this.#response, (args, end) => this.#end(args, end));
  }

  /**
   * Call when the application uses the session. An application of another copy of Express that is called without being
   * mounted gives the response a prototype that does not catch its end.
   */
  checkPrototype(): void {
    const prototype: object = Object.getPrototypeOf(this.#response);
    if (this.#prototype === undefined || this.#prototype === prototype) return;
    this.#prototype = prototype;
    if (!isCaught(this.#response)) catchEnd(this.#response, (args, end) => this.#end(args, end));
  }

  #end(args: unknown[], end: End): unknown {
    const response = this.#response;
    if (this.#state === "saved") return end.apply(response, args);
    if (this.#state === "saving") return response;
    if (this.#options.autoSave && !(this.#options.name in this.#request)) this.#opened.discard();
    const work = this.#opened.finish();
    if (!work) {
      this.#state = "saved";
      return end.apply(response, args);
    }
    this.#state = "saving";
    const release = holdResponse(response);
    // nextTick keeps exceptions of the application out of the promise chain: they are not errors of the session.
    const finish = (send: boolean, step: () => void) => {
      this.#state = "saved";
      release(send);
      process.nextTick(step);
    };
    work.then(
      () => finish(true, () => end.apply(response, args)),
      (error: unknown) => finish(false, () => this.#next(error)),
    );
    return response;
  }

  #setCookie(): void {
    const response = this.#response;
    const existing = response.getHeader("set-cookie");
    const line = this.#opened.setCookie(existing);
    if (line === undefined) return;
    const lines = existing === undefined ? [] : [existing].flat().map(String);
    response.setHeader("Set-Cookie", [...lines, line]);
    response.setHeader("Vary", varyByCookie(response.getHeader("vary")));
  }
}

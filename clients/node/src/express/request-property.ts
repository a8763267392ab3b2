import type { RequestSession } from "../core/request-session.js";
import type { Sessions } from "../core/sessions.js";
import type { SessionRequest } from "./request-and-response.js";
import type { ResponseHooks } from "./response-hooks.js";

/** What a middleware has added to a request. */
interface Installed {
  opened: RequestSession;
  hooks: ResponseHooks | undefined;
  sessions: Sessions;
  get: () => unknown;
}

/** The property of requests that is their session, as one middleware defines it. */
export class SessionProperty {
  readonly #name: string;
  readonly #sessions: Sessions;
  /** `Symbol.for` shares it between the ES module and the CommonJS copy of this package. */
  readonly #key: symbol;
  /** The same functions for all requests: functions of its own would give each request a hidden class of its own. */
  readonly #descriptor: { get: () => unknown; set: (value: unknown) => void; enumerable: true; configurable: true };

  constructor(name: string, sessions: Sessions) {
    const key = Symbol.for(`jrs-session.installed.${name}`);
    this.#name = name;
    this.#key = key;
    this.#sessions = sessions;
    this.#descriptor = {
      get(this: SessionRequest) {
        return (this[key] as Installed).opened.session;
      },
      set(this: SessionRequest, value: unknown) {
        if (value === null || value === undefined) discard(this[key], name);
        else Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
      },
      enumerable: true,
      configurable: true,
    };
  }

  /**
   * Defines the property. null may be assigned if there is a response: it destroys the session before the response ends.
   */
  define(request: SessionRequest, opened: RequestSession, hooks: ResponseHooks | undefined): void {
    const installed: Installed = { opened, hooks, sessions: this.#sessions, get: this.#descriptor.get };
    request[this.#key] = installed;
    Object.defineProperty(request, this.#name, this.#descriptor);
  }

  /** Whether another middleware with the same client, realm and token sources has already added the session. */
  isIn(request: SessionRequest): boolean {
    const installed = request[this.#key] as Installed | undefined;
    if (installed === undefined) return false;
    if (Object.getOwnPropertyDescriptor(request, this.#name)?.get !== installed.get) return false;
    return this.#sessions.isSameAs(installed.sessions);
  }
}

function discard({ opened, hooks }: Installed, name: string): void {
  if (!hooks) {
    throw new TypeError(`jrs-session: '${name} = null' needs a response: use await request.${name}.destroy()`);
  }
  opened.discard();
  hooks.addToEnd();
}

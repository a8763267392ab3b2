import type { RequestSession } from "../core/request-session.js";
import type { Sessions } from "../core/sessions.js";
import { INSTALLED, type Installed, type InstalledHooks } from "./installed.js";
import type { SessionRequest } from "./request-and-response.js";

/** The property of requests that is their session, as one middleware defines it. */
export class SessionProperty {
  readonly #name: string;
  readonly #sessions: Sessions;
  /** The same functions for all requests: functions of its own would give each request a hidden class of its own. */
  readonly #descriptor: { get: () => unknown; set: (value: unknown) => void; enumerable: true; configurable: true };

  constructor(name: string, sessions: Sessions) {
    this.#name = name;
    this.#sessions = sessions;
    this.#descriptor = {
      get(this: SessionRequest) {
        const { opened, hooks } = installedIn(this, name) as Installed;
        hooks?.checkPrototype();
        return opened.session;
      },
      set(this: SessionRequest, value: unknown) {
        if (value === null || value === undefined) discard(installedIn(this, name) as Installed);
        else Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
      },
      enumerable: true,
      configurable: true,
    };
  }

  /**
   * Defines the property. null may be assigned if there is a response: it destroys the session before the response ends.
   */
  define(request: SessionRequest, opened: RequestSession, hooks: InstalledHooks | undefined): void {
    const before: Installed | undefined = request[INSTALLED];
    const installed: Installed = {
      name: this.#name,
      opened,
      hooks,
      sessions: this.#sessions,
      get: this.#descriptor.get,
      before,
      onEnd: before?.onEnd,
    };
    request[INSTALLED] = installed;
    Object.defineProperty(request, this.#name, this.#descriptor);
  }

  /** Whether another middleware with the same client, realm and token sources has already added the session. */
  isIn(request: SessionRequest): boolean {
    const installed = installedIn(request, this.#name);
    if (installed === undefined) return false;
    if (Object.getOwnPropertyDescriptor(request, this.#name)?.get !== installed.get) return false;
    return this.#sessions.isSameAs(installed.sessions);
  }
}

function installedIn(request: SessionRequest, name: string): Installed | undefined {
  let installed: Installed | undefined = request[INSTALLED];
  while (installed !== undefined && installed.name !== name) installed = installed.before;
  return installed;
}

function discard({ name, opened, hooks }: Installed): void {
  if (!hooks) {
    throw new TypeError(`jrs-session: '${name} = null' needs a response: use await request.${name}.destroy()`);
  }
  opened.discard();
  hooks.addToEnd();
}

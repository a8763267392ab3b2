import type { RequestSession } from "../core/request-session.js";
import type { Sessions } from "../core/sessions.js";
import type { SessionRequest } from "./request-and-response.js";
import type { ResponseHooks } from "./response-hooks.js";

/** A property of the request. `Symbol.for` shares it between the ES module and the CommonJS copy of this package. */
const INSTALLED = Symbol.for("jrs-session.installed");

/** The sessions of a request, by the name of the property. */
type Installed = Record<string, { sessions: Sessions; get: () => unknown }>;

/**
 * Defines the property `name` of the request, which is the session. null may be assigned if there is a response: it
 * destroys the session before the response ends.
 */
export function defineSession(
  request: SessionRequest,
  name: string,
  sessions: Sessions,
  opened: RequestSession,
  hooks: ResponseHooks | undefined,
): void {
  const get = () => opened.session;
  const set = (value: unknown) => {
    if (value !== null && value !== undefined) {
      Object.defineProperty(request, name, { value, writable: true, enumerable: true, configurable: true });
      return;
    }
    if (!hooks) {
      const message = `'${name} = null' needs a response: use await request.${name}.destroy()`;
      throw new TypeError(`jrs-session: ${message}`);
    }
    opened.discard();
    hooks.addToEnd();
  };
  Object.defineProperty(request, name, { get, set, enumerable: true, configurable: true });
  const installed: Installed = request[INSTALLED] ?? {};
  installed[name] = { sessions, get };
  request[INSTALLED] = installed;
}

/** Whether another middleware with the same client, realm and token sources has already added the session. */
export function hasSession(request: SessionRequest, name: string, sessions: Sessions): boolean {
  const installed = (request[INSTALLED] as Installed | undefined)?.[name];
  if (!installed || Object.getOwnPropertyDescriptor(request, name)?.get !== installed.get) return false;
  return sessions.isSameAs(installed.sessions);
}

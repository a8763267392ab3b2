import type { RedisClient } from "./clients/index.js";
import type { Commands } from "./commands.js";
import { Session, type SessionSettings } from "./session.js";
import type { RequestLike, TokenSources } from "./token-source.js";

/** A request to which the session is added as a property. */
// biome-ignore lint/suspicious/noExplicitAny: the option `requestKey` names the property
export type SessionRequest = RequestLike & Record<PropertyKey, any>;

/** Two middlewares with equal values provide the same session. */
export interface SessionOrigin {
  client: RedisClient;
  realm: string;
  sources: TokenSources;
}

/** A property of the request. `Symbol.for` shares it between the ES module and the CommonJS copy of this package. */
const INSTALLED = Symbol.for("jrs-session.installed");

/** The sessions of a request, by the name of the property. */
type Installed = Record<string, { origin: SessionOrigin; get: () => unknown }>;

/** The session of one request, and what happened to it in this request. */
export class RequestSession {
  session: Session;
  /** The token that came with the request, if it has a session. */
  receivedToken: string | undefined;
  /** Whether the application has assigned null to the property. */
  setToNull = false;

  constructor(commands: Commands, settings: SessionSettings) {
    const create = (): Session =>
      new Session(commands, settings, () => {
        this.session = create();
      });
    this.session = create();
  }

  /**
   * Defines the property `name` of the request, which is the session.
   *
   * @param acceptsNull whether null may be assigned. Only `autoSave` destroys the session then.
   */
  install(request: SessionRequest, name: string, origin: SessionOrigin, acceptsNull: boolean): void {
    const get = () => (this.setToNull ? null : this.session);
    const set = (value: unknown) => {
      if (value !== null && value !== undefined) {
        Object.defineProperty(request, name, { value, writable: true, enumerable: true, configurable: true });
      } else if (acceptsNull) this.setToNull = true;
      else {
        const message = `'req.${name} = null' does not destroy the session: use await req.${name}.destroy()`;
        throw new TypeError(`jrs-session: ${message}`);
      }
    };
    Object.defineProperty(request, name, { get, set, enumerable: true, configurable: true });
    request[INSTALLED] ??= {};
    (request[INSTALLED] as Installed)[name] = { origin, get };
  }
}

/** Whether another middleware with the same client, realm and token sources has already added the session. */
export function isInstalled(request: SessionRequest, name: string, { client, realm, sources }: SessionOrigin): boolean {
  const installed = (request[INSTALLED] as Installed | undefined)?.[name];
  if (!installed || Object.getOwnPropertyDescriptor(request, name)?.get !== installed.get) return false;
  const { origin } = installed;
  return (
    origin.client === client &&
    origin.realm === realm &&
    origin.sources.requestArg === sources.requestArg &&
    origin.sources.bearer === sources.bearer &&
    origin.sources.cookie === sources.cookie
  );
}

import type { RedisClient } from "./clients/index.js";
import type { Commands } from "./commands.js";
import type { Places, RequestLike } from "./token-source.js";
import type { Place, SessionSettings } from "./session-types.js";
import { Session } from "./session.js";

/** A request, where the session is put into. */
export type SessionRequest = RequestLike & Record<PropertyKey, any>;

/** What two middlewares have to agree in to serve the same session. */
export interface Identity {
  client: RedisClient;
  realm: string;
  places: Places;
}

/** By the session's name in the request. Shared by all copies of this package, ES module and CommonJS. */
const SERVED = Symbol.for("jrs-session.served");
type Served = Record<string, { identity: Identity; get: () => unknown }>;

/** The place of a session in a request. */
export class Slot implements Place {
  session: Session;
  /** The token that the session was found by. */
  received: string | undefined;
  /** Whether the application has set the place to null. */
  emptied = false;
  readonly #make: () => Session;

  constructor(commands: Commands, settings: SessionSettings) {
    this.#make = () => new Session(commands, settings, this);
    this.session = this.#make();
  }

  renew(): void {
    this.session = this.#make();
  }

  /**
   * Makes the session a property of the request.
   *
   * @param acceptsNull whether null may be assigned, because something ends the session then
   */
  install(request: SessionRequest, name: string, identity: Identity, acceptsNull: boolean): void {
    const get = () => (this.emptied ? null : this.session);
    const set = (value: unknown) => {
      if (value !== null && value !== undefined) {
        Object.defineProperty(request, name, { value, writable: true, enumerable: true, configurable: true });
      } else if (acceptsNull) this.emptied = true;
      else throw new TypeError(`jrs-session: 'req.${name} = null' ends nothing: await req.${name}.destroy()`);
    };
    Object.defineProperty(request, name, { get, set, enumerable: true, configurable: true });
    const served = (request[SERVED] ??= {}) as Served;
    served[name] = { identity, get };
  }
}

/** Whether a middleware of the same client, realm and places has put the session into the request. */
export function isServed(request: SessionRequest, name: string, { client, realm, places }: Identity): boolean {
  const served = (request[SERVED] as Served | undefined)?.[name];
  if (!served || Object.getOwnPropertyDescriptor(request, name)?.get !== served.get) return false;
  const { identity } = served;
  return (
    identity.client === client &&
    identity.realm === realm &&
    identity.places.requestArg === places.requestArg &&
    identity.places.bearer === places.bearer &&
    identity.places.cookie === places.cookie
  );
}

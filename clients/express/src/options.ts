import type { RedisClient } from "./clients/index.js";

/** The options of the middleware. */
export interface Options {
  /** A client of `redis` (node-redis) or `ioredis`, for one server or for a cluster. */
  client: RedisClient;
  /** The server's realm that the sessions belong to. `"default"` unless given. */
  realm?: string | undefined;
  /** The name of the session in the request. `"session"` unless given. */
  requestKey?: string | undefined;
  /**
   * The parameter that holds the token, in query and body; as a header `x-access-token`. `"accessToken"` unless given.
   * False: tokens come from none of the three, but as `bearer` and `cookie` say.
   */
  requestArg?: string | false | undefined;
  /** Whether the token may come as `Authorization: Bearer …`. */
  bearer?: boolean | undefined;
  /** The name of a cookie that the token may come in. */
  cookie?: string | undefined;
  /**
   * Whether requests go on with an empty session when Redis fails, instead of with an error. Mistakes in the setup, and
   * in what is stored, stay errors.
   */
  failOpen?: boolean | undefined;
  /**
   * Whether fields that a request has changed are written before its response ends, as `express-session` does it, and
   * the token of a new session is put into the cookie. Needs `cookie`. False unless given.
   */
  autoSave?: boolean | undefined;
  /**
   * With `autoSave`, how the cookie is set: options of Express's `res.cookie`. Besides `httpOnly`, `sameSite: "lax"`, and
   * `secure` where the request is, unless given.
   */
  cookieOptions?: object | undefined;
  /** Milliseconds to wait for Redis. 2000 unless given; 0: for as long as the client does. */
  timeout?: number | undefined;
}

/** Options as the middleware uses them. */
export interface Settings {
  client: RedisClient;
  realm: string;
  requestKey: string;
  requestArg: string | false;
  bearer: boolean;
  cookie: string | undefined;
  failOpen: boolean;
  autoSave: boolean;
  cookieOptions: object;
  timeout: number;
}

/** Options of jwt-redis-session that are the server's business now. */
const SERVER_SETTINGS: Record<string, string> = {
  secret: "the file that jrs.keys-file names",
  keyspace: "jrs.keyspace, or a realm of its own",
  algorithm: "jrs.algorithm",
  maxAge: "jrs.max-age",
};

/** The longest that timers can wait for. */
const LONGEST = 2 ** 31 - 1;

/**
 * @throws TypeError for an option that is missing, unknown, of the wrong kind, or a setting of the server
 */
export function settings(options: Options): Settings {
  const { client, realm, requestKey, requestArg, bearer, cookie, failOpen, timeout, autoSave, cookieOptions, ...others } =
    options ?? {};
  for (const name of Object.keys(others)) {
    const place = Object.hasOwn(SERVER_SETTINGS, name) && SERVER_SETTINGS[name];
    if (place) throw new TypeError(`jrs-session: '${name}' belongs to the Redis server now: use ${place}`);
    throw new TypeError(`jrs-session: there is no option '${name}'`);
  }
  if ((typeof client !== "object" && typeof client !== "function") || client === null) {
    throw new TypeError("jrs-session: a Redis client is required: { client }");
  }
  refuse({ realm, requestKey, cookie, requestArg: requestArg === false ? undefined : requestArg }, "a text", isText);
  refuse({ bearer, failOpen, autoSave }, "true or false", (value) => typeof value === "boolean");
  refuse({ cookieOptions }, "an object", (value) => typeof value === "object" && value !== null && !Array.isArray(value));
  refuse({ timeout }, `a number of milliseconds, from 0 to ${LONGEST}`, isDelay);
  if (requestArg === false && !bearer && cookie === undefined) {
    throw new TypeError("jrs-session: without 'requestArg', tokens need another place: 'cookie' or 'bearer'");
  }
  if (autoSave && cookie === undefined) {
    throw new TypeError("jrs-session: 'autoSave' needs 'cookie', to give the browser the token of a new session");
  }
  if (cookieOptions !== undefined && !autoSave) {
    throw new TypeError("jrs-session: 'cookieOptions' belongs to 'autoSave': without it, the application sets the cookie");
  }
  return {
    client,
    realm: realm ?? "default",
    requestKey: requestKey ?? "session",
    requestArg: requestArg ?? "accessToken",
    bearer: bearer ?? false,
    cookie,
    failOpen: failOpen ?? false,
    autoSave: autoSave ?? false,
    cookieOptions: cookieOptions ?? {},
    timeout: timeout ?? 2000,
  };
}

/** Refuses options that are given and are not of their kind. */
function refuse(options: Record<string, unknown>, kind: string, fits: (value: unknown) => boolean): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !fits(value)) throw new TypeError(`jrs-session: '${name}' is ${kind}`);
  }
}

/** Not the empty one, which may be meant as none as well as as the default. */
function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isDelay(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= LONGEST;
}

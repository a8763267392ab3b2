import type { RedisClient } from "./clients/index.js";
import { isObject } from "./merge-patch.js";
import type { Claims } from "./token.js";

/**
 * The options of the middleware.
 *
 * @example
 * ```js
 * app.use(jrsSession({ client, cookie: "sid", requestArg: false, autoSave: true }));
 * ```
 */
export interface Options {
  /** A client of `redis` (node-redis) or `ioredis`, for one server or for a cluster. */
  client: RedisClient;

  /**
   * The realm of the server that the sessions belong to. Tokens of other realms are ignored.
   *
   * @default "default"
   * @example
   * ```js
   * app.use("/admin", jrsSession({ client, realm: "admin" }));
   * ```
   */
  realm?: string | undefined;

  /**
   * The name of the session in the request.
   *
   * @default "session"
   * @example
   * ```js
   * app.use(jrsSession({ client, requestKey: "jwtSession" }));
   * app.get("/", (req, res) => res.json(req.jwtSession));
   * ```
   */
  requestKey?: string | undefined;

  /**
   * The parameter of the query and of the body that holds the token. The name of the header is derived from it:
   * `x-access-token` for `accessToken`. With `false`, tokens come from the cookie or `Authorization` only.
   *
   * @default "accessToken"
   * @example
   * ```js
   * app.use(jrsSession({ client, requestArg: "jwtToken" })); // header x-jwt-token
   * ```
   */
  requestArg?: string | false | undefined;

  /**
   * Whether the token may come as `Authorization: Bearer …`.
   *
   * @default false
   * @example
   * ```js
   * app.use("/api", jrsSession({ client, bearer: true, requestArg: false }));
   * ```
   */
  bearer?: boolean | undefined;

  /**
   * The name of the cookie that the token may come in.
   *
   * @default undefined (no cookie is read)
   * @example
   * ```js
   * app.use(jrsSession({ client, cookie: "sid", requestArg: false }));
   * ```
   */
  cookie?: string | undefined;

  /**
   * Whether requests continue with an empty session while Redis is unavailable, instead of failing with an error.
   * Mistakes in the setup and invalid stored data are always errors.
   *
   * @default false
   */
  failOpen?: boolean | undefined;

  /**
   * Whether changed fields are saved before the response ends, and the token of a new session is set as a cookie, as in
   * `express-session`. Needs `cookie`.
   *
   * @default false
   */
  autoSave?: boolean | undefined;

  /**
   * Options of Express's `res.cookie` for the cookie that `autoSave` sets. They are added to the default and override
   * it.
   *
   * @default { httpOnly: true, sameSite: "lax", secure: req.secure }
   * @example
   * ```js
   * const cookieOptions = { maxAge: 30 * 24 * 60 * 60 * 1000, sameSite: "strict" };
   * ```
   */
  cookieOptions?: object | undefined;

  /**
   * Called when the server answers `REUSED`: a token that `rotate` has replaced came again after its grace. It may be
   * stolen, so the server has destroyed the session, and the request continues with an empty one. The request waits for
   * a returned promise, and fails with its error.
   *
   * @default undefined
   * @example
   * ```js
   * const onReuse = ({ owner, request }) => alertUser(owner, request.ip);
   * ```
   */
  onReuse?: ((reuse: TokenReuse) => unknown) | undefined;

  /**
   * How many milliseconds to wait for a reply of Redis. With 0, as long as the client waits, which may be forever.
   *
   * @default 2000
   */
  timeout?: number | undefined;
}

/** A token that was replaced and came again, as `onReuse` gets it. */
export interface TokenReuse {
  /** The owner of the session that was destroyed; `""` if it was anonymous. */
  owner: string;
  /** The claims of the token. The server has verified them. */
  claims: Claims;
  /** The request that the token came with. */
  // biome-ignore lint/suspicious/noExplicitAny: it fits requests of several frameworks
  request: any;
}

/** The options with their default values. */
export interface ResolvedOptions {
  client: RedisClient;
  realm: string;
  requestKey: string;
  requestArg: string | false;
  bearer: boolean;
  cookie: string | undefined;
  failOpen: boolean;
  autoSave: boolean;
  cookieOptions: object;
  onReuse: ((reuse: TokenReuse) => unknown) | undefined;
  timeout: number;
}

/** One entry for each option; the type makes the compiler report a missing one. */
const OPTIONS: Record<keyof Options, true> = {
  client: true,
  realm: true,
  requestKey: true,
  requestArg: true,
  bearer: true,
  cookie: true,
  failOpen: true,
  autoSave: true,
  cookieOptions: true,
  onReuse: true,
  timeout: true,
};

const OPTION_NAMES: ReadonlySet<string> = new Set(Object.keys(OPTIONS));

/** Options of `jwt-redis-session` that are settings of the server in JRS. */
const SERVER_SETTINGS: ReadonlyMap<string, string> = new Map([
  ["secret", "jrs.keys-file"],
  ["keyspace", "jrs.keyspace, or a realm"],
  ["algorithm", "jrs.algorithm"],
  ["maxAge", "jrs.max-age"],
]);

/** The longest delay of a Node.js timer. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/**
 * Checks the options and adds the default values.
 *
 * @throws TypeError if an option is missing, unknown, of the wrong type, or a setting of the server
 */
export function resolveOptions(options: Options): ResolvedOptions {
  const given = options ?? {};
  checkNames(given);
  checkTypes(given);
  checkCombinations(given);
  return {
    client: given.client,
    realm: given.realm ?? "default",
    requestKey: given.requestKey ?? "session",
    requestArg: given.requestArg ?? "accessToken",
    bearer: given.bearer ?? false,
    cookie: given.cookie,
    failOpen: given.failOpen ?? false,
    autoSave: given.autoSave ?? false,
    cookieOptions: given.cookieOptions ?? {},
    onReuse: given.onReuse,
    timeout: given.timeout ?? 2000,
  };
}

function checkNames(options: Options): void {
  for (const name of Object.keys(options)) {
    if (OPTION_NAMES.has(name)) continue;
    const setting = SERVER_SETTINGS.get(name);
    throw invalid(setting ? `'${name}' is a setting of the Redis server: use ${setting}` : `unknown option '${name}'`);
  }
}

function checkTypes(options: Options): void {
  const { client, realm, requestKey, requestArg, bearer, cookie, failOpen, timeout } = options;
  const { autoSave, cookieOptions, onReuse } = options;
  if ((typeof client !== "object" && typeof client !== "function") || client === null) {
    throw invalid("a Redis client is required: { client }");
  }
  const names = { realm, requestKey, cookie, requestArg: requestArg === false ? undefined : requestArg };
  check(names, "a non-empty string", isNonEmptyString);
  check({ bearer, failOpen, autoSave }, "true or false", (value) => typeof value === "boolean");
  check({ cookieOptions }, "an object", isObject);
  check({ onReuse }, "a function", (value) => typeof value === "function");
  check({ timeout }, `a number of milliseconds from 0 to ${MAX_TIMEOUT}`, isDelay);
}

function checkCombinations({ requestArg, bearer, cookie, autoSave, cookieOptions }: Options): void {
  if (requestArg === false && !bearer && cookie === undefined) {
    throw invalid("'requestArg: false' needs another source of tokens: set 'cookie' or 'bearer'");
  }
  if (autoSave && cookie === undefined) {
    throw invalid("'autoSave' needs 'cookie', to send the token of a new session to the browser");
  }
  if (cookieOptions !== undefined && !autoSave) {
    throw invalid("'cookieOptions' needs 'autoSave': without it, the application sets the cookie");
  }
}

/** Refuses options that are given but not valid. */
function check(options: Record<string, unknown>, kind: string, isValid: (value: unknown) => boolean): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !isValid(value)) throw invalid(`'${name}' must be ${kind}`);
  }
}

function invalid(message: string): TypeError {
  return new TypeError(`jrs-session: ${message}`);
}

/** An empty string is refused: it could mean the default as well as none. */
function isNonEmptyString(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isDelay(value: unknown): boolean {
  return typeof value === "number" && value >= 0 && value <= MAX_TIMEOUT;
}

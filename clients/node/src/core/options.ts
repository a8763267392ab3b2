import type { RedisClient } from "../clients/index.js";
import { type CookieOptions, type ResolvedCookieOptions, resolveCookie } from "./cookie-options.js";
import type { Claims } from "./token.js";

/**
 * The options that all frameworks have in common.
 *
 * @example
 * ```js
 * app.use(jrsSession({ client, cookie: true, autoSave: true }));
 * ```
 */
export interface CoreOptions {
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
   * The parameter of the query and of the body that holds the token. The name of the header is derived from it:
   * `x-access-token` for `accessToken`. With `false`, tokens come from the cookie or `Authorization` only.
   *
   * With `cookie`, set it only if other programs than browsers need it: a link on another site can contain a token in
   * its query, which is read before the cookie.
   *
   * @default "accessToken"; false with `cookie`
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
   * Keeps the token in a cookie: it is read from the request, set when the session is created or rotated, sent again as
   * the session slides, and cleared when the application destroys the session. `true` for the default attributes; a string
   * is the name.
   *
   * @default undefined (no cookie is read or set)
   * @example
   * ```js
   * app.use(jrsSession({ client, cookie: { sameSite: "strict" } }));
   * ```
   */
  cookie?: true | string | CookieOptions | undefined;

  /**
   * Whether requests continue with an empty session while Redis is unavailable, instead of failing with an error.
   * The cookie stays, and changes of such a session are not saved. Mistakes in the setup and invalid stored data are
   * always errors.
   *
   * @default false
   */
  failOpen?: boolean | undefined;

  /**
   * Whether changed fields are saved before the response ends, as in `express-session`. Only these fields are written,
   * so changes of other requests to other fields are kept. Needs `cookie`.
   *
   * @default false
   */
  autoSave?: boolean | undefined;

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
  requestArg: string | false;
  bearer: boolean;
  cookie: ResolvedCookieOptions | undefined;
  failOpen: boolean;
  autoSave: boolean;
  onReuse: ((reuse: TokenReuse) => unknown) | undefined;
  timeout: number;
}

/** One entry for each option; the type makes the compiler report a missing one. */
const OPTIONS: Record<keyof CoreOptions, true> = {
  client: true,
  realm: true,
  requestArg: true,
  bearer: true,
  cookie: true,
  failOpen: true,
  autoSave: true,
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
export function resolveOptions(options: CoreOptions): ResolvedOptions {
  const given = options ?? {};
  checkNames(given);
  checkTypes(given);
  const cookie = given.cookie === undefined ? undefined : resolveCookie(given.cookie);
  const resolved = {
    client: given.client,
    realm: given.realm ?? "default",
    requestArg: given.requestArg ?? (cookie ? false : "accessToken"),
    bearer: given.bearer ?? false,
    cookie,
    failOpen: given.failOpen ?? false,
    autoSave: given.autoSave ?? false,
    onReuse: given.onReuse,
    timeout: given.timeout ?? 2000,
  };
  checkCombinations(resolved);
  return resolved;
}

function checkNames(options: CoreOptions): void {
  for (const name of Object.keys(options)) {
    if (OPTION_NAMES.has(name)) continue;
    if (name === "cookieOptions") {
      throw invalid("'cookieOptions' was removed: set the attributes in 'cookie', such as { name, sameSite, secure }");
    }
    const setting = SERVER_SETTINGS.get(name);
    throw invalid(setting ? `'${name}' is a setting of the Redis server: use ${setting}` : `unknown option '${name}'`);
  }
}

function checkTypes({ client, realm, requestArg, bearer, failOpen, timeout, autoSave, onReuse }: CoreOptions): void {
  if ((typeof client !== "object" && typeof client !== "function") || client === null) {
    throw invalid("a Redis client is required: { client }");
  }
  check({ realm, requestArg: requestArg === false ? undefined : requestArg }, "a non-empty string", isNonEmptyString);
  check({ bearer, failOpen, autoSave }, "true or false", (value) => typeof value === "boolean");
  check({ onReuse }, "a function", (value) => typeof value === "function");
  check({ timeout }, `a number of milliseconds from 0 to ${MAX_TIMEOUT}`, isDelay);
}

function checkCombinations({ requestArg, bearer, cookie, autoSave }: ResolvedOptions): void {
  if (requestArg === false && !bearer && cookie === undefined) {
    throw invalid("'requestArg: false' needs another source of tokens: set 'cookie' or 'bearer'");
  }
  if (autoSave && cookie === undefined) {
    throw invalid("'autoSave' needs 'cookie', to send the token of a new session to the browser");
  }
}

/**
 * The name of the session in the request.
 *
 * @throws TypeError
 */
export function resolveRequestKey(requestKey: unknown): string {
  check({ requestKey }, "a non-empty string", isNonEmptyString);
  return (requestKey as string | undefined) ?? "session";
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

import { isObject } from "./merge-patch.js";

/**
 * The cookie that browsers keep the token in. All members are optional.
 *
 * @example
 * ```js
 * app.use(jrsSession({ client, cookie: { name: "__Secure-shop", domain: "example.org" } }));
 * ```
 */
export interface CookieOptions {
  /**
   * The name.
   *
   * @default "__Host-session"; "__Secure-session" with a `domain` or another `path`; "session" with `secure: false`
   */
  name?: string | undefined;

  /**
   * The domain. With it, the browser sends the cookie to subdomains too.
   *
   * @default undefined (the host of the response only)
   */
  domain?: string | undefined;

  /**
   * The path: the browser sends the cookie with requests below it only.
   *
   * @default "/"
   */
  path?: string | undefined;

  /**
   * Whether the browser sends the cookie with requests that other sites cause. With `none` it does, which needs a
   * protection against CSRF.
   *
   * @default "lax" (only if the user follows a link)
   */
  sameSite?: "lax" | "strict" | "none" | undefined;

  /**
   * Whether the browser sends the cookie over HTTPS only. Browsers except Safari also send it to `http://localhost`.
   *
   * @default true
   */
  secure?: boolean | undefined;

  /**
   * Whether scripts of the page cannot read the cookie.
   *
   * @default true
   */
  httpOnly?: boolean | undefined;

  /**
   * Whether the cookie is kept separately for each site that embeds this one (CHIPS).
   *
   * @default false
   */
  partitioned?: boolean | undefined;

  /**
   * Whether the browser keeps the cookie, with `Max-Age`, as long as the session lives. If not, it deletes the cookie
   * when it is closed.
   *
   * @default true
   */
  persistent?: boolean | undefined;
}

/** The options with their default values. */
export interface ResolvedCookieOptions {
  name: string;
  domain: string | undefined;
  path: string;
  sameSite: "lax" | "strict" | "none";
  secure: boolean;
  httpOnly: boolean;
  partitioned: boolean;
  persistent: boolean;
}

const FLAGS = ["secure", "httpOnly", "partitioned", "persistent"] as const;
const NAMES: ReadonlySet<string> = new Set(["name", "domain", "path", "sameSite", ...FLAGS]);

/** A cookie name: a token of HTTP (RFC 9110, section 5.6.2). */
const COOKIE_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const DOMAIN = /^\.?[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?$/;
/** Printable ASCII without a semicolon (RFC 6265bis, section 4.1.1). */
const PATH = /^\/[ -:<-~]*$/;

/**
 * Checks the option `cookie` and adds the default values. A browser drops a cookie that breaks these rules silently.
 *
 * @param given `true`, a name, or options
 * @throws TypeError
 */
export function resolveCookie(given: unknown): ResolvedCookieOptions {
  const options = asOptions(given);
  for (const name of Object.keys(options)) if (!NAMES.has(name)) throw unknownOption(name);
  for (const name of FLAGS) {
    if (options[name] !== undefined && typeof options[name] !== "boolean") throw invalid(name, "must be true or false");
  }
  const { domain, path = "/", sameSite = "lax", secure = true, httpOnly = true } = options;
  const { partitioned = false, persistent = true } = options;
  const name = options.name === undefined ? defaultName(secure, domain, path) : options.name;
  checkText("name", name, COOKIE_NAME, "must be a name without spaces, quotes and separators");
  if (domain !== undefined) checkText("domain", domain, DOMAIN, "must be a host name, such as example.org");
  checkText("path", path, PATH, "must begin with '/', without ';' and control characters");
  if (!["lax", "strict", "none"].includes(sameSite)) throw invalid("sameSite", "must be 'lax', 'strict' or 'none'");
  const resolved = { name, domain, path, sameSite, secure, httpOnly, partitioned, persistent };
  checkCombinations(resolved);
  return resolved;
}

function asOptions(given: unknown): CookieOptions {
  if (given === true) return {};
  if (typeof given === "string" && given !== "") return { name: given };
  if (isObject(given)) return given;
  throw new TypeError("jrs-session: 'cookie' must be true, a name, or an object of options such as { name, domain }");
}

/** A prefix makes browsers refuse a cookie of this name that another host or an insecure page has set. */
function defaultName(secure: boolean, domain: string | undefined, path: string): string {
  if (!secure) return "session";
  return domain === undefined && path === "/" ? "__Host-session" : "__Secure-session";
}

/** The rules of RFC 6265bis, sections 4.1.2.7 and 4.1.3, and of CHIPS. Browsers ignore the case of prefixes. */
function checkCombinations({ name, domain, path, sameSite, secure, httpOnly, partitioned }: ResolvedCookieOptions) {
  const prefix = /^__(?:Host-Http|Host|Secure|Http)-/i.exec(name)?.[0];
  if (prefix !== undefined && !secure) throw invalid("name", `begins with '${prefix}', which needs 'secure: true'`);
  if (prefix !== undefined && /^__Host-/i.test(prefix) && (domain !== undefined || path !== "/")) {
    throw invalid("name", `begins with '${prefix}', which allows no 'domain' and no 'path' but "/": use '__Secure-'`);
  }
  if (prefix !== undefined && /Http-$/i.test(prefix) && !httpOnly) {
    throw invalid("name", `begins with '${prefix}', which needs 'httpOnly: true'`);
  }
  if (sameSite === "none" && !secure) throw invalid("sameSite", "'none' needs 'secure: true'");
  if (partitioned && !secure) throw invalid("partitioned", "needs 'secure: true'");
}

function checkText(name: string, value: unknown, pattern: RegExp, rule: string): void {
  if (typeof value !== "string" || !pattern.test(value)) throw invalid(name, rule);
}

function unknownOption(name: string): TypeError {
  if (name === "maxAge" || name === "expires") {
    const reason =
      "the cookie lives as long as the session, whose time to live is the setting jrs.max-age of the server";
    return new TypeError(`jrs-session: unknown option 'cookie.${name}': ${reason}; or set 'persistent: false'`);
  }
  return new TypeError(`jrs-session: unknown option 'cookie.${name}'`);
}

function invalid(name: string, rule: string): TypeError {
  return new TypeError(`jrs-session: 'cookie.${name}' ${rule}`);
}

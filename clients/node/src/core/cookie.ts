import type { ResolvedCookieOptions } from "./cookie-options.js";

/** The largest cookie, name and value in bytes, that browsers keep (RFC 6265bis, section 5.6). */
const MAX_SIZE = 4096;

/** The longest lifetime in seconds that browsers keep a cookie for: 400 days (RFC 6265bis, section 5.5). */
export const MAX_COOKIE_AGE = 34_560_000;

/** Reads the token from the header `Cookie`, and makes the header `Set-Cookie`. */
export class TokenCookie {
  readonly name: string;
  /** Whether `Max-Age` is sent, and renewed. */
  readonly persistent: boolean;
  /** The longest token in characters that browsers keep. */
  readonly maxTokenLength: number;
  readonly #attributes: string;

  constructor({ name, domain, path, sameSite, secure, httpOnly, partitioned, persistent }: ResolvedCookieOptions) {
    this.name = name;
    this.persistent = persistent;
    this.maxTokenLength = MAX_SIZE - name.length;
    const sites = { lax: "Lax", strict: "Strict", none: "None" };
    const attributes = [
      `; Path=${path}`,
      domain === undefined ? "" : `; Domain=${domain}`,
      httpOnly ? "; HttpOnly" : "",
      secure ? "; Secure" : "",
      `; SameSite=${sites[sameSite]}`,
      partitioned ? "; Partitioned" : "",
    ];
    this.#attributes = attributes.join("");
  }

  /**
   * The token in a header `Cookie`. It is not decoded: the characters of a token are not escaped in cookies.
   *
   * @returns undefined without such a cookie
   */
  read(header: unknown): string | undefined {
    if (typeof header !== "string") return undefined;
    for (let start = 0; start < header.length; ) {
      const semicolon = header.indexOf(";", start);
      const end = semicolon < 0 ? header.length : semicolon;
      const equals = header.indexOf("=", start);
      if (equals > start && equals < end && header.slice(start, equals).trim() === this.name) {
        return header.slice(equals + 1, end).trim();
      }
      start = end + 1;
    }
    return undefined;
  }

  /**
   * The header `Set-Cookie` with a token.
   *
   * @param lifetime how many seconds the session lives if it is not used; 0 for a session without an end
   */
  set(token: string, lifetime: number): string {
    if (!this.persistent) return `${this.name}=${token}${this.#attributes}`;
    const maxAge = lifetime > 0 ? Math.min(Math.ceil(lifetime), MAX_COOKIE_AGE) : MAX_COOKIE_AGE;
    return `${this.name}=${token}; Max-Age=${maxAge}${this.#attributes}`;
  }

  /** The header `Set-Cookie` that makes a browser delete the cookie. */
  clear(): string {
    return `${this.name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT${this.#attributes}`;
  }

  /** Whether one of the headers `Set-Cookie` of a response sets this cookie. */
  isIn(setCookie: unknown): boolean {
    if (setCookie === undefined) return false;
    const lines = Array.isArray(setCookie) ? setCookie : [setCookie];
    return lines.some((line) => typeof line === "string" && line.startsWith(`${this.name}=`));
  }
}

/** The header `Vary` of a response whose cookie depends on that of the request: `Cookie` is added to the names. */
export function varyByCookie(vary: unknown): string {
  const names = (Array.isArray(vary) ? vary : [vary ?? ""]).join(", ").trim();
  if (names === "") return "Cookie";
  return names.split(",").some((name) => ["*", "cookie"].includes(name.trim().toLowerCase()))
    ? names
    : `${names}, Cookie`;
}

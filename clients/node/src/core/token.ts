/**
 * The claims of a token.
 *
 * @example
 * ```js
 * await req.session.create({ role: "editor" });
 * req.session.claims.role; // "editor"
 * ```
 */
export interface Claims {
  /** The id of the session. */
  jti: string;
  /** The owner of the session. */
  sub?: string;
  /** When the token was issued, in seconds since the Unix epoch. */
  iat?: number;
  // biome-ignore lint/suspicious/noExplicitAny: applications give claims of any type
  [claim: string]: any;
}

/**
 * Reads the claims of a token **without verifying it**. Until the server has verified the token, use them only to find
 * the key of the session.
 *
 * @returns undefined if this is not a token that could name a session
 */
export function readClaims(token: string): Claims | undefined {
  const start = token.indexOf(".") + 1;
  const payload = token.slice(start, token.indexOf(".", start));
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
    return namesSession(claims) ? claims : undefined;
  } catch {
    return undefined;
  }
}

function namesSession(claims: unknown): claims is Claims {
  return typeof claims === "object" && claims !== null && "jti" in claims && typeof claims.jti === "string";
}

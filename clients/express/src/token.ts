/** What a token says, as JSON. */
export interface Claims {
  /** The session's id. */
  jti: string;
  /** The session's owner. */
  sub?: string;
  /** When the token was issued, in seconds since the epoch. */
  iat?: number;
  [claim: string]: any;
}

/**
 * Reads a token **without verifying it**, which is the server's business: until it has, what a token says about itself
 * only tells where to ask.
 *
 * @returns nothing if it is no token that could name a session.
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

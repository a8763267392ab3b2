// The key of a test in the shape that each library takes it. A key is {"secret": text} or {"jwk": a JWK of type oct}.

import * as jose from "jose";

export async function keyFor(library, key, algorithm) {
  if (library === "jose") {
    return key.jwk ? jose.importJWK(key.jwk, algorithm) : new TextEncoder().encode(key.secret);
  }
  // jsonwebtoken knows no JWKs: its users hand it the bytes.
  return key.jwk ? Buffer.from(key.jwk.k, "base64url") : key.secret;
}

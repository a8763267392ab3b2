// The key of a test in the shape that each library takes it. A key is {"secret": text}, {"jwk": a JWK, private where it
// is to sign} or {"jwks": a JWK Set to look the token's kid up in}, the last for jose alone.

import { createPrivateKey, createPublicKey } from "node:crypto";
import * as jose from "jose";

export async function keyFor(library, key, algorithm) {
  if (library === "jose") {
    if (key.jwks) return jose.createLocalJWKSet(key.jwks);
    return key.jwk ? jose.importJWK(key.jwk, algorithm) : new TextEncoder().encode(key.secret);
  }
  // jsonwebtoken knows no JWKs: its users hand it what Node makes of them.
  if (!key.jwk) return key.secret;
  if (key.jwk.kty === "oct") return Buffer.from(key.jwk.k, "base64url");
  const read = key.jwk.d ? createPrivateKey : createPublicKey;
  return read({ key: key.jwk, format: "jwk" });
}

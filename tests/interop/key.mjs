// The key of a test in the form for each library. A key is {"secret": text}, {"jwk": a JWK, private for signing} or
// {"jwks": a JWK Set with the key of the token's kid}, which only jose supports.

import { createPrivateKey, createPublicKey } from "node:crypto";
import * as jose from "jose";

export async function keyFor(library, key, algorithm) {
  if (library === "jose") {
    if (key.jwks) return jose.createLocalJWKSet(key.jwks);
    return key.jwk ? jose.importJWK(key.jwk, algorithm) : new TextEncoder().encode(key.secret);
  }
  // jsonwebtoken does not read JWKs, so convert them.
  if (!key.jwk) return key.secret;
  if (key.jwk.kty === "oct") return Buffer.from(key.jwk.k, "base64url");
  const read = key.jwk.d ? createPrivateKey : createPublicKey;
  return read({ key: key.jwk, format: "jwk" });
}

// Generates or reads asymmetric keys with Node and jose and prints a JSON array with {"private", "public": JWKs with only
// the numbers, "thumbprint": by RFC 7638} for each; "private" is null for a public key. The only argument is JSON with
// tasks, each with one of
//   generate  an algorithm: generates a key for it
//   pem       a PEM block that Node can read

import { createPrivateKey, createPublicKey } from "node:crypto";
import * as jose from "jose";

async function jwkOf({ generate, pem }) {
  if (generate) {
    const { privateKey } = await jose.generateKeyPair(generate, { extractable: true });
    return jose.exportJWK(privateKey);
  }
  const read = pem.includes("PRIVATE KEY") ? createPrivateKey : createPublicKey;
  return read(pem).export({ format: "jwk" });
}

async function describe(task) {
  const jwk = await jwkOf(task);
  const names = ["kty", "crv", "n", "e", "x", "y"].filter((name) => jwk[name]);
  const publicJwk = Object.fromEntries(names.map((name) => [name, jwk[name]]));
  const thumbprint = await jose.calculateJwkThumbprint(publicJwk);
  return { private: jwk.d ? jwk : null, public: publicJwk, thumbprint };
}

console.log(JSON.stringify(await Promise.all(JSON.parse(process.argv[2]).tasks.map(describe))));

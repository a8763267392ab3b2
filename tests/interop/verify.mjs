// Verifies JWTs with an npm library and prints a JSON array: {"header", "claims"} for an accepted token, {"refused": the
// error} for a refused one. The only argument is JSON:
//   library  jose | jsonwebtoken
//   tasks    an array, one for each token:
//     key               see key.mjs
//     algorithm         the only accepted algorithm
//     issuer, audience  required, if given
//     typ               of the header, required, if given; only jose checks it
//     token

import * as jose from "jose";
import jsonwebtoken from "jsonwebtoken";
import { keyFor } from "./key.mjs";

const verifiers = {
  async jose(token, key, options) {
    const { protectedHeader, payload } = await jose.jwtVerify(token, key, options);
    return { header: protectedHeader, claims: payload };
  },
  async jsonwebtoken(token, key, options) {
    const { header, payload } = jsonwebtoken.verify(token, key, { ...options, complete: true });
    return { header, claims: payload };
  },
};

const { library, tasks } = JSON.parse(process.argv[2]);

async function verify({ key, algorithm, issuer, audience, typ, token }) {
  const required = { ...(issuer && { issuer }), ...(audience && { audience }), ...(typ && { typ }) };
  const options = { algorithms: [algorithm], ...required };
  const verifyingKey = await keyFor(library, key, algorithm);
  return verifiers[library](token, verifyingKey, options).catch((error) => {
    // The errors of jsonwebtoken have no code. Their message is more precise than their name.
    if (error instanceof jose.errors.JOSEError) return { refused: error.code };
    if (error instanceof jsonwebtoken.JsonWebTokenError) return { refused: error.message };
    throw error;
  });
}

console.log(JSON.stringify(await Promise.all(tasks.map(verify))));

// Verifies a JWT with an npm library and prints {"header", "claims"}, or {"refused": the library's word for why}. The
// only argument is JSON:
//   library           jose | jsonwebtoken
//   key               see key.mjs
//   algorithm         the only one to accept
//   issuer, audience  to insist on, where given
//   token

import * as jose from "jose";
import jsonwebtoken from "jsonwebtoken";
import { keyFor } from "./key.mjs";

const { library, key, algorithm, issuer, audience, token } = JSON.parse(process.argv[2]);
const options = { algorithms: [algorithm], ...(issuer && { issuer }), ...(audience && { audience }) };
const verifyingKey = await keyFor(library, key, algorithm);

const verifiers = {
  async jose() {
    const { protectedHeader, payload } = await jose.jwtVerify(token, verifyingKey, options);
    return { header: protectedHeader, claims: payload };
  },
  async jsonwebtoken() {
    const { header, payload } = jsonwebtoken.verify(token, verifyingKey, { ...options, complete: true });
    return { header, claims: payload };
  },
};

const outcome = await verifiers[library]().catch((error) => {
  // jsonwebtoken's errors have no code, but a name and a message that tell more.
  if (error instanceof jose.errors.JOSEError) return { refused: error.code };
  if (error instanceof jsonwebtoken.JsonWebTokenError) return { refused: error.message };
  throw error;
});
console.log(JSON.stringify(outcome));

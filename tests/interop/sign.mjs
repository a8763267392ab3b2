// Signs a JWT with an npm library and prints {"token"}. The only argument is JSON:
//   library    jose | jsonwebtoken
//   key        see key.mjs
//   algorithm  HS256, HS384, HS512, or none (then the key is not used)
//   kid        for the header, where wanted
//   claims     exactly the claims to sign: nothing is added

import * as jose from "jose";
import jsonwebtoken from "jsonwebtoken";
import { keyFor } from "./key.mjs";

const { library, key, algorithm, kid, claims } = JSON.parse(process.argv[2]);

const signers = {
  async jose() {
    if (algorithm === "none") return new jose.UnsecuredJWT(claims).encode();
    const header = { alg: algorithm, typ: "JWT", ...(kid && { kid }) };
    return new jose.SignJWT(claims).setProtectedHeader(header).sign(await keyFor(library, key, algorithm));
  },
  async jsonwebtoken() {
    const options = { algorithm, ...(kid && { keyid: kid }), noTimestamp: claims.iat === undefined };
    const signingKey = algorithm === "none" ? "" : await keyFor(library, key, algorithm);
    return jsonwebtoken.sign(claims, signingKey, options);
  },
};

console.log(JSON.stringify({ token: await signers[library]() }));

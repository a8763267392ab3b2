// Signs JWTs with an npm library and prints a JSON array of the tokens. The only argument is JSON:
//   library  jose | jsonwebtoken
//   tasks    an array, one for each token:
//     key        see key.mjs
//     algorithm  its name, or "none", which uses no key
//     kid        for the header, optional
//     claims     the claims to sign; nothing is added

import * as jose from "jose";
import jsonwebtoken from "jsonwebtoken";
import { keyFor } from "./key.mjs";

const signers = {
  async jose({ key, algorithm, kid, claims }) {
    if (algorithm === "none") return new jose.UnsecuredJWT(claims).encode();
    const header = { alg: algorithm, typ: "JWT", ...(kid && { kid }) };
    return new jose.SignJWT(claims).setProtectedHeader(header).sign(await keyFor("jose", key, algorithm));
  },
  async jsonwebtoken({ key, algorithm, kid, claims }) {
    const options = { algorithm, ...(kid && { keyid: kid }), noTimestamp: claims.iat === undefined };
    const signingKey = algorithm === "none" ? "" : await keyFor("jsonwebtoken", key, algorithm);
    return jsonwebtoken.sign(claims, signingKey, options);
  },
};

const { library, tasks } = JSON.parse(process.argv[2]);
console.log(JSON.stringify(await Promise.all(tasks.map(signers[library]))));

/** Tokens that the tests sign and read themselves. */
import { createHmac, randomBytes, randomUUID } from "node:crypto";

const SECRET = randomBytes(32).toString("base64url");

/** The settings and files of a server whose tokens {@link sign} can sign. */
export const OWN_KEY = {
  settings: { "jrs.keys-file": "{folder}/keys.json" },
  files: { "keys.json": JSON.stringify({ keys: [{ kty: "oct", alg: "HS256", k: SECRET }] }) },
};

/** Signs a token of the server. */
export function sign(claims) {
  const [header, payload] = [{ alg: "HS256", typ: "JWT" }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url"),
  );
  const signature = createHmac("sha256", Buffer.from(SECRET, "base64url")).update(`${header}.${payload}`);
  return `${header}.${payload}.${signature.digest("base64url")}`;
}

/** The header and the claims of a token, not verified. */
export function decoded(token) {
  return token.split(".", 2).map((part) => JSON.parse(Buffer.from(part, "base64url")));
}

/**
 * Stores a session with a token that was issued some seconds ago, when the user authenticated.
 *
 * @returns its token
 */
export async function oldLogin(server, owner, data, age) {
  const now = Math.floor(Date.now() / 1000);
  const jti = `{${owner}}:${uuidV7()}`;
  await server.send("SET", `sess:${jti}`, JSON.stringify(data), "EX", "600");
  return sign({ jti, sub: owner, iat: now - age, auth_time: now - age });
}

function uuidV7() {
  const time = Date.now().toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
